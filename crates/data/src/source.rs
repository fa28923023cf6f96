//! What a path is, and the images of one split of it before colour and size are settled.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::error::{DataError, Reject};
use crate::image_set::ImageShape;
use crate::options::{Limits, Split};
use crate::{cifar_binary, idx, image_folder, tar_shard};

/// The format of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A folder of IDX files, or one of them.
    Idx,
    /// A folder of CIFAR-10 or CIFAR-100 binary files.
    CifarBinary,
    /// A folder with an archive per split, or one archive.
    Tar,
    /// A folder of image files.
    ImageFolder,
}

impl Format {
    /// Its name for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Idx => "IDX",
            Self::CifarBinary => "CIFAR binary",
            Self::Tar => "tar of images",
            Self::ImageFolder => "image folder",
        }
    }
}

/// One split of a data set, as stored.
#[derive(Debug)]
pub(crate) struct SplitContent {
    pub(crate) items: Items,
    /// Name of each class; the same for every split of a data set.
    pub(crate) classes: Vec<String>,
    /// Image files that are already known to be unusable.
    pub(crate) rejects: Vec<Reject>,
}

/// Images as stored.
#[derive(Debug)]
pub(crate) enum Items {
    /// All of one shape, (N, C, H, W).
    Packed { shape: ImageShape, pixels: Vec<u8>, labels: Option<Vec<u32>> },
    /// Encoded files; all of them have a label or none has.
    Files(Vec<ImageFile>),
}

/// One encoded image.
#[derive(Debug)]
pub(crate) struct ImageFile {
    /// The path as shown to people.
    pub(crate) path: String,
    pub(crate) label: Option<u32>,
    pub(crate) bytes: FileBytes,
}

/// Where the bytes of an encoded image are.
#[derive(Debug)]
pub(crate) enum FileBytes {
    OnDisk(PathBuf),
    InMemory(Vec<u8>),
}

impl ImageFile {
    /// Hands the encoded bytes to `then`; a file that cannot be read gives the reason.
    pub(crate) fn with_bytes<T>(
        &self,
        limits: &Limits,
        then: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Result<T, String> {
        match &self.bytes {
            FileBytes::InMemory(bytes) => then(bytes),
            FileBytes::OnDisk(path) => then(&read_image_file(path, limits)?),
        }
    }
}

pub(crate) fn read_image_file(path: &Path, limits: &Limits) -> Result<Vec<u8>, String> {
    let told = |error: std::io::Error| format!("cannot be read: {error}");
    // Asked before opening: opening a pipe would wait forever.
    let metadata = std::fs::metadata(path).map_err(told)?;
    if !metadata.is_file() {
        return Err("not a regular file".to_owned());
    }
    let too_large = || format!("more than {} bytes, the limit for one file", limits.max_file_bytes);
    if metadata.len() > limits.max_file_bytes {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(told)?;
    file.take(limits.max_file_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(told)?;
    if bytes.len() as u64 > limits.max_file_bytes { Err(too_large()) } else { Ok(bytes) }
}

/// The format of what is at `path`.
///
/// # Errors
/// When it cannot be read or holds none of the known formats.
pub(crate) fn detect(path: &Path) -> Result<Format, DataError> {
    let read_error = |source| DataError::Read { path: path.to_owned(), source };
    let unknown = |found: &str| DataError::NotRecognised { path: path.to_owned(), found: found.to_owned() };
    let metadata = std::fs::metadata(path).map_err(read_error)?;
    if metadata.is_dir() {
        return if idx::is_idx_folder(path) {
            Ok(Format::Idx)
        } else if cifar_binary::is_cifar_folder(path) {
            Ok(Format::CifarBinary)
        } else if tar_shard::is_tar_folder(path) {
            Ok(Format::Tar)
        } else if image_folder::holds_images(path)? {
            Ok(Format::ImageFolder)
        } else {
            Err(unknown("a folder with no images in a known format"))
        };
    }
    if !metadata.is_file() {
        return Err(unknown("neither a file nor a folder"));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let start = first_block(path).map_err(read_error)?;
    if start.starts_with(&[0, 0, 8, 3]) || name.contains("images-idx3") || name.contains("images.idx3") {
        Ok(Format::Idx)
    } else if start.get(257..262) == Some(b"ustar") || tar_shard::has_tar_ending(&name) {
        Ok(Format::Tar)
    } else if image_folder::has_image_ending(&name) {
        Err(unknown("a single image, give the folder it is in"))
    } else {
        Err(unknown("a file in no known format"))
    }
}

/// The first 512 bytes, inflated if they are gzip. Damaged gzip gives what could be inflated: the reader of
/// the format then says what is wrong.
fn first_block(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut raw = Vec::new();
    File::open(path)?.take(1 << 16).read_to_end(&mut raw)?;
    if raw.starts_with(&[0x1F, 0x8B]) {
        let mut inflated = Vec::new();
        let _partial = MultiGzDecoder::new(raw.as_slice()).take(512).read_to_end(&mut inflated);
        return Ok(inflated);
    }
    raw.truncate(512);
    Ok(raw)
}

/// The images of one split of what is at `path`.
///
/// # Errors
/// Any [`DataError`] about finding and reading; no image file is decoded yet.
pub(crate) fn open(path: &Path, split: Split, limits: &Limits) -> Result<SplitContent, DataError> {
    match detect(path)? {
        Format::Idx => idx::open(path, split, limits),
        Format::CifarBinary => cifar_binary::open(path, split, limits),
        Format::Tar => tar_shard::open(path, split, limits),
        Format::ImageFolder => image_folder::open(path, split),
    }
}

/// Reads a plain file whole, refusing one above the limit.
pub(crate) fn read_limited(path: &Path, limits: &Limits) -> Result<Vec<u8>, DataError> {
    let read_error = |source| DataError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(read_error)?;
    let length = file.metadata().map_err(read_error)?.len();
    if length > limits.max_set_bytes {
        return Err(DataError::TooLarge {
            path: path.to_owned(),
            what: "the file".to_owned(),
            bytes: length.to_string(),
            limit: limits.max_set_bytes,
        });
    }
    let mut bytes = Vec::new();
    file.take(limits.max_set_bytes).read_to_end(&mut bytes).map_err(read_error)?;
    Ok(bytes)
}

/// Class names "0", "1", ...
pub(crate) fn numbered_classes(classes: usize) -> Vec<String> {
    (0..classes).map(|class| class.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_files::{png_of, put};

    #[test]
    fn what_is_no_data_set_is_told_apart() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "empty/readme.txt", b"nothing");
        put(root.path(), "one.png", &png_of(2, 2, 1, 0));
        put(root.path(), "notes.txt", b"hello");
        put(root.path(), "zero", b"");
        let told = |relative: &str| detect(&root.path().join(relative)).unwrap_err().to_string();
        assert!(told("empty").contains("no images in a known format"), "{}", told("empty"));
        assert!(told("one.png").contains("give the folder it is in"));
        assert!(told("notes.txt").contains("no known format"));
        assert!(told("zero").contains("no known format"));
        assert!(told("absent").contains("absent"));
    }
}
