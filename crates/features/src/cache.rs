//! Features that were computed once are kept, by the content of encoder and images.
//!
//! A file's name is the hash of all that decides its numbers: the encoder's weights and statistics, the images' pixels,
//! the device, and this very executable. A file that is damaged or says anything else than expected counts for nothing,
//! and a folder that cannot be written costs only time.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use zview_data::ImageSet;
use zview_runtime::atomic::write_file;
use zview_runtime::device::ChosenDevice;
use zview_runtime::hash::{sha256_of_bytes, sha256_of_file};

use super::extract::{FeatureExtractor, extract_some};
use super::rows::Features;
use crate::FeatureError;

/// Version of the file.
const FORMAT: u32 = 1;
/// Bytes that all files together may take; beyond that those not used for longest go.
const LIMIT_BYTES: u64 = 4 << 30;

/// A folder of features.
#[derive(Debug, Clone)]
pub struct FeatureCache {
    folder: PathBuf,
    computed_by: String,
    limit_bytes: u64,
}

/// The first line of a file, as JSON; the features follow as f32, little-endian, (N, D) row by row.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Header {
    format: u32,
    rows: usize,
    dimension: usize,
    sha256: String,
}

impl FeatureCache {
    /// The cache in `folder` (its `features` folder) of what this executable computes on `device`; `None` where the
    /// executable cannot be read.
    #[must_use]
    pub fn new(folder: &Path, device: &ChosenDevice) -> Option<Self> {
        let executable = std::env::current_exe().and_then(|path| sha256_of_file(&path)).ok()?;
        let computed_by = format!("{executable} {} {:?}", device.name, device.adapter);
        Some(Self { folder: folder.join("features"), computed_by, limit_bytes: LIMIT_BYTES })
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
        let Some(labels) = &images.labels else { return extract_some(extractor, images, indices, batch) };
        let content = images.select(indices).features_sha256();
        let key = format!("{FORMAT} {} {extractor_sha256} {content} {batch}", self.computed_by);
        let path = self.folder.join(format!("{}.features", sha256_of_bytes(key.as_bytes())));
        if let Some(values) = read(&path, rows, dimension) {
            tracing::debug!(set = images.name, rows, "features come from the cache");
            let labels = indices.iter().map(|&index| labels[index]).collect();
            return Features::new(values, dimension, labels, images.classes.clone());
        }
        let features = extract_some(extractor, images, indices, batch)?;
        if let Err(error) = self.write(&path, &features) {
            tracing::debug!(%error, "features are not kept");
        }
        Ok(features)
    }

    fn write(&self, path: &Path, features: &Features) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let bytes: Vec<u8> = features.values().iter().flat_map(|value| value.to_le_bytes()).collect();
        let header = Header {
            format: FORMAT,
            rows: features.len(),
            dimension: features.dimension(),
            sha256: sha256_of_bytes(&bytes),
        };
        let mut content = serde_json::to_vec(&header)?;
        content.push(b'\n');
        content.extend(bytes);
        write_file(path, &content).map_err(|error| error.source)?;
        self.forget_oldest(path)
    }

    /// Removes the files not used for longest until all fit; `kept` stays.
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
        let mut total: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, bytes, path) in files {
            if total > self.limit_bytes && path != kept {
                std::fs::remove_file(path)?;
                total -= bytes;
            }
        }
        Ok(())
    }
}

/// The values of a file whose header and hash are as they must be.
fn read(path: &Path, rows: usize, dimension: usize) -> Option<Vec<f32>> {
    let content = std::fs::read(path).ok()?;
    let end = content.iter().position(|&byte| byte == b'\n')?;
    let header: Header = serde_json::from_slice(&content[..end]).ok()?;
    let bytes = &content[end + 1..];
    let expected = Header { format: FORMAT, rows, dimension, sha256: sha256_of_bytes(bytes) };
    if header != expected || bytes.len() != rows.checked_mul(dimension)?.checked_mul(4)? {
        return None;
    }
    // Used now: what is not used for longest goes first. Where the time cannot be set, the file is older than it is.
    if let Ok(file) = std::fs::File::options().append(true).open(path) {
        let _ = file.set_modified(SystemTime::now());
    }
    Some(
        bytes
            .chunks_exact(4)
            .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
            .collect(),
    )
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
        let mut flipped = whole.clone();
        *flipped.last_mut().unwrap() ^= 1;
        for damaged in [flipped, whole[..whole.len() - 3].to_vec(), Vec::new(), b"{}\n".to_vec()] {
            std::fs::write(&file, damaged).unwrap();
            assert!(read(&file, 12, 2).is_none());
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
        cache.limit_bytes = 300; // one file and a half
        cache.features(&extractor, "b", &images, &all(&images), 5).unwrap();
        let left = files(folder.path());
        assert!(left.len() == 1 && left[0] != first, "{left:?}");
        let blocked = FeatureCache { folder: first.join("below a file"), ..cache };
        std::fs::write(&first, "x").unwrap();
        assert_eq!(blocked.features(&extractor, "a", &images, &[0], 5).unwrap().len(), 1);
    }
}
