//! What a path is, and the images of one split of it before colour and size are settled.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use crate::content_kind::{Content, content_of};
use crate::error::{DataError, Reject};
use crate::file_names::{ending, has_image_ending, is_hidden};
use crate::ignored::{Ignored, ignore};
use crate::image_folder::{self, ImageFolder};
use crate::image_set::ImageShape;
use crate::options::{Limits, LoadOptions, Split};
use crate::packed::{MappedImages, PackedFile, is_safetensors_start};
use crate::tar_shard::{self, TarImages};
use crate::without_images::without_images;
use crate::{cifar_binary, cifar_python, idx};

/// The format of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A folder of IDX files, or one of them.
    Idx,
    /// A folder of CIFAR-10 or CIFAR-100 binary files.
    CifarBinary,
    /// A folder of CIFAR-10 or CIFAR-100 Python files.
    CifarPython,
    /// A folder with an archive per split, or one archive.
    Tar,
    /// A folder of image files.
    ImageFolder,
    /// A file of packed images.
    Mapped,
}

impl Format {
    /// Its name for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Idx => "IDX",
            Self::CifarBinary => "CIFAR binary",
            Self::CifarPython => "CIFAR Python",
            Self::Tar => "tar of images",
            Self::ImageFolder => "image folder",
            Self::Mapped => "packed images (safetensors)",
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
    /// Files of the whole data set that are no images, by why.
    pub(crate) ignored: Ignored,
    /// What was decided on the way, one sentence each.
    pub(crate) notes: Vec<String>,
}

impl SplitContent {
    /// Nothing but images and classes.
    pub(crate) fn new(items: Items, classes: Vec<String>) -> Self {
        Self { items, classes, rejects: Vec::new(), ignored: Ignored::new(), notes: Vec::new() }
    }
}

/// Images as stored.
#[derive(Debug)]
pub(crate) enum Items {
    /// All of one shape, (N, C, H, W).
    Packed { shape: ImageShape, pixels: Vec<u8>, labels: Option<Vec<u32>> },
    /// In a mapped file; images of classes that are left out have no label, where others have one.
    Mapped { images: MappedImages, labels: Option<Vec<Option<u32>>> },
    /// Encoded files; all of them have a label or none has.
    Files(Vec<ImageFile>),
}

/// Bytes that hold the header of most images.
const HEADER_BYTES: u64 = 4096;
/// Bytes that hold the header of nearly all: of photographs metadata come first.
const START_BYTES: u64 = 1 << 15;

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
    /// In an archive that is not compressed.
    InArchive {
        archive: Arc<Path>,
        offset: u64,
        bytes: u64,
    },
    InMemory(Vec<u8>),
}

impl ImageFile {
    /// Whether it is in colour by its header; what cannot be read is not.
    pub(crate) fn is_colour(&self, limits: &Limits) -> bool {
        let start = match &self.bytes {
            FileBytes::InMemory(bytes) => crate::decode::is_colour(bytes),
            FileBytes::InArchive { archive, offset, bytes } => {
                let start = read_part(archive, *offset, (*bytes).min(HEADER_BYTES));
                start.ok().and_then(|start| crate::decode::is_colour(&start))
            }
            FileBytes::OnDisk(path) => {
                let mut start = Vec::new();
                let is_file = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
                let read = is_file.then(|| {
                    File::open(path).and_then(|file| file.take(HEADER_BYTES).read_to_end(&mut start))
                });
                read.and_then(Result::ok).and_then(|_| crate::decode::is_colour(&start))
            }
        };
        start.unwrap_or_else(|| self.shape(limits).is_ok_and(|shape| shape.channels > 1))
    }

    /// Its shape as it is seen, by its header, where that is at the beginning; what follows may be damaged.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(crate) fn shape(&self, limits: &Limits) -> Result<ImageShape, String> {
        let start = match &self.bytes {
            FileBytes::InMemory(_) => None,
            FileBytes::InArchive { archive, offset, bytes } if *bytes > START_BYTES => {
                read_part(archive, *offset, START_BYTES).ok()
            }
            FileBytes::OnDisk(path) => {
                let long = |about: &std::fs::Metadata| about.is_file() && about.len() > START_BYTES;
                let is_long = std::fs::metadata(path).is_ok_and(|about| long(&about));
                is_long.then(|| read_part(path, 0, START_BYTES).ok()).flatten()
            }
            FileBytes::InArchive { .. } => None,
        };
        let shape = start.and_then(|start| crate::decode::shape_from_start(&start, limits));
        shape.unwrap_or_else(|| self.with_bytes(limits, |bytes| crate::decode::shape_of(bytes, limits)))
    }

    /// Hands the encoded bytes to `then`; a file that cannot be read gives the reason.
    pub(crate) fn with_bytes<T>(
        &self,
        limits: &Limits,
        then: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Result<T, String> {
        match &self.bytes {
            FileBytes::InMemory(bytes) => then(bytes),
            FileBytes::InArchive { archive, offset, bytes } => {
                then(&read_part(archive, *offset, *bytes).map_err(cannot_be_read)?)
            }
            FileBytes::OnDisk(path) => then(&read_image_file(path, limits)?),
        }
    }
}

/// The reason why a file cannot be used that the system does not give.
pub(crate) fn cannot_be_read(error: std::io::Error) -> String {
    format!("cannot be read: {error}")
}

/// `bytes` bytes of the file at `path`, from `offset` on.
pub(crate) fn read_part(path: &Path, offset: u64, bytes: u64) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut content = Vec::new();
    // Not more is reserved than there is, whatever the archive says.
    let read = file.take(bytes).read_to_end(&mut content)?;
    if read as u64 == bytes { Ok(content) } else { Err(std::io::ErrorKind::UnexpectedEof.into()) }
}

pub(crate) fn read_image_file(path: &Path, limits: &Limits) -> Result<Vec<u8>, String> {
    let told = cannot_be_read;
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

/// What is at a path: its format, and the folder or file that has it.
#[derive(Debug)]
pub(crate) struct Detected {
    pub(crate) format: Format,
    pub(crate) path: PathBuf,
}

/// The format of what is at `path`.
///
/// # Errors
/// When it cannot be read or holds none of the known formats.
pub(crate) fn detect(path: &Path) -> Result<Detected, DataError> {
    let read_error = |source| DataError::Read { path: path.to_owned(), source };
    let unknown = |found: String| DataError::NotRecognised { path: path.to_owned(), found };
    let detected = |format| Ok(Detected { format, path: path.to_owned() });
    let metadata = std::fs::metadata(path).map_err(read_error)?;
    if metadata.is_dir() {
        if let Some(format) = format_of_files(path) {
            return detected(format);
        }
        let mut within = data_sets_within(path);
        if within.len() > 1 {
            let names: Vec<String> = within.iter().map(|one| one.path.display().to_string()).collect();
            let question = format!("it holds several data sets; give one of {}", names.join(", "));
            return Err(DataError::Unclear { path: path.to_owned(), question });
        }
        return match within.pop() {
            Some(one) => Ok(one),
            None if image_folder::holds_images(path)? => detected(Format::ImageFolder),
            None => Err(unknown(without_images(path))),
        };
    }
    if !metadata.is_file() {
        return Err(unknown("neither a file nor a folder".to_owned()));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let start = first_block(path).map_err(read_error)?;
    if idx::is_images_start(&start)
        || idx::is_images_name(&name)
        || name.contains("images-idx3")
        || name.contains("images.idx3")
    {
        detected(Format::Idx)
    } else if start.get(257..262) == Some(b"ustar") || tar_shard::has_tar_ending(&name) {
        detected(Format::Tar)
    } else if is_safetensors_start(&start) {
        detected(Format::Mapped)
    } else {
        Err(unknown(match content_of(&start) {
            Content::Image(format) => format!(
                "a single image ({}), give the folder it is in",
                format.extensions_str().first().copied().unwrap_or("image").to_uppercase()
            ),
            Content::Other(_) if has_image_ending(&name) => {
                "called like a single image; give the folder of images".to_owned()
            }
            Content::Other(_) if start.is_empty() => "a file in no known format (0 bytes)".to_owned(),
            Content::Other(what) => format!("a file in no known format: {what}"),
        }))
    }
}

/// The format of a folder whose files are named as one has them.
fn format_of_files(folder: &Path) -> Option<Format> {
    if idx::is_idx_folder(folder) {
        Some(Format::Idx)
    } else if cifar_binary::is_cifar_folder(folder) {
        Some(Format::CifarBinary)
    } else if cifar_python::is_cifar_folder(folder) {
        Some(Format::CifarPython)
    } else if tar_shard::is_tar_folder(folder) {
        Some(Format::Tar)
    } else {
        None
    }
}

/// Data sets of packed files one or two folders down, as torchvision keeps them (`MNIST/raw`, `cifar-10-batches-py`).
/// Archives of ImageNet too, but beside folders of splits, which they have been unpacked to.
fn data_sets_within(folder: &Path) -> Vec<Detected> {
    let mut found = Vec::new();
    for child in Listed::of(folder).folders {
        let listed = Listed::of(&child);
        match listed.format(&child) {
            Some(format) => found.push(Detected { format, path: child }),
            None => found.extend(
                listed
                    .folders
                    .into_iter()
                    .filter_map(|path| Some(Detected { format: Listed::of(&path).format(&path)?, path })),
            ),
        }
    }
    if found.iter().any(|one| one.format == Format::Tar) && tar_shard::has_split_folders(folder) {
        found.retain(|one| one.format != Format::Tar);
    }
    found
}

/// What lies in a folder, as far as a data set of packed files is to be seen: they have few files and folders.
struct Listed {
    may_be_packed: bool,
    folders: Vec<PathBuf>,
}

impl Listed {
    fn of(folder: &Path) -> Self {
        const MOST: usize = 512;
        let mut listed = Self { may_be_packed: false, folders: Vec::new() };
        let Ok(entries) = std::fs::read_dir(folder) else { return listed };
        for entry in entries.flatten().take(MOST) {
            let name = entry.file_name().to_string_lossy().to_lowercase();
            listed.may_be_packed |= idx::is_images_name(&name)
                || name.contains("_batch")
                || ["train.bin", "test.bin", "meta"].contains(&name.as_str())
                || name.starts_with("ilsvrc2012_img_");
            let may_be_folder = entry.file_type().is_ok_and(|kind| !kind.is_file());
            if may_be_folder && !is_hidden(&name) && entry.path().is_dir() {
                listed.folders.push(entry.path());
            }
        }
        listed.folders.sort();
        listed
    }

    fn format(&self, folder: &Path) -> Option<Format> {
        let format = if self.may_be_packed { format_of_files(folder) } else { None };
        format.filter(|format| *format != Format::Tar || tar_shard::is_imagenet_folder(folder))
    }
}

/// The first 512 bytes, inflated if they are gzip, and again if they still are. Damaged gzip gives what could be
/// inflated: the reader of the format then says what is wrong.
fn first_block(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut raw = Vec::new();
    File::open(path)?.take(1 << 16).read_to_end(&mut raw)?;
    if raw.starts_with(&[0x1F, 0x8B]) {
        let mut inflated = Vec::new();
        let _partial = MultiGzDecoder::new(raw.as_slice()).take(1 << 16).read_to_end(&mut inflated);
        if inflated.starts_with(&[0x1F, 0x8B]) {
            let mut twice = Vec::new();
            let _partial = MultiGzDecoder::new(inflated.as_slice()).take(512).read_to_end(&mut twice);
            return Ok(twice);
        }
        inflated.truncate(512);
        return Ok(inflated);
    }
    raw.truncate(512);
    Ok(raw)
}

/// A data set that has been looked through, and gives its splits.
#[derive(Debug)]
pub(crate) enum Opened {
    /// Formats whose files say what they are.
    Packed(Detected),
    /// Archives of images.
    Tar(TarImages),
    /// A folder of images.
    Folder(ImageFolder),
    /// A file of packed images.
    Mapped(PackedFile),
}

impl Opened {
    /// Looks through what is at `path`.
    ///
    /// # Errors
    /// Any [`DataError`] about finding and reading; no image file is decoded yet.
    pub(crate) fn open(path: &Path, options: &LoadOptions) -> Result<Self, DataError> {
        let detected = detect(path)?;
        Ok(match detected.format {
            Format::Tar => Self::Tar(TarImages::open(&detected.path, options)?),
            Format::Mapped => Self::Mapped(PackedFile::open(&detected.path)?),
            Format::ImageFolder => Self::Folder(ImageFolder::open(&detected.path, options.class_use())?),
            _ => Self::Packed(detected),
        })
    }

    /// Its format.
    pub(crate) fn format(&self) -> Format {
        match self {
            Self::Packed(detected) => detected.format,
            Self::Tar(_) => Format::Tar,
            Self::Folder(_) => Format::ImageFolder,
            Self::Mapped(_) => Format::Mapped,
        }
    }

    /// The name of each class, where it is known before a split is taken.
    pub(crate) fn classes(&self) -> Option<&[String]> {
        match self {
            Self::Packed(_) => None,
            Self::Tar(tar) => Some(tar.classes()),
            Self::Folder(folder) => Some(folder.classes()),
            Self::Mapped(file) => Some(file.classes()),
        }
    }

    /// The images of one split; each split can be had once. Of a folder or archive those of the classes alone of which
    /// `is_kept` says so, where it is given.
    pub(crate) fn take(
        &mut self,
        split: Split,
        is_kept: Option<&[bool]>,
        options: &LoadOptions,
    ) -> Result<SplitContent, DataError> {
        let limits = &options.limits;
        let mut beside = match self {
            Self::Packed(Detected { path, .. }) if path.is_dir() => beside_the_set(path, |_| false),
            Self::Tar(tar) if tar.path().is_dir() => beside_the_set(tar.path(), |file| tar.uses(file)),
            _ => Ignored::new(),
        };
        let mut content = match self {
            Self::Packed(Detected { format: Format::CifarBinary, path }) => {
                cifar_binary::open(path, split, limits)
            }
            Self::Packed(Detected { format: Format::CifarPython, path }) => {
                cifar_python::open(path, split, limits)
            }
            Self::Packed(Detected { path, .. }) => idx::open(path, split, options.class_use(), limits),
            Self::Tar(tar) => tar.take(split, is_kept, limits),
            Self::Folder(folder) => folder.take(split, is_kept),
            Self::Mapped(file) => file.take(split, limits),
        }?;
        for (why, count) in content.ignored {
            *beside.entry(why).or_default() += count;
        }
        content.ignored = beside;
        Ok(content)
    }
}

/// What lies beside the files of a set that is no image folder, where it could be taken for part of it.
fn beside_the_set(folder: &Path, is_used: impl Fn(&Path) -> bool) -> Ignored {
    let mut ignored = Ignored::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (name, path) = (entry.file_name().to_string_lossy().to_lowercase(), entry.path());
        if is_hidden(&name) || is_used(&path) {
            continue;
        }
        let packed = ["zip", "rar", "7z"].contains(&ending(&name).as_str());
        let what = if path.is_dir() {
            "folders"
        } else if tar_shard::has_tar_ending(&name) || packed {
            "archives"
        } else if has_image_ending(&name) {
            "images"
        } else {
            continue;
        };
        ignore(&mut ignored, format!("{what} beside the set, which are not used"));
    }
    ignored
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
        put(root.path(), "fetched/cifar-10-python.tar.gz", b"\x1F\x8B");
        put(root.path(), "packed/photos.tar.xz", b"\xFD7zXZ\0");
        let npz = [&b"PK\x03\x04"[..], &[0; 22], &[9, 0, 0, 0], b"train.npy"].concat();
        put(root.path(), "set.npz", &npz);
        let told = |relative: &str| detect(&root.path().join(relative)).unwrap_err().to_string();
        assert!(told("empty").contains("no images in a known format"), "{}", told("empty"));
        assert!(told("one.png").contains("give the folder it is in"));
        assert!(told("notes.txt").contains("no known format"));
        assert!(told("zero").contains("no known format"));
        assert!(told("absent").contains("absent"));
        for folder in ["fetched", "packed"] {
            assert!(told(folder).contains("; unpack the archive and give the folder"), "{}", told(folder));
        }
        assert!(told("set.npz").contains("a NumPy archive (.npz)"), "{}", told("set.npz"));
    }
}
