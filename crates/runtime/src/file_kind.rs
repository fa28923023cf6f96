//! What a file is, by its first bytes: for messages about a file that is not what was expected.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// A kind of file that people have at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "`what` says it")]
pub enum FileKind {
    Folder,
    Empty,
    LfsPointer,
    WebPage,
    Zip,
    Tar,
    Compressed,
    OtherArchive,
    Image,
    Pdf,
    Hdf5,
    Onnx,
    TensorFlow,
    TfLite,
    Gguf,
    Numpy,
    Matlab,
    Joblib,
    Pickle,
    Safetensors,
    ShardIndex,
    Json,
    Toml,
    Program,
    Text,
}

impl FileKind {
    /// What the kind is, to follow "is".
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            Self::Folder => "a folder",
            Self::Empty => "an empty file",
            Self::LfsPointer => "a Git LFS pointer, which stands for the file and is not the file",
            Self::WebPage => "a web page (HTML)",
            Self::Zip => "a zip archive (PyTorch's files are some)",
            Self::Tar => "a tar archive",
            Self::Compressed => "a compressed file (gzip, bzip2, xz, zstd or zlib)",
            Self::OtherArchive => "a 7-zip or RAR archive",
            Self::Image => "an image",
            Self::Pdf => "a PDF document",
            Self::Hdf5 => "an HDF5 file (Keras writes them)",
            Self::Onnx => "an ONNX network",
            Self::TensorFlow => "a part of a TensorFlow checkpoint",
            Self::TfLite => "a TensorFlow Lite network",
            Self::Gguf => "a GGUF file",
            Self::Numpy => "an array of numpy (.npy)",
            Self::Matlab => "a MATLAB file",
            Self::Joblib => "a pickle that joblib wrote",
            Self::Pickle => "a Python pickle (old PyTorch files are some)",
            Self::Safetensors => "weights in safetensors form",
            Self::ShardIndex => "the index of weights in several files, which holds no weights",
            Self::Json => "a JSON text",
            Self::Toml => "a TOML text (manifests and recipes are some)",
            Self::Program => "a program",
            Self::Text => "a text",
        }
    }
}

const START_BYTES: u64 = 4096;

/// What the file at `path` is; `None` if it cannot be read or is of no kind that is known here.
#[must_use]
pub fn what_is(path: &Path) -> Option<FileKind> {
    if path.is_dir() {
        return Some(FileKind::Folder);
    }
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    let mut start = Vec::new();
    file.by_ref().take(START_BYTES).read_to_end(&mut start).ok()?;
    if length == 0 && start.is_empty() {
        return Some(FileKind::Empty);
    }
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    // The data of TensorFlow's checkpoints have no mark of their own; the index ends with one.
    let mut end = [0; 8];
    let read = file.seek(SeekFrom::End(-8)).and_then(|_| file.read_exact(&mut end));
    if name.contains(".data-0") || read.is_ok() && end == [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb] {
        return Some(FileKind::TensorFlow);
    }
    what_begins_so(&start)
}

/// What a file that begins with `start` is.
#[must_use]
pub fn what_begins_so(start: &[u8]) -> Option<FileKind> {
    let has = |at: usize, mark: &[u8]| start.get(at..).is_some_and(|rest| rest.starts_with(mark));
    let contains = |mark: &[u8]| start.windows(mark.len()).any(|window| window == mark);
    let any = |marks: &[&[u8]]| marks.iter().any(|mark| has(0, mark));
    Some(match start {
        [] => FileKind::Empty,
        _ if has(0, b"version https://git-lfs") => FileKind::LfsPointer,
        _ if any(&[b"PK\x03\x04", b"PK\x05\x06"]) => FileKind::Zip,
        _ if any(&[b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"\x78\x9c", b"\x78\xda", b"\x78\x01"]) => {
            FileKind::Compressed
        }
        _ if any(&[b"7z\xbc\xaf", b"Rar!"]) => FileKind::OtherArchive,
        _ if any(&[b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*"]) => FileKind::Image,
        _ if has(0, b"RIFF") && has(8, b"WEBP") => FileKind::Image,
        _ if has(0, b"BM") && has(6, &[0; 4]) => FileKind::Image,
        _ if has(0, b"%PDF") => FileKind::Pdf,
        _ if has(0, b"\x89HDF\r\n") => FileKind::Hdf5,
        _ if has(0, b"GGUF") => FileKind::Gguf,
        _ if has(0, b"\x93NUMPY") => FileKind::Numpy,
        _ if has(0, b"MATLAB ") => FileKind::Matlab,
        _ if has(4, b"TFL3") => FileKind::TfLite,
        _ if any(&[b"\x7fELF", b"MZ\x90", b"#!"]) => FileKind::Program,
        _ if has(257, b"ustar") => FileKind::Tar,
        [0x08, 1..=20, 0x12, length, rest @ ..] if begins_with_name(rest, usize::from(*length)) => FileKind::Onnx,
        [0x80, 0..=5, ..] => {
            if contains(b"joblib.numpy_pickle") { FileKind::Joblib } else { FileKind::Pickle }
        }
        _ if has(8, b"{\"") && !is_text(&start[..8]) => FileKind::Safetensors,
        _ => return what_text(start),
    })
}

/// The producer's name, which ONNX files begin with.
fn begins_with_name(rest: &[u8], length: usize) -> bool {
    let name = rest.get(..length.min(64)).unwrap_or_default();
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
}

fn is_text(bytes: &[u8]) -> bool {
    let valid = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        // The start may end within a character.
        Err(error) => error.error_len().is_none() && error.valid_up_to() > 0,
    };
    valid && !bytes.iter().any(|byte| *byte < 9 || (14..32).contains(byte) && *byte != 27)
}

fn what_text(start: &[u8]) -> Option<FileKind> {
    if !is_text(start) {
        return None;
    }
    let text = String::from_utf8_lossy(start);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let small = text.to_lowercase();
    Some(if small.starts_with("<!doctype html") || small.starts_with("<html") || small.contains("<head") {
        FileKind::WebPage
    } else if text.starts_with('{') || text.starts_with("[{") {
        if text.contains("\"weight_map\"") { FileKind::ShardIndex } else { FileKind::Json }
    } else if text.lines().any(looks_like_toml) {
        FileKind::Toml
    } else {
        FileKind::Text
    })
}

/// `[section]` or `key = value`.
fn looks_like_toml(line: &str) -> bool {
    let line = line.trim();
    let section = line.starts_with('[') && line.ends_with(']');
    let is_key = |key: &str| !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    section || line.split_once('=').is_some_and(|(key, _)| is_key(key.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_at_hand_are_known_by_their_first_bytes() {
        for (start, kind) in [
            (&b""[..], FileKind::Empty),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 3\n", FileKind::LfsPointer),
            (b"\n<!DOCTYPE html><html>", FileKind::WebPage),
            (b"<HTML><HEAD>", FileKind::WebPage),
            (b"PK\x03\x04abc", FileKind::Zip),
            (b"\x1f\x8b\x08", FileKind::Compressed),
            (b"\x89PNG\r\n", FileKind::Image),
            (b"\xff\xd8\xff\xe0", FileKind::Image),
            (b"\x89HDF\r\n\x1a\n", FileKind::Hdf5),
            (b"GGUF\x03", FileKind::Gguf),
            (b"\x08\x08\x12\x07pytorch\x1a", FileKind::Onnx),
            (b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x13joblib.numpy_pickle", FileKind::Joblib),
            (b"\x80\x02}q\0.", FileKind::Pickle),
            (b"\x40\0\0\0\0\0\0\0{\"a\":{}}", FileKind::Safetensors),
            (b"{\"metadata\": {}, \"weight_map\": {}}", FileKind::ShardIndex),
            (b"{\"a\": 1}", FileKind::Json),
            (b"# a manifest\nname = \"x\"\n", FileKind::Toml),
            (b"a letter", FileKind::Text),
        ] {
            assert_eq!(what_begins_so(start), Some(kind), "{}", String::from_utf8_lossy(start));
        }
        assert_eq!(what_begins_so(b"\x01\x02\x03\x04"), None);
    }

    #[test]
    fn folders_empty_files_and_checkpoints_of_tensorflow_are_known_by_their_path() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(what_is(folder.path()), Some(FileKind::Folder));
        let path = folder.path().join("model.ckpt.index");
        std::fs::write(&path, b"\0\0\x01\x57\xfb\x80\x8b\x24\x75\x47\xdb").unwrap();
        assert_eq!(what_is(&path), Some(FileKind::TensorFlow));
        std::fs::write(&path, b"").unwrap();
        assert_eq!(what_is(&path), Some(FileKind::Empty));
        assert_eq!(what_is(&folder.path().join("absent")), None);
    }
}
