//! Opening a file of packed images: the header against the file, before anything is believed.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, Metadata};
use serde::de::DeserializeOwned;
use zview_runtime::format::check_format;
use zview_runtime::hash::sha256_of_bytes;

use super::layout::{FORMAT, INTEGER_BYTES, LENGTH_BYTES, MadeFrom, VERSION, tensor_name};
use super::mapped::{MappedImages, Names};
use crate::error::DataError;
use crate::image_set::ImageShape;
use crate::options::{Limits, Split};
use crate::source::{Items, SplitContent};

/// What to do about a file that is not what it should be.
const AGAIN: &str = "get the file again, or make it again with `zview data pack`";

/// A file of packed images whose header fits it.
#[derive(Debug)]
pub(crate) struct PackedFile {
    path: PathBuf,
    map: Arc<Mmap>,
    /// Where the tensors begin.
    begin: usize,
    tensors: Metadata,
    classes: Vec<String>,
    made: MadeFrom,
    images_per_hash: BTreeMap<Split, usize>,
    sha256: BTreeMap<String, Vec<String>>,
}

/// Whether a file that begins like this may be one of tensors: the length of a header, which is JSON.
pub(crate) fn is_safetensors_start(start: &[u8]) -> bool {
    const LONGEST: u64 = 100_000_000;
    let length = start.first_chunk::<8>().map(|length| u64::from_le_bytes(*length));
    length.is_some_and(|length| (2..=LONGEST).contains(&length))
        && start.get(8) == Some(&b'{')
        && start.get(9).is_some_and(|next| b"\"} \n\r\t".contains(next))
}

/// Whether the file at `path` is one of packed images, damaged or not.
#[must_use]
pub fn is_packed(path: &Path) -> bool {
    !matches!(PackedFile::open(path), Err(DataError::Read { .. } | DataError::NotRecognised { .. }))
}

/// Where a tensor lies in the file, and its shape.
type Found<'a> = (Range<usize>, &'a [usize]);

impl PackedFile {
    /// Maps the file at `path` and holds its header against it.
    ///
    /// # Errors
    /// [`DataError::Read`], [`DataError::NotRecognised`], [`DataError::BadFile`].
    pub(crate) fn open(path: &Path) -> Result<Self, DataError> {
        let read_error = |source| DataError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(read_error)?;
        // SAFETY: the map is only read, as bytes, of which every value is valid. Whoever changes the file meanwhile changes
        // pixels; whoever cuts it short ends this process, as for every program that maps files. zview itself never writes
        // to a file that has its final name.
        let map = unsafe { Mmap::map(&file) }.map_err(read_error)?;
        let bad = bad_file(path);
        let (header_bytes, tensors) = SafeTensors::read_metadata(&map).map_err(|error| {
            bad("header", "that of safetensors, for tensors that fill the file".to_owned(), error.to_string())
        })?;
        let no_metadata = HashMap::new();
        let about = tensors.metadata().as_ref().unwrap_or(&no_metadata);
        if about.get("format").map(String::as_str) != Some(FORMAT) {
            let found = "a safetensors file, but not one of images that `zview data pack` made".to_owned();
            return Err(DataError::NotRecognised { path: path.to_owned(), found });
        }
        let version = about.get("version").and_then(|version| version.parse().ok());
        if let Err(newer) = check_format(path, version, VERSION) {
            return Err(bad("version", format!("up to {VERSION}"), newer.got.to_string()));
        }
        let (classes, made) = (field(path, about, "classes")?, field(path, about, "made")?);
        let (images_per_hash, sha256) =
            (field(path, about, "images_per_hash")?, field(path, about, "sha256")?);
        let begin = LENGTH_BYTES as usize + header_bytes;
        let path = path.to_owned();
        Ok(Self { path, begin, classes, made, images_per_hash, sha256, tensors, map: Arc::new(map) })
    }

    /// What it was made from.
    pub(crate) fn made(&self) -> &MadeFrom {
        &self.made
    }

    /// The splits that it has.
    pub(crate) fn splits(&self) -> impl Iterator<Item = Split> {
        let splits = [Split::Train, Split::Test].into_iter();
        splits.filter(|&split| self.tensors.info(&tensor_name(split, "images")).is_some())
    }

    /// Where a tensor of that type lies in the file, and its shape with `sides` numbers.
    fn tensor(
        &self,
        split: Split,
        of: &'static str,
        (dtype, sides): (Dtype, usize),
    ) -> Result<Option<Found<'_>>, DataError> {
        let Some(found) = self.tensors.info(&tensor_name(split, of)) else { return Ok(None) };
        if found.dtype != dtype || found.shape.len() != sides {
            let got = format!("{:?} of shape {:?}", found.dtype, found.shape);
            return Err(bad_file(&self.path)(of, format!("{dtype:?} with {sides} dimensions"), got));
        }
        let (from, to) = found.data_offsets;
        Ok(Some((self.begin + from..self.begin + to, &found.shape)))
    }

    /// The hash of a tensor that has one.
    fn hash_of(&self, split: Split, of: &str) -> Option<&String> {
        match self.sha256.get(&tensor_name(split, of))?.as_slice() {
            [hash] => Some(hash),
            _ => None,
        }
    }

    /// The name of each class.
    pub(crate) fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The images of a split, mapped. Labels are read and held against their hash; pixels are not.
    ///
    /// # Errors
    /// [`DataError::MissingSplit`], [`DataError::BadFile`].
    pub(crate) fn take(&self, split: Split, limits: &Limits) -> Result<SplitContent, DataError> {
        let images = self.images(split, limits)?;
        let labels = self.labels(split, images.len())?;
        let notes = self.made.notes.clone();
        let labels = labels.map(|labels| labels.into_iter().map(Some).collect());
        let items = Items::Mapped { images, labels };
        Ok(SplitContent { notes, ..SplitContent::new(items, self.classes.clone()) })
    }

    fn images(&self, split: Split, limits: &Limits) -> Result<MappedImages, DataError> {
        let bad = bad_file(&self.path);
        let Some((pixels, shape)) = self.tensor(split, "images", (Dtype::U8, 4))? else {
            let there: Vec<String> = self.splits().map(|split| split.to_string()).collect();
            return Err(DataError::MissingSplit {
                path: self.path.clone(),
                split,
                expected: tensor_name(split, "images"),
                got: if there.is_empty() {
                    "no images".to_owned()
                } else {
                    format!("only {}", there.join(", "))
                },
            });
        };
        let &[images, channels, height, width] = shape else {
            return Err(bad("images", String::new(), String::new()));
        };
        let shape = ImageShape { channels, height, width };
        let is_picture = [1, 3].contains(&channels)
            && (1..=limits.max_side).contains(&height)
            && (1..=limits.max_side).contains(&width)
            && shape.bytes() as u64 <= limits.max_image_bytes;
        if !is_picture || images == 0 || u32::try_from(images).is_err() {
            let expected = format!(
                "images of 1 or 3 channels, with sides of 1 to {} pixels (N, C, H, W), fewer than 2^32",
                limits.max_side
            );
            return Err(bad("images", expected, format!("{images} x {channels} x {height} x {width}")));
        }
        let per_hash = self.images_per_hash.get(&split).copied().unwrap_or(0);
        let hashes = self.sha256.get(&tensor_name(split, "images")).cloned().unwrap_or_default();
        let is_hash = |hash: &String| hash.len() == 64 && hash.bytes().all(|digit| digit.is_ascii_hexdigit());
        if per_hash == 0 || hashes.len() != images.div_ceil(per_hash) || !hashes.iter().all(is_hash) {
            let expected = format!("a SHA-256 for every {per_hash} of {images} images");
            return Err(bad("sha256", expected, format!("{} of them", hashes.len())));
        }
        let names = self.names(split, images)?;
        Ok(MappedImages::new((&self.path, split), &self.map, (pixels, shape), names, (per_hash, hashes)))
    }

    fn names(&self, split: Split, images: usize) -> Result<Option<Names>, DataError> {
        let Some((text, _)) = self.tensor(split, "names", (Dtype::U8, 1))? else { return Ok(None) };
        let ends = self.tensor(split, "name_ends", (Dtype::I64, 1))?;
        let Some((ends, _)) = ends.filter(|(_, shape)| **shape == [images]) else {
            let expected = format!("where each of {images} names ends");
            return Err(bad_file(&self.path)("name_ends", expected, "another number of them".to_owned()));
        };
        let sha256 = ["names", "name_ends"].map(|of| self.hash_of(split, of).cloned());
        Ok(Some(Names { text, ends, sha256 }))
    }

    fn labels(&self, split: Split, images: usize) -> Result<Option<Vec<u32>>, DataError> {
        let bad = bad_file(&self.path);
        let Some((labels, shape)) = self.tensor(split, "labels", (Dtype::I64, 1))? else { return Ok(None) };
        if *shape != [images] {
            return Err(bad("labels", format!("{images}, one per image"), format!("{shape:?}")));
        }
        let bytes = &self.map[labels];
        let (expected, got) = (self.hash_of(split, "labels").cloned(), sha256_of_bytes(bytes));
        if expected.as_ref() != Some(&got) {
            let expected = format!("SHA-256 {}", expected.unwrap_or_else(|| "in the header".to_owned()));
            return Err(bad("labels", expected, got));
        }
        let classes = self.classes.len();
        let read = bytes.chunks_exact(INTEGER_BYTES as usize).map(integer).map(|label| {
            let is_class = usize::try_from(label).is_ok_and(|label| label < classes);
            is_class.then_some(label as u32).ok_or(label)
        });
        let labels: Result<Vec<u32>, i64> = read.collect();
        labels.map(Some).map_err(|label| {
            bad(
                "labels",
                format!("0 to {} for {classes} classes", classes.saturating_sub(1)),
                label.to_string(),
            )
        })
    }
}

/// A little-endian integer; 0 of fewer bytes.
pub(super) fn integer(bytes: &[u8]) -> i64 {
    bytes.first_chunk().map_or(0, |bytes| i64::from_le_bytes(*bytes))
}

fn bad_file(path: &Path) -> impl Fn(&'static str, String, String) -> DataError {
    move |field, expected, got| DataError::BadFile {
        path: path.to_owned(),
        field,
        expected,
        got,
        remedy: AGAIN,
    }
}

fn field<T: DeserializeOwned>(
    path: &Path,
    about: &HashMap<String, String>,
    key: &'static str,
) -> Result<T, DataError> {
    let text = about.get(key).map_or("", String::as_str);
    serde_json::from_str(text)
        .map_err(|error| bad_file(path)(key, "JSON in the metadata".to_owned(), error.to_string()))
}
