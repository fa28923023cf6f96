//! What a file is, told by how it begins, so that a refusal can name it.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use FileKind as K;

/// How many bytes at a file's start are enough for [`FileKind::of_start`].
pub const START_BYTES: usize = 1024;

/// Kinds of files that users of this field take for one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileKind {
    /// No bytes.
    Empty,
    /// `torch.save` since PyTorch 1.6.
    PyTorchZip,
    /// `torch.jit.save`.
    TorchScript,
    /// `torch.save` before PyTorch 1.6.
    PyTorchLegacy,
    /// `pickle.dump`.
    Pickle,
    /// Tensors of the safetensors library.
    Safetensors,
    /// `numpy.save`.
    Npy,
    /// `numpy.savez`.
    Npz,
    /// Any other zip archive.
    Zip,
    /// HDF5, such as Keras weights.
    Hdf5,
    /// An exported network.
    Onnx,
    /// GGUF weights.
    Gguf,
    /// PNG picture.
    Png,
    /// JPEG picture.
    Jpeg,
    /// GIF picture.
    Gif,
    /// BMP picture.
    Bmp,
    /// WebP picture.
    WebP,
    /// TIFF picture.
    Tiff,
    /// AVIF or HEIC picture.
    AvifOrHeic,
    /// gzip.
    Gzip,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
    /// Zstandard.
    Zstd,
    /// tar archive.
    Tar,
    /// 7-Zip archive.
    SevenZip,
    /// RAR archive.
    Rar,
    /// IDX, as MNIST comes in.
    Idx,
    /// Parquet table.
    Parquet,
    /// SQLite database.
    Sqlite,
    /// PDF.
    Pdf,
    /// MATLAB matrices.
    Matlab,
    /// A program or library.
    Program,
    /// A web page.
    Html,
    /// XML.
    Xml,
    /// What stands in for a large file in a Git repository.
    GitLfsPointer,
    /// JSON.
    Json,
    /// Text in UTF-16.
    Utf16,
    /// Text in UTF-8.
    Text,
    /// None of these.
    Unknown,
}

/// Where in a file what stands, and whose mark that is; the first that fits holds.
const MARKS: &[(usize, &[u8], FileKind)] = &[
    (0, b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19", K::PyTorchLegacy),
    (0, b"\x93NUMPY", K::Npy),
    (0, b"\x89HDF\r\n\x1a\n", K::Hdf5),
    (0, b"GGUF", K::Gguf),
    (0, b"\x89PNG\r\n\x1a\n", K::Png),
    (0, b"\xff\xd8\xff", K::Jpeg),
    (0, b"GIF87a", K::Gif),
    (0, b"GIF89a", K::Gif),
    (8, b"WEBP", K::WebP),
    (0, b"II*\0", K::Tiff),
    (0, b"MM\0*", K::Tiff),
    (4, b"ftypavi", K::AvifOrHeic),
    (4, b"ftyphei", K::AvifOrHeic),
    (4, b"ftypmif1", K::AvifOrHeic),
    (0, b"\x1f\x8b", K::Gzip),
    (0, b"BZh", K::Bzip2),
    (0, b"\xfd7zXZ\0", K::Xz),
    (0, b"\x28\xb5\x2f\xfd", K::Zstd),
    (257, b"ustar", K::Tar),
    (0, b"7z\xbc\xaf\x27\x1c", K::SevenZip),
    (0, b"Rar!\x1a\x07", K::Rar),
    (0, b"PAR1", K::Parquet),
    (0, b"SQLite format 3\0", K::Sqlite),
    (0, b"%PDF-", K::Pdf),
    (0, b"MATLAB 5.0", K::Matlab),
    (0, b"\x7fELF", K::Program),
    (0, b"\xcf\xfa\xed\xfe", K::Program),
    (0, b"version https://git-lfs.github.com/", K::GitLfsPointer),
    (0, b"\xff\xfe", K::Utf16),
    (0, b"\xfe\xff", K::Utf16),
];

impl FileKind {
    /// The kind of a file that begins with `start`; [`START_BYTES`] are enough.
    #[must_use]
    pub fn of_start(start: &[u8]) -> Self {
        let start = &start[..start.len().min(START_BYTES)];
        if start.is_empty() {
            return Self::Empty;
        }
        let fits = |&&(at, mark, _): &&(usize, &[u8], Self)| {
            start.get(at..).is_some_and(|rest| rest.starts_with(mark))
        };
        if let Some(&(_, _, kind)) = MARKS.iter().find(fits) {
            return kind;
        }
        match start {
            [b'P', b'K', 3, 4, ..] => of_zip(start),
            [b'P', b'K', 5, 6, ..] => Self::Zip,
            [0x80, 2..=5, ..] => Self::Pickle,
            [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Self::Bmp,
            [b'M', b'Z', ..] if start.contains(&0) => Self::Program,
            [0, 0, 8 | 9 | 11..=14, 1..=8, ..] => Self::Idx,
            [_, _, _, _, _, 0, 0, 0, b'{', ..] => Self::Safetensors,
            // ModelProto: its version, then the name of the producer or the graph.
            [8, 1..=20, 0x12 | 0x1a | 0x22 | 0x3a | 0x42, ..] => Self::Onnx,
            _ if is_utf16(start) => Self::Utf16,
            _ => of_text(start),
        }
    }

    /// The kind of the file at `path`, of which only the start is read.
    ///
    /// # Errors
    /// What the system says.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        let mut start = Vec::with_capacity(START_BYTES);
        File::open(path)?.take(START_BYTES as u64).read_to_end(&mut start)?;
        Ok(Self::of_start(&start))
    }

    /// The kind in words that follow "it is": `a PNG picture`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            K::Empty => "an empty file",
            K::PyTorchZip => "a PyTorch file",
            K::TorchScript => "a TorchScript program",
            K::PyTorchLegacy => "a PyTorch file (of before PyTorch 1.6)",
            K::Pickle => "a Python pickle",
            K::Safetensors => "a safetensors file",
            K::Npy => "a NumPy array",
            K::Npz => "an archive of NumPy arrays",
            K::Zip => "a zip archive",
            K::Hdf5 => "an HDF5 file (such as Keras weights)",
            K::Onnx => "an ONNX network",
            K::Gguf => "a GGUF file",
            K::Png => "a PNG picture",
            K::Jpeg => "a JPEG picture",
            K::Gif => "a GIF picture",
            K::Bmp => "a BMP picture",
            K::WebP => "a WebP picture",
            K::Tiff => "a TIFF picture",
            K::AvifOrHeic => "an AVIF or HEIC picture",
            K::Gzip => "a gzip file",
            K::Bzip2 => "a bzip2 file",
            K::Xz => "an xz file",
            K::Zstd => "a Zstandard file",
            K::Tar => "a tar archive",
            K::SevenZip => "a 7-Zip archive",
            K::Rar => "a RAR archive",
            K::Idx => "an IDX file",
            K::Parquet => "a Parquet table",
            K::Sqlite => "an SQLite database",
            K::Pdf => "a PDF",
            K::Matlab => "a MATLAB file",
            K::Program => "a program",
            K::Html => "a web page",
            K::Xml => "an XML file",
            K::GitLfsPointer => "a Git LFS pointer, which stands in for the file",
            K::Json => "a JSON file",
            K::Utf16 => "text in UTF-16",
            K::Text => "text",
            K::Unknown => "none of the kinds of file that zview knows",
        }
    }

    /// How to come to the file that was meant, where the kind tells that; it follows a semicolon.
    #[must_use]
    pub fn remedy(self) -> Option<&'static str> {
        Some(match self {
            K::GitLfsPointer => "get the file itself with `git lfs pull`",
            K::Html | K::Xml => {
                "the download ended on a page instead of the file: get it again by its direct link"
            }
            K::Empty => "get the file again",
            K::TorchScript => {
                "save the weights with `torch.save(torch.jit.load(path).state_dict(), \"weights.pth\")`"
            }
            K::Gzip | K::Bzip2 | K::Xz | K::Zstd | K::SevenZip | K::Rar => "unpack it first",
            K::Utf16 => "save it as UTF-8",
            _ => return None,
        })
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.words())
    }
}

/// By the names of the members of a zip archive that show in its start.
fn of_zip(start: &[u8]) -> FileKind {
    let has = |words: &[u8]| start.windows(words.len()).any(|window| window == words);
    if has(b"/constants.pkl") || has(b"/code/") {
        K::TorchScript
    } else if has(b"/data.pkl") || has(b"/.format_version") {
        K::PyTorchZip
    } else if has(b".npy") {
        K::Npz
    } else {
        K::Zip
    }
}

/// Whether `start` reads as UTF-16 that begins without a mark: mostly ASCII, whose other byte is NUL.
fn is_utf16(start: &[u8]) -> bool {
    const LEAST: usize = 2;
    let (pairs, _) = start.as_chunks::<2>();
    [u16::from_le_bytes, u16::from_be_bytes].into_iter().any(|of: fn([u8; 2]) -> u16| {
        let letters = || pairs.iter().map(|pair| of(*pair));
        let ascii = letters().filter(|letter| (0x20..0x7f).contains(letter) || is_space(*letter)).count();
        let control = letters().any(|letter| letter < 0x20 && !is_space(letter));
        pairs.len() >= LEAST && ascii * 4 >= pairs.len() * 3 && !control
    })
}

fn is_space(letter: u16) -> bool {
    [0x9, 0xa, 0xc, 0xd].contains(&letter)
}

/// What reads as text.
fn of_text(start: &[u8]) -> FileKind {
    let whole = match std::str::from_utf8(start) {
        Ok(text) => text,
        // A character may be cut at the end.
        Err(error) if error.error_len().is_none() && start.len() == START_BYTES => {
            std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return K::Unknown,
    };
    if whole.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}')) {
        return K::Unknown;
    }
    let text = whole.trim_start_matches('\u{feff}').trim_start();
    let begins = |words: &str| text.get(..words.len()).is_some_and(|first| first.eq_ignore_ascii_case(words));
    if ["<!doctype html", "<html", "<head", "<body", "<script"].iter().any(|&words| begins(words)) {
        K::Html
    } else if begins("<?xml") {
        K::Xml
    } else if text.starts_with('{') && text[1..].trim_start().starts_with(['"', '}']) {
        K::Json
    } else {
        K::Text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_how_it_begins() {
        let zip = |name: &str| {
            let mut bytes = b"PK\x03\x04".to_vec();
            bytes.resize(30, 0);
            bytes.extend(name.as_bytes());
            bytes
        };
        let mut tar = vec![0; 512];
        tar[..5].copy_from_slice(b"a.png");
        tar[257..262].copy_from_slice(b"ustar");
        let long = format!("x{}", "ö".repeat(START_BYTES));
        let cases: &[(&[u8], FileKind)] = &[
            (b"", K::Empty),
            (&zip("archive/data.pkl"), K::PyTorchZip),
            (&zip("model/code/__torch__.py"), K::TorchScript),
            (&zip("arr_0.npy"), K::Npz),
            (&zip("readme.txt"), K::Zip),
            (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", K::PyTorchLegacy),
            (b"\x80\x04\x95\x10", K::Pickle),
            (b"\x40\0\0\0\0\0\0\0{\"a\":", K::Safetensors),
            (b"\x89PNG\r\n\x1a\n\0\0", K::Png),
            (b"\xff\xd8\xff\xe0", K::Jpeg),
            (b"RIFF\x10\0\0\0WEBPVP8 ", K::WebP),
            (b"BM\x36\x03\0\0\0\0\0\0\x36", K::Bmp),
            (&tar, K::Tar),
            (b"\0\0\x08\x03\0\0\xea\x60", K::Idx),
            (b"\x08\x07\x12\x07pytorch", K::Onnx),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\n", K::GitLfsPointer),
            (b"\n<!DOCTYPE html>\n<html>", K::Html),
            (b"{\"format\": 1}", K::Json),
            (b"\xff\xfes\0e\0", K::Utf16),
            ("seed = 1 # größe\n".as_bytes(), K::Text),
            (long.as_bytes(), K::Text), // the start ends within a character
            (b"\x01\x02\x03", K::Unknown),
            (b"caf\xe9", K::Unknown),
        ];
        for (start, kind) in cases {
            assert_eq!(FileKind::of_start(start), *kind, "{:?}", String::from_utf8_lossy(start));
        }
    }

    #[test]
    fn utf16_without_a_mark_is_known_by_the_nul_beside_every_letter() {
        let text = "[source]\r\nkind = \"real\" # größe\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let long: Vec<u8> = text.repeat(100).encode_utf16().flat_map(u16::to_be_bytes).collect();
        for start in [&little[..], &big, &long, &little[..little.len() - 1], b"a\0=\0"] {
            assert_eq!(FileKind::of_start(start), K::Utf16);
        }
        // Numbers of 16 bits, zeros, and text with a single NUL are none.
        for start in [&b"\x01\0\x02\0\x03\0"[..], &[0; 64], b"seed\0= 1\n", b"a\0", b"a\0\0\0b\0\0\0"] {
            assert_ne!(FileKind::of_start(start), K::Utf16, "{start:?}");
        }
    }

    #[test]
    fn only_the_start_of_a_file_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        let file = File::create(&path).unwrap();
        file.set_len(1 << 40).unwrap(); // sparse
        assert_eq!(FileKind::of_file(&path).unwrap(), K::Unknown);
        assert!(FileKind::of_file(&folder.path().join("absent")).is_err());
    }
}
