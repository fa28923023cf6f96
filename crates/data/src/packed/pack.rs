//! Writing a data set as one file of packed images.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use serde::Serialize;
use zview_runtime::hash::sha256_of_bytes;
use zview_runtime::progress::Progress;
use zview_runtime::stop::StopSignal;

use super::error::PackError;
use super::layout::{
    INTEGER_BYTES, MadeFrom, PADDING, Plan, PlannedSplit, VERSION, WrittenSplit, tensor_name,
};
use super::open::PackedFile;
use super::partial::{Partial, forget, paths};
use super::parts::{Filling, Parts};
use crate::error::{DataError, Reject};
use crate::ignored::{Ignored, ignore};
use crate::image_set::{ImageSet, ImageShape};
use crate::load::load;
use crate::name_text::path_text;
use crate::named;
use crate::options::{LoadOptions, Split};

/// Bytes of images that have one hash together, and are safe together.
const PART_BYTES: usize = 16 << 20;

/// What to pack and how.
#[derive(Debug, Clone, Default)]
pub struct PackOptions {
    /// What becomes of each image, and how many may be unusable.
    pub load: LoadOptions,
    /// The only split to pack; each that there is where it is not given.
    pub split: Option<Split>,
    /// Ends the work after the images that are under way.
    pub stop: StopSignal,
}

/// What was packed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Packed {
    /// The file; while it is not finished, what is there of it.
    pub path: String,
    /// Bytes of the file.
    pub bytes: u64,
    /// Whether it was stopped before its end: the same command goes on.
    pub stopped: bool,
    /// Whether the file had been there, made by the same command: nothing was done.
    pub was_there: bool,
    /// Images that an earlier command had looked at.
    pub went_on_from: usize,
    /// Number of classes.
    pub classes: usize,
    /// What is in it.
    pub splits: Vec<PackedSplit>,
    /// Images that were left out; of a file that was there they are only counted.
    pub rejects: Vec<Reject>,
    /// How many of them there are for each reason.
    pub reject_reasons: BTreeMap<String, usize>,
    /// What was decided about the images, one sentence each.
    pub notes: Vec<String>,
    /// Files of the data set that are no images, by why.
    pub ignored: Ignored,
    /// What it took.
    pub seconds: f64,
    /// Images that were read in a second.
    pub images_per_second: f64,
}

/// A split in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackedSplit {
    /// Which one.
    pub split: Split,
    /// Images in it.
    pub images: usize,
    /// The shape of each.
    pub shape: ImageShape,
    /// Whether they have classes.
    pub labelled: bool,
    /// Images that could not be used.
    pub left_out: usize,
}

/// Writes a data set (a name or path) as one file at `target`, brought to one shape as the options say: safetensors
/// tensors `train.images` (N, C, H, W) of bytes, `train.labels` (N) of 64 bits, names, and the same of `test`. What a kill or
/// a full disk leaves is gone on with by the same call; the file has its name when it is finished.
///
/// # Errors
/// [`PackError`].
pub fn pack(name_or_path: &str, target: &Path, options: &PackOptions) -> Result<Packed, PackError> {
    pack_in_parts(name_or_path, target, options, &Parts::of_bytes(PART_BYTES))
}

pub(super) fn pack_in_parts(
    name_or_path: &str,
    target: &Path,
    options: &PackOptions,
    into: &Parts,
) -> Result<Packed, PackError> {
    let started = Instant::now();
    // Read when they are wanted, whatever would fit into memory.
    let load_options = LoadOptions { memory: Some(0), streamed: false, ..options.load.clone() };
    let root = path_text(&named::resolve(name_or_path, load_options.data_dir.as_deref())?.path);
    let sets = Sets { root, splits: sets(name_or_path, options.split, &load_options)? };
    let plan = sets.plan(name_or_path, options, into.bytes);
    if let Some(bytes) = finished(target, &plan)? {
        forget(&paths(target).1);
        let open = PackedFile::open(target)?;
        let mut packed = sets.account(target, bytes, started);
        packed.was_there = true;
        for (split, left_out) in packed.splits.iter_mut().zip(open.made().left_out.values()) {
            // Those that were found when it was written, beside those that are known before.
            split.images -= left_out.saturating_sub(split.left_out).min(split.images);
            split.left_out = *left_out;
        }
        return Ok(packed);
    }
    zview_runtime::atomic::check_writable(target)?;
    let mut partial = Partial::open(target, plan)?;
    #[cfg(test)]
    {
        partial.full_at = into.full_at;
    }
    let before = partial.done();
    if let Err(error) = partial.check_room() {
        if before == 0 {
            partial.abandon(); // so that it does not stand in the way of a smaller size
        }
        return Err(error);
    }
    let (seconds_before, all) = (started.elapsed().as_secs_f64(), sets.files());
    let mut progress = Progress::going_on("packing", before as u64, all as u64);
    let mut stopped = false;
    for set in &sets.splits {
        let filled = Filling { set, partial: &mut partial, options, progress: &mut progress }.fill();
        match filled {
            Ok(finished) => stopped = !finished,
            // Where nothing is safe there is nothing to go on with, and only another size mends different ones.
            Err(error) => {
                if partial.done() == 0 || matches!(error, PackError::Data(DataError::UnequalSizes { .. })) {
                    partial.abandon();
                }
                return Err(error);
            }
        }
        if stopped {
            break;
        }
    }
    progress.finish();
    let done = partial.done();
    let lost: Vec<Vec<(usize, String)>> = sets.splits.iter().map(|set| partial.lost(set.split)).collect();
    let bytes = if stopped { partial.bytes() } else { sets.finish(partial, &lost)? };
    let path = if stopped { paths(target).0 } else { target.to_owned() };
    let mut packed = sets.account(&path, bytes, started);
    (packed.stopped, packed.went_on_from) = (stopped, before);
    packed.images_per_second =
        (done - before) as f64 / (packed.seconds - seconds_before).max(f64::MIN_POSITIVE);
    for ((split, set), lost) in packed.splits.iter_mut().zip(&sets.splits).zip(&lost) {
        split.left_out += lost.len();
        split.images -= lost.len();
        packed.rejects.extend(lost.iter().map(|(file, reason)| set.reject(*file, reason)));
    }
    for reject in &packed.rejects {
        ignore(&mut packed.reject_reasons, reject.reason.clone());
    }
    Ok(packed)
}

/// Bytes of the file at `target` where it was made by the same plan; `None` where nothing is there.
fn finished(target: &Path, plan: &Plan) -> Result<Option<u64>, PackError> {
    if std::fs::symlink_metadata(target).is_err() {
        return Ok(None);
    }
    let exists = |got: String| Err(PackError::Exists { path: target.to_owned(), got });
    let bytes = match std::fs::metadata(target) {
        Ok(about) if about.is_file() => about.len(), // opening a pipe would wait forever
        _ => return exists("it is no file".to_owned()),
    };
    let file = match PackedFile::open(target) {
        Ok(file) => file,
        Err(_) => return exists("it holds no packed images, or damaged ones".to_owned()),
    };
    let there = Plan { made: file.made().clone(), ..plan.clone() };
    let differs = there.differences(plan);
    if differs.is_empty() { Ok(Some(bytes)) } else { exists(differs.join("; ")) }
}

/// The splits of a data set that are packed.
struct Sets {
    /// What names of images begin with.
    root: String,
    splits: Vec<SplitSet>,
}

/// A split that is packed.
#[derive(Debug)]
pub(super) struct SplitSet {
    pub(super) split: Split,
    pub(super) images: ImageSet,
    /// Where the data set is, in errors.
    pub(super) path: std::path::PathBuf,
}

impl SplitSet {
    /// Why a file is left out.
    pub(super) fn reject(&self, file: usize, reason: &str) -> Reject {
        let path = self.images.name_of(file).map_or_else(|| format!("image {file}"), str::to_owned);
        Reject { path, reason: reason.to_owned() }
    }
}

fn sets(name_or_path: &str, only: Option<Split>, options: &LoadOptions) -> Result<Vec<SplitSet>, DataError> {
    let (mut sets, mut missing) = (Vec::new(), None);
    for split in
        [Split::Train, Split::Test].into_iter().filter(|split| only.is_none_or(|only| only == *split))
    {
        match load(name_or_path, split, options) {
            Ok(images) => sets.push(SplitSet { split, images, path: name_or_path.into() }),
            Err(error @ DataError::MissingSplit { .. }) => missing = Some(error),
            Err(error) => return Err(error),
        }
    }
    match missing {
        Some(error) if sets.is_empty() => Err(error),
        _ => Ok(sets),
    }
}

impl Sets {
    /// Images of all splits, usable or not.
    fn files(&self) -> usize {
        self.splits.iter().map(|set| set.images.len()).sum()
    }

    fn plan(&self, name_or_path: &str, options: &PackOptions, part_bytes: usize) -> Plan {
        let LoadOptions { size, resize, color, .. } = options.load;
        let crop = match (size, resize.filter(|resize| Some(*resize) > size)) {
            (Some(size), Some(resize)) => format!(
                "the centre of {size} x {size} pixels, the shorter side resized to {resize} (bicubic, antialiased)"
            ),
            (Some(size), None) => {
                format!("the centre square, its side resized to {size} (Catmull-Rom, antialiased)")
            }
            (None, _) => "the whole image, not resized".to_owned(),
        };
        let mut notes: Vec<String> = Vec::new();
        for note in self.splits.iter().flat_map(|set| &set.images.notes) {
            if !notes.contains(note) {
                notes.push(note.clone());
            }
        }
        let planned = |set: &SplitSet| {
            let named = (0..set.images.len())
                .map(|image| set.images.name_of(image))
                .map(|name| name.map(|name| self.own_name(name).len() as u64));
            PlannedSplit {
                split: set.split,
                shape: set.images.shape,
                files: set.images.len(),
                images_per_hash: (part_bytes / set.images.shape.bytes().max(1)).max(1),
                labelled: set.images.labels.is_some(),
                name_bytes: named.sum(), // none where one has none
            }
        };
        let made = MadeFrom {
            from: name_or_path.to_owned(),
            zview: env!("CARGO_PKG_VERSION").to_owned(),
            size,
            resize,
            color,
            crop,
            source_sha256: self.splits.iter().map(|set| (set.split, set.images.features_sha256())).collect(),
            left_out: BTreeMap::new(),
            notes,
        };
        let classes = self.splits.first().map(|set| set.images.classes.clone()).unwrap_or_default();
        let last = Path::new(name_or_path).file_name();
        let name = last.map_or_else(|| name_or_path.to_owned(), |last| last.to_string_lossy().into_owned());
        let splits = self.splits.iter().map(planned).collect();
        Plan { version: VERSION, name, made, classes, splits, begin: 0 }.with_room_for_header()
    }

    /// An image's name below the data set.
    fn own_name<'a>(&self, name: &'a str) -> &'a str {
        name.strip_prefix(self.root.as_str()).unwrap_or(name).trim_start_matches(['/', '\\', ':', ' '])
    }

    /// Writes what follows the images, and the header.
    fn finish(&self, mut partial: Partial, lost: &[Vec<(usize, String)>]) -> Result<u64, PackError> {
        let plan = partial.plan().clone();
        let mut behind = BTreeMap::<String, Vec<u8>>::new();
        let (mut written, mut left_out) = (Vec::new(), BTreeMap::new());
        let mut sha256 = BTreeMap::new();
        for ((set, lost), planned) in self.splits.iter().zip(lost).zip(&plan.splits) {
            let (split, images) = (set.split, &set.images);
            let mut lost_files = lost.iter().map(|(file, _)| *file).peekable();
            let kept = (0..images.len()).filter(|file| lost_files.next_if_eq(file).is_none());
            let (mut names, mut ends, mut labels) = (Vec::new(), Vec::new(), Vec::new());
            for file in kept {
                if let Some(of_images) = &images.labels {
                    labels.extend(i64::from(of_images[file]).to_le_bytes());
                }
                if planned.name_bytes.is_some() {
                    names.extend(self.own_name(images.name_of(file).unwrap_or_default()).bytes());
                    ends.extend((names.len() as i64).to_le_bytes());
                }
            }
            written.push(WrittenSplit { images: images.len() - lost.len(), name_bytes: names.len() as u64 });
            left_out.insert(split, images.rejects.len() + lost.len());
            sha256.insert(tensor_name(split, "images"), partial.hashes(split));
            for (of, bytes) in [("labels", labels), ("name_ends", ends), ("names", names)] {
                behind.insert(tensor_name(split, of), bytes);
            }
        }
        let padding = vec![0; INTEGER_BYTES as usize];
        for tensor in plan.tensors(&written) {
            let bytes = match (behind.get(&tensor.name), tensor.name.as_str()) {
                (Some(bytes), _) => bytes,
                (None, PADDING) => &padding[..tensor.bytes as usize],
                (None, _) => continue, // images, which are there
            };
            partial.add_behind(bytes)?;
            sha256.insert(tensor.name, vec![sha256_of_bytes(bytes)]);
        }
        let header = plan.header(&written, &sha256, &left_out);
        partial.finish(&header)
    }

    /// What is told of it where every image can be used.
    fn account(&self, path: &Path, bytes: u64, started: Instant) -> Packed {
        let of_split = |set: &SplitSet| PackedSplit {
            split: set.split,
            images: set.images.len(),
            shape: set.images.shape,
            labelled: set.images.labels.is_some(),
            left_out: set.images.rejects.len(),
        };
        let first = self.splits.first().map(|set| &set.images);
        let mut notes: Vec<String> = self.splits.iter().flat_map(|set| set.images.notes.clone()).collect();
        notes.dedup();
        Packed {
            path: path.display().to_string(),
            bytes,
            stopped: false,
            was_there: false,
            went_on_from: 0,
            classes: first.map_or(0, |images| images.classes.len()),
            splits: self.splits.iter().map(of_split).collect(),
            rejects: self.splits.iter().flat_map(|set| set.images.rejects.clone()).collect(),
            reject_reasons: BTreeMap::new(),
            notes,
            ignored: first.map(|images| images.ignored.clone()).unwrap_or_default(),
            seconds: started.elapsed().as_secs_f64(),
            images_per_second: 0.0,
        }
    }
}
