//! What a file of packed images consists of, in which order, and the header that says so.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::image_set::ImageShape;
use crate::options::{ColorMode, Split};

/// What the metadata call the format.
pub(super) const FORMAT: &str = "zview images";
/// The newest version of it.
pub(super) const VERSION: u32 = 1;
/// Where pixels begin is a multiple of this: a page of memory.
const PAGE: u64 = 4096;
/// Bytes before the header: its length.
pub(super) const LENGTH_BYTES: u64 = 8;
/// Bytes of an integer of the tensors that are none of pixels.
pub(super) const INTEGER_BYTES: u64 = 8;

/// What packed images were made from, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeFrom {
    /// The data set, as it was named.
    pub from: String,
    /// The version that made it.
    pub zview: String,
    /// Square side in pixels that was asked for.
    pub size: Option<usize>,
    /// What the shorter side was resized to before the centre was kept, where that is not `size`.
    pub resize: Option<usize>,
    /// The colour that was asked for.
    pub color: ColorMode,
    /// Which part of each image was kept, and how it was resized.
    pub crop: String,
    /// SHA-256 of each split it was made from: of names, lengths and times of files, or of pixels; and labels.
    pub source_sha256: BTreeMap<Split, String>,
    /// Images that could not be used.
    pub left_out: BTreeMap<Split, usize>,
    /// What was decided about the images, one sentence each.
    pub notes: Vec<String>,
}

/// A split as it is to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PlannedSplit {
    pub(super) split: Split,
    pub(super) shape: ImageShape,
    /// Images, usable or not.
    pub(super) files: usize,
    /// Images that have one hash together.
    pub(super) images_per_hash: usize,
    pub(super) labelled: bool,
    /// Bytes of all names; `None` where images have none.
    pub(super) name_bytes: Option<u64>,
}

/// All that is known before the first image is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) version: u32,
    pub(super) name: String,
    pub(super) made: MadeFrom,
    pub(super) classes: Vec<String>,
    pub(super) splits: Vec<PlannedSplit>,
    /// Where pixels begin.
    pub(super) begin: u64,
}

/// A split as it was written.
#[derive(Debug, Clone)]
pub(super) struct WrittenSplit {
    pub(super) images: usize,
    pub(super) name_bytes: u64,
}

fn named_splits(made: &MadeFrom) -> String {
    made.source_sha256.keys().map(Split::to_string).collect::<Vec<_>>().join(" and ")
}

/// A tensor of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tensor {
    pub(super) name: String,
    dtype: &'static str,
    shape: Vec<u64>,
    pub(super) bytes: u64,
}

/// The name of a split's tensor.
pub(super) fn tensor_name(split: Split, of: &str) -> String {
    format!("{split}.{of}")
}

/// The name of what makes integers begin at a multiple of eight bytes, as PyTorch wants them.
pub(super) const PADDING: &str = "padding";

impl Plan {
    /// In what `asked` differs from this one, as far as pixels, labels and names are concerned.
    pub(super) fn differences(&self, asked: &Self) -> Vec<String> {
        let (there, asked_for) = (&self.made, &asked.made);
        let side = |side: Option<usize>| side.map_or("none".to_owned(), |side| side.to_string());
        let settings = [
            ("the version of zview", there.zview.clone(), asked_for.zview.clone()),
            ("the format", self.version.to_string(), asked.version.to_string()),
            ("`size`", side(there.size), side(asked_for.size)),
            ("`resize`", side(there.resize), side(asked_for.resize)),
            ("`color`", json!(there.color).to_string(), json!(asked_for.color).to_string()),
            ("the splits", named_splits(there), named_splits(asked_for)),
        ];
        let told = |(what, there, asked)| format!("{what} is {there} there, {asked} was asked for");
        let mut differences: Vec<String> =
            settings.into_iter().filter(|(_, there, asked)| there != asked).map(told).collect();
        let other_images = there.source_sha256 != asked_for.source_sha256
            || self.classes != asked.classes
            || self.splits != asked.splits;
        if differences.is_empty() && other_images {
            differences.push(format!("the images of {} are not those, or have changed", there.from));
        }
        differences
    }

    /// The tensors in the order of the file, where the splits are as they were `written`: pixels first, then integers, then
    /// names.
    pub(super) fn tensors(&self, written: &[WrittenSplit]) -> Vec<Tensor> {
        let splits = || self.splits.iter().zip(written);
        let mut tensors = Vec::new();
        let tensor = |name, dtype, shape: Vec<u64>, item: u64| {
            let bytes = shape.iter().product::<u64>() * item;
            Tensor { name, dtype, shape, bytes }
        };
        for (planned, written) in splits() {
            let ImageShape { channels, height, width } = planned.shape;
            let shape = [written.images, channels, height, width].map(|side| side as u64).to_vec();
            tensors.push(tensor(tensor_name(planned.split, "images"), "U8", shape, 1));
        }
        let pixels: u64 = tensors.iter().map(|tensor| tensor.bytes).sum();
        let padding = pixels.next_multiple_of(INTEGER_BYTES) - pixels;
        if padding > 0 {
            tensors.push(tensor(PADDING.to_owned(), "U8", vec![padding], 1));
        }
        for (planned, written) in splits() {
            let of_images = [
                ("labels", planned.labelled),
                ("name_ends", planned.name_bytes.is_some()), //
            ];
            for (of, _) in of_images.iter().filter(|(_, there)| *there) {
                let name = tensor_name(planned.split, of);
                tensors.push(tensor(name, "I64", vec![written.images as u64], INTEGER_BYTES));
            }
        }
        for (planned, written) in splits().filter(|(planned, _)| planned.name_bytes.is_some()) {
            let name = tensor_name(planned.split, "names");
            tensors.push(tensor(name, "U8", vec![written.name_bytes], 1));
        }
        tensors
    }

    /// The splits, if every image can be used.
    pub(super) fn at_most(&self) -> Vec<WrittenSplit> {
        let of_split = |planned: &PlannedSplit| WrittenSplit {
            images: planned.files,
            name_bytes: planned.name_bytes.unwrap_or(0),
        };
        self.splits.iter().map(of_split).collect()
    }

    /// Bytes of the whole file, if every image can be used.
    pub(super) fn bytes_at_most(&self) -> u64 {
        self.begin + self.tensors(&self.at_most()).iter().map(|tensor| tensor.bytes).sum::<u64>()
    }

    /// Sets aside as much for the header as it can take: how many images are left out is only known at the end.
    pub(super) fn with_room_for_header(mut self) -> Self {
        /// For a tensor of padding, and longer numbers.
        const SPARE: u64 = 512;
        let hash = "0".repeat(64);
        let hashes = |planned: &PlannedSplit| {
            let parts = planned.files.div_ceil(planned.images_per_hash.max(1));
            (tensor_name(planned.split, "images"), vec![hash.clone(); parts])
        };
        let mut all: BTreeMap<String, Vec<String>> = self.splits.iter().map(hashes).collect();
        for tensor in self.tensors(&self.at_most()) {
            all.entry(tensor.name).or_insert_with(|| vec![hash.clone()]);
        }
        let left_out = self.splits.iter().map(|planned| (planned.split, planned.files)).collect();
        let header = self.header(&self.at_most(), &all, &left_out);
        self.begin = (LENGTH_BYTES + header.len() as u64 + SPARE).next_multiple_of(PAGE);
        self
    }

    /// The header, without the spaces behind it. `sha256` has the hashes of each tensor: of images one for every
    /// `images_per_hash`, else one.
    pub(super) fn header(
        &self,
        written: &[WrittenSplit],
        sha256: &BTreeMap<String, Vec<String>>,
        left_out: &BTreeMap<Split, usize>,
    ) -> String {
        let by_split = |value: &dyn Fn(&PlannedSplit, &WrittenSplit) -> usize| {
            let splits = self.splits.iter().zip(written);
            splits
                .map(|(planned, written)| (planned.split.to_string(), value(planned, written).into()))
                .collect::<Map<String, Value>>()
        };
        let made = MadeFrom { left_out: left_out.clone(), ..self.made.clone() };
        // Metadata of safetensors are texts; these are JSON.
        let about = json!({
            "format": FORMAT,
            "version": VERSION.to_string(),
            "name": self.name,
            "classes": json!(self.classes).to_string(),
            "images": Value::Object(by_split(&|_, written| written.images)).to_string(),
            "images_per_hash": Value::Object(by_split(&|planned, _| planned.images_per_hash)).to_string(),
            "sha256": json!(sha256).to_string(),
            "made": json!(made).to_string(),
        });
        let mut header = Map::new();
        header.insert("__metadata__".to_owned(), about);
        let mut from = 0;
        for Tensor { name, dtype, shape, bytes } in self.tensors(written) {
            let entry = json!({ "dtype": dtype, "shape": shape, "data_offsets": [from, from + bytes] });
            header.insert(name, entry);
            from += bytes;
        }
        Value::Object(header).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(files: usize, side: usize) -> Plan {
        let split = |split, files| PlannedSplit {
            split,
            shape: ImageShape { channels: 1, height: side, width: side },
            files,
            images_per_hash: 3,
            labelled: true,
            name_bytes: Some(100),
        };
        Plan {
            version: VERSION,
            name: "photos".to_owned(),
            made: MadeFrom {
                from: "photos".to_owned(),
                zview: "1".to_owned(),
                size: None,
                resize: None,
                color: ColorMode::AsStored,
                crop: "whole".to_owned(),
                source_sha256: BTreeMap::new(),
                left_out: BTreeMap::new(),
                notes: Vec::new(),
            },
            classes: vec!["cat".to_owned()],
            splits: vec![split(Split::Train, files), split(Split::Test, 2)],
            begin: 0,
        }
        .with_room_for_header()
    }

    #[test]
    fn the_header_fits_into_its_room_however_many_images_are_left_out() {
        let plan = plan(1000, 3);
        assert_eq!(plan.begin % PAGE, 0);
        for images in [1, 9, 10, 999, 1000] {
            let mut written = plan.at_most();
            written[0].images = images;
            let hash = || "f".repeat(64);
            let mut sha256: BTreeMap<String, Vec<String>> =
                plan.tensors(&written).into_iter().map(|tensor| (tensor.name, vec![hash()])).collect();
            sha256.insert("train.images".to_owned(), vec![hash(); images.div_ceil(3)]);
            let left_out = BTreeMap::from([(Split::Train, 1000 - images), (Split::Test, 0)]);
            let header = plan.header(&written, &sha256, &left_out);
            assert!(header.len() as u64 + LENGTH_BYTES <= plan.begin, "{images}: {}", header.len());
            assert!(header.starts_with("{\"__metadata__\":{"), "{header}");
        }
    }

    #[test]
    fn integers_begin_at_multiples_of_eight_bytes_and_nothing_lies_between() {
        for side in 1..9 {
            let plan = plan(5, side);
            let mut from = 0;
            for tensor in plan.tensors(&plan.at_most()) {
                if tensor.dtype == "I64" {
                    assert_eq!(from % INTEGER_BYTES, 0, "{side}: {}", tensor.name);
                }
                from += tensor.bytes;
            }
            assert_eq!(plan.begin + from, plan.bytes_at_most());
        }
    }
}
