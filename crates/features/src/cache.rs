//! Features that were computed once are kept, by the content of encoder and images.
//!
//! A file's name is the hash of all that decides its numbers: the encoder's weights and statistics, the images' pixels,
//! the device, and this very executable. A file that is damaged or says anything else than expected counts for nothing,
//! and a folder that cannot be written costs only time. Features that would take too much memory are written while they
//! are computed, and stay in their file, which is mapped.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use zview_data::ImageSet;
use zview_runtime::atomic::write_file_with;
use zview_runtime::device::ChosenDevice;
use zview_runtime::hash::{sha256_of_bytes, sha256_of_file};

use super::extract::{FeatureExtractor, extract_rows, extract_some, labels_of, memory_of_features};
use super::row_file::{FORMAT, RowFile, RowWriter, failed, write_rows};
use super::rows::{Features, TILE_ROWS, bytes_of};
use crate::FeatureError;

/// Bytes that all files together may take; beyond that those not used for longest go.
const LIMIT_BYTES: u64 = 4 << 30;
/// Files that are larger than that by themselves do not count, and this many of them stay.
const LARGE_FILES: usize = 2;

/// A folder of features.
#[derive(Debug, Clone)]
pub struct FeatureCache {
    folder: PathBuf,
    computed_by: String,
    limit_bytes: u64,
    /// Features of more bytes stay in their file, which is mapped.
    memory: u64,
}

impl FeatureCache {
    /// The cache in `folder` (its `features` folder) of what this executable computes on `device`; `None` where the
    /// executable cannot be read.
    #[must_use]
    pub fn new(folder: &Path, device: &ChosenDevice) -> Option<Self> {
        let executable = std::env::current_exe().and_then(|path| sha256_of_file(&path)).ok()?;
        let computed_by = format!("{executable} {} {:?}", device.name, device.adapter);
        Some(Self {
            folder: folder.join("features"),
            computed_by,
            limit_bytes: LIMIT_BYTES,
            memory: memory_of_features(),
        })
    }

    /// Features of the images at `indices`, kept from before or computed now. `extractor_sha256` is the extractor's
    /// [`FeatureExtractor::state_sha256`].
    ///
    /// # Errors
    /// As [`crate::extract_some`].
    pub fn features(
        &self,
        extractor: &dyn FeatureExtractor,
        extractor_sha256: &str,
        images: &ImageSet,
        indices: &[usize],
        batch: usize,
    ) -> Result<Features, FeatureError> {
        let (rows, dimension) = (indices.len(), extractor.feature_dimension());
        if images.labels.is_none() || indices.is_empty() {
            return extract_some(extractor, images, indices, batch);
        }
        let content = images.select(indices).features_sha256();
        let key = format!("{FORMAT} {} {extractor_sha256} {content} {batch}", self.computed_by);
        let path = self.folder.join(format!("{}.features", sha256_of_bytes(key.as_bytes())));
        let large = bytes_of(rows, dimension) > self.memory;
        let (labels, classes) = (labels_of(images, indices)?, images.classes.clone());
        if let Some(file) = open(&path, rows, dimension) {
            tracing::debug!(set = images.name, rows, "features come from the cache");
            return if large {
                Features::in_file(file, dimension, labels, classes)
            } else {
                Features::new(file.values(0, rows).into_owned(), dimension, labels, classes)
            };
        }
        if !large {
            let features = extract_some(extractor, images, indices, batch)?;
            let kept = self.write(&path, (rows, dimension), |writer| {
                features.tiles(TILE_ROWS).try_for_each(|tile| writer.push(&tile))
            });
            if let Err(error) = kept {
                tracing::debug!(%error, "features are not kept");
            }
            return Ok(features);
        }
        let mut begun = false;
        let written = self.write(&path, (rows, dimension), |writer| {
            begun = true;
            extract_rows(extractor, images, indices, batch, |rows| writer.push(&rows))
        });
        match written {
            Ok(()) => {
                let file = std::fs::File::open(&path).and_then(|file| RowFile::new(&file, rows, dimension));
                Features::in_file(file.map_err(|source| failed(&path, source))?, dimension, labels, classes)
            }
            Err(error) if !begun => {
                tracing::debug!(%error, "features are not kept");
                extract_some(extractor, images, indices, batch)
            }
            Err(error) => Err(error),
        }
    }

    /// Writes the file at `path` of (N, D) features that `fill` gives, whole or not at all.
    fn write(
        &self,
        path: &Path,
        size: (usize, usize),
        fill: impl FnOnce(&mut RowWriter<'_>) -> Result<(), FeatureError>,
    ) -> Result<(), FeatureError> {
        std::fs::create_dir_all(&self.folder).map_err(|source| failed(&self.folder, source))?;
        write_file_with(path, |file| write_rows((file, path), size, fill))?;
        if let Err(error) = self.forget_oldest(path) {
            tracing::debug!(%error, "old features are not removed");
        }
        Ok(())
    }

    /// Removes the files not used for longest until all fit; `kept` stays. Features of a large set would leave no room
    /// for any others: of such files, the latest [`LARGE_FILES`] stay beside the others.
    fn forget_oldest(&self, kept: &Path) -> std::io::Result<()> {
        let mut files: Vec<(SystemTime, u64, PathBuf)> = std::fs::read_dir(&self.folder)?
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let about = entry.metadata().ok()?;
                let path = entry.path();
                let ours = path.extension().is_some_and(|extension| extension == "features");
                ours.then_some((about.modified().ok()?, about.len(), path))
            })
            .collect();
        files.sort();
        let (mut large, mut files): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|(_, bytes, _)| *bytes > self.limit_bytes);
        for (_, _, path) in large.drain(..large.len().saturating_sub(LARGE_FILES)).filter(|of| of.2 != kept) {
            std::fs::remove_file(path)?;
        }
        let mut total: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, bytes, path) in files.drain(..) {
            if total > self.limit_bytes && path != kept {
                std::fs::remove_file(path)?;
                total -= bytes;
            }
        }
        Ok(())
    }
}

/// The file at `path`, if its header and all hashes are as they must be.
fn open(path: &Path, rows: usize, dimension: usize) -> Option<RowFile> {
    let file = std::fs::File::options().read(true).open(path).ok()?;
    let kept = RowFile::new(&file, rows, dimension).ok().filter(RowFile::is_undamaged)?;
    // Used now: what is not used for longest goes first. Where the time cannot be set, the file is older than it is.
    if let Ok(file) = std::fs::File::options().append(true).open(path) {
        let _ = file.set_modified(SystemTime::now());
    }
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up::{Pixels, strip};
    use zview_runtime::device::cpu;

    fn all(images: &ImageSet) -> Vec<usize> {
        (0..images.len()).collect()
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder.join("features")).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn the_same_encoder_and_images_are_computed_once() {
        let folder = tempfile::tempdir().unwrap();
        let cache = FeatureCache::new(folder.path(), &cpu("test")).unwrap();
        let (extractor, images) = (Pixels::new(2), strip(12, 3));
        let first = cache.features(&extractor, "a", &images, &all(&images), 5).unwrap();
        assert_eq!(files(folder.path()).len(), 1);
        let batches = extractor.batches.borrow().len();
        assert_eq!(cache.features(&extractor, "a", &images, &all(&images), 5).unwrap(), first);
        assert_eq!((files(folder.path()).len(), extractor.batches.borrow().len()), (1, batches));
        for (state, indices) in [("b", all(&images)), ("a", vec![0, 1])] {
            cache.features(&extractor, state, &images, &indices, 5).unwrap();
        }
        assert_eq!(files(folder.path()).len(), 3, "another encoder and other images are other files");
    }

    #[test]
    fn a_damaged_file_is_computed_anew() {
        let folder = tempfile::tempdir().unwrap();
        let cache = FeatureCache::new(folder.path(), &cpu("test")).unwrap();
        let (extractor, images) = (Pixels::new(2), strip(12, 3));
        let right = cache.features(&extractor, "a", &images, &all(&images), 5).unwrap();
        let file = files(folder.path()).remove(0);
        let whole = std::fs::read(&file).unwrap();
        let flipped = |at: usize| {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            flipped
        };
        // A value, a hash, and the header.
        for damaged in [
            flipped(130),
            flipped(whole.len() - 1),
            flipped(2),
            whole[..whole.len() - 3].to_vec(),
            Vec::new(),
            b"{}\n".to_vec(),
        ] {
            std::fs::write(&file, damaged).unwrap();
            assert!(open(&file, 12, 2).is_none());
            assert_eq!(cache.features(&extractor, "a", &images, &all(&images), 5).unwrap(), right);
            assert_eq!(std::fs::read(&file).unwrap(), whole);
        }
    }

    #[test]
    fn files_not_used_for_longest_go_and_a_folder_that_cannot_be_written_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let mut cache = FeatureCache::new(folder.path(), &cpu("test")).unwrap();
        let (extractor, images) = (Pixels::new(2), strip(12, 3));
        cache.features(&extractor, "a", &images, &all(&images), 5).unwrap();
        let first = files(folder.path()).remove(0);
        let whole = std::fs::metadata(&first).unwrap().len();
        cache.limit_bytes = whole + whole / 2;
        cache.features(&extractor, "b", &images, &all(&images), 5).unwrap();
        let left = files(folder.path());
        assert!(left.len() == 1 && left[0] != first, "{left:?}");
        let blocked = FeatureCache { folder: first.join("below a file"), ..cache };
        std::fs::write(&first, "x").unwrap();
        assert_eq!(blocked.features(&extractor, "a", &images, &[0], 5).unwrap().len(), 1);
    }

    #[test]
    fn large_features_stay_in_their_file_and_a_damaged_chunk_is_computed_anew() {
        let folder = tempfile::tempdir().unwrap();
        let cache = FeatureCache::new(folder.path(), &cpu("test")).unwrap();
        let mapping = FeatureCache { memory: 0, ..cache.clone() };
        // More than one chunk: 300,000 rows of 8 bytes.
        let (extractor, images) = (Pixels::new(2), strip(300_000, 3));
        let of =
            |cache: &FeatureCache| cache.features(&extractor, "a", &images, &all(&images), 4_096).unwrap();
        let mapped = of(&mapping);
        assert!(format!("{mapped:?}").contains("Mapped"));
        let file = files(folder.path()).remove(0);
        let whole = std::fs::read(&file).unwrap();
        let batches = extractor.batches.borrow().len();
        let right = of(&cache);
        assert!(right == mapped && of(&mapping) == right, "read again from the same file");
        assert_eq!(extractor.batches.borrow().len(), batches);
        let mut damaged = whole.clone();
        damaged[1_500_000] ^= 1;
        drop(mapped); // some systems keep a mapped file as it is
        std::fs::write(&file, damaged).unwrap();
        assert!(of(&mapping) == right && extractor.batches.borrow().len() > batches);
        assert!(std::fs::read(&file).unwrap() == whole);
    }

    #[test]
    fn the_latest_large_files_stay_beside_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let mut cache = FeatureCache::new(folder.path(), &cpu("test")).unwrap();
        let (extractor, small, large) = (Pixels::new(2), strip(3, 3), strip(200, 3));
        cache.limit_bytes = 1_000;
        cache.features(&extractor, "a", &small, &all(&small), 5).unwrap();
        for state in ["a", "b", "c"] {
            cache.features(&extractor, state, &large, &all(&large), 50).unwrap();
        }
        let mut sizes: Vec<u64> =
            files(folder.path()).iter().map(|file| std::fs::metadata(file).unwrap().len()).collect();
        sizes.sort_unstable();
        assert!(sizes.len() == 3 && sizes[0] < 1_000 && sizes[1] > 1_000, "{sizes:?}");
    }

    #[test]
    fn large_features_without_a_folder_lie_in_a_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let blocker = folder.path().join("a file");
        std::fs::write(&blocker, "x").unwrap();
        let cache = FeatureCache::new(folder.path(), &cpu("test")).unwrap();
        let blocked = FeatureCache { folder: blocker.join("below"), memory: 0, ..cache.clone() };
        let (extractor, images) = (Pixels::new(2), strip(12, 3));
        let of = |cache: &FeatureCache| cache.features(&extractor, "a", &images, &all(&images), 5).unwrap();
        assert_eq!(of(&blocked), of(&cache));
    }
}
