//! What bytes are, by their first ones: an image that is read, or something else, by name.

use image::ImageFormat;

/// Bytes that tell: the longest header that is asked about.
pub(crate) const START_BYTES: usize = 512;

/// What a file's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// An image of a format that is read.
    Image(ImageFormat),
    /// Anything else: what it is and, where there is one, the remedy.
    Other(&'static str),
}

/// What begins with these bytes and is no image that is read.
const OTHERS: [(&[u8], &str); 32] = [
    (b"version https://git-lfs", "a Git LFS pointer, not the image itself; run `git lfs pull`"),
    (b"8BPS", "a Photoshop file (PSD); export it as PNG"),
    (b"%PDF", "a PDF; export its pages as PNG"),
    (b"\0\0\0\x0CjP  ", "a JPEG 2000 image; convert it to PNG or JPEG"),
    (b"\xFF\x4F\xFF\x51", "a JPEG 2000 image; convert it to PNG or JPEG"),
    (b"\xFF\x0A", "a JPEG XL image; convert it to PNG or JPEG"),
    (b"\0\0\0\x0CJXL ", "a JPEG XL image; convert it to PNG or JPEG"),
    (b"\x76\x2F\x31\x01", "an OpenEXR image; convert it to PNG"),
    (b"#?RADIANCE", "a Radiance HDR image; convert it to PNG"),
    (b"DDS ", "a DDS texture; convert it to PNG"),
    (b"qoif", "a QOI image; convert it to PNG"),
    (b"\0\0\x01\0", "an icon (ICO); convert it to PNG"),
    (b"\0\0\x02\0", "a cursor (CUR); convert it to PNG"),
    (b"\xD7\xCD\xC6\x9A", "a Windows metafile; convert it to PNG"),
    (b"SIMPLE  =", "a FITS image; convert it to PNG"),
    (b"PK\x03\x04", "a zip archive; unpack it"),
    (b"Rar!", "a RAR archive; unpack it"),
    (b"7z\xBC\xAF\x27\x1C", "a 7z archive; unpack it"),
    (b"\x1F\x8B", "gzip-compressed; unpack it (gunzip)"),
    (b"\x93NUMPY", "a NumPy array (.npy); write its images as PNG files"),
    (b"MATLAB 5.0", "a MATLAB file (.mat); write its images as PNG files, as docs/data.md shows"),
    (b"\x89HDF", "an HDF5 file; write its images as PNG files, as docs/data.md shows"),
    (b"PAR1", "a Parquet file; write its images as PNG files, as docs/data.md shows"),
    (b"ARROW1", "an Arrow file; write its images as PNG files, as docs/data.md shows"),
    (b"SQLite format 3", "an SQLite database, not an image"),
    (b"\x1A\x45\xDF\xA3", "a video (Matroska or WebM); extract its frames as PNG or JPEG"),
    (b"FLV", "a video (FLV); extract its frames as PNG or JPEG"),
    (b"\0\0\x01\xBA", "a video (MPEG); extract its frames as PNG or JPEG"),
    (b"\0\x05\x16\x07", "what macOS keeps beside a file (AppleDouble), not the image itself"),
    (b"\x80\x02", "a Python pickle, not an image"),
    (b"\x80\x04", "a Python pickle, not an image"),
    (b"OggS", "a video or sound (Ogg), not an image"),
];

/// Compressed files that are not inflated here.
const COMPRESSED: [(&[u8], &str); 3] = [
    (b"BZh", "bzip2-compressed; unpack it (bunzip2)"),
    (b"\xFD7zXZ\0", "xz-compressed; unpack it (unxz)"),
    (b"\x28\xB5\x2F\xFD", "zstd-compressed; unpack it (unzstd)"),
];

/// What `bytes` are compressed by, if it is nothing that is inflated here.
pub(crate) fn compression_of(bytes: &[u8]) -> Option<&'static str> {
    COMPRESSED.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, what)| *what)
}

/// What `bytes`, the whole file or its beginning, are.
pub(crate) fn content_of(bytes: &[u8]) -> Content {
    let image = match bytes {
        [] => return Content::Other("empty file (0 bytes)"),
        [0x89, b'P', b'N', b'G', b'\n', ..] | [0x89, b'P', b'N', b'G', b'\r', b'\r', ..] => {
            return Content::Other(
                "a PNG image whose line ends a transfer as text has changed; fetch it again",
            );
        }
        [0x89, b'P', b'N', b'G', ..] => Some(ImageFormat::Png),
        [0xFF, 0xD8, 0xFF, ..] => Some(ImageFormat::Jpeg),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(ImageFormat::Gif),
        [b'B', b'M', rest @ ..] if rest.len() >= 12 && looks_like_bmp(rest) => Some(ImageFormat::Bmp),
        // Raw photographs are TIFF files too.
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => {
            return Content::Other(match bytes.get(8..10) {
                Some(b"CR") => "a raw photograph (CR2); develop it to PNG or JPEG",
                _ => "a TIFF image; convert it to PNG",
            });
        }
        [b'P', b'1'..=b'7', b' ' | b'\n' | b'\r' | b'\t' | b'#', ..] => Some(ImageFormat::Pnm),
        [b'R', b'I', b'F', b'F', ..] => match bytes.get(8..12) {
            Some(b"WEBP") => Some(ImageFormat::WebP),
            Some(b"AVI ") => {
                return Content::Other("a video (AVI); extract its frames as PNG or JPEG");
            }
            Some(b"WAVE") => return Content::Other("a sound (WAV), not an image"),
            _ => return Content::Other("a RIFF file that is no WebP image"),
        },
        _ => None,
    };
    if let Some(format) = image {
        return Content::Image(format);
    }
    if let Some(brand) = bytes.get(4..12).and_then(|eight| eight.strip_prefix(b"ftyp")) {
        return Content::Other(of_brand(brand));
    }
    if bytes.starts_with(b"PK\x03\x04") && first_of_zip(bytes).is_some_and(|name| name.ends_with(b".npy")) {
        return Content::Other(
            "a NumPy archive (.npz); write its images as PNG files, as docs/data.md shows",
        );
    }
    if bytes.get(128..132) == Some(b"DICM") {
        return Content::Other("a DICOM image; convert it to PNG, scaled as it should be seen");
    }
    // A cursor says how many pictures it has; a TGA image of true colour has zeros there.
    if bytes.starts_with(b"\0\0\x02\0\0\0") {
        return Content::Other("a TGA image; convert it to PNG");
    }
    let known = OTHERS.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, what)| *what);
    Content::Other(known.or_else(|| compression_of(bytes)).unwrap_or_else(|| of_text(bytes)))
}

/// The name of the first member of a zip archive.
fn first_of_zip(bytes: &[u8]) -> Option<&[u8]> {
    let length = bytes.get(26..28).map(|two| usize::from(u16::from_le_bytes([two[0], two[1]])))?;
    bytes.get(30..30 + length)
}

/// The header's length and place of pixels are those of a bitmap: "BM" alone also begins texts.
fn looks_like_bmp(after_magic: &[u8]) -> bool {
    after_magic.get(12..16).is_none_or(|size| matches!(size, [12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]))
}

/// By the brand of an ISO media file.
fn of_brand(brand: &[u8]) -> &'static str {
    match brand {
        b"avif" | b"avis" => "an AVIF image; convert it to PNG, JPEG or WebP",
        b"heic" | b"heix" | b"hevc" | b"heim" | b"heis" | b"mif1" | b"msf1" => {
            "a HEIC image; convert it to PNG, JPEG or WebP"
        }
        b"crx " => "a raw photograph (CR3); develop it to PNG or JPEG",
        _ => "a video (MP4 or MOV); extract its frames as PNG or JPEG",
    }
}

fn of_text(bytes: &[u8]) -> &'static str {
    let start = &bytes[..bytes.len().min(START_BYTES)];
    let bytes = match start {
        [0xFF, 0xFE, rest @ ..] | [0xFE, 0xFF, rest @ ..] if rest.contains(&0) => {
            return "a text (UTF-16), not an image";
        }
        other => other,
    };
    // A character may be cut in two at the end.
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.valid_up_to() + 4 > bytes.len() && error.valid_up_to() > 0 => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return "no image that is read (PNG, JPEG, WebP, GIF, BMP, PNM), by its first bytes",
    };
    if text.chars().any(|sign| sign.is_control() && !sign.is_whitespace()) {
        return "no image that is read (PNG, JPEG, WebP, GIF, BMP, PNM), by its first bytes";
    }
    let lower = text.trim_start_matches('\u{FEFF}').trim_start().to_lowercase();
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") || lower.contains("<html") {
        "a web page (HTML), not an image; fetch the image itself"
    } else if lower.starts_with("<svg") || (lower.starts_with("<?xml") && lower.contains("<svg")) {
        "an SVG drawing; render it as PNG"
    } else if lower.starts_with("<?xml") {
        "an XML text (often a server's error message), not an image"
    } else if lower.starts_with("%!ps") {
        "a PostScript file; render it as PNG"
    } else if lower.starts_with('{') || lower.starts_with('[') {
        "a JSON text (often a server's error message), not an image"
    } else {
        "a text, not an image"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_image_is_named() {
        let npz = [&b"PK\x03\x04"[..], &[0; 22], &[9, 0, 0, 0], b"train.npy", b"..."].concat();
        let dicom = [&[0; 128][..], b"DICM\x02\0"].concat();
        let cases: [(&[u8], &str); 27] = [
            (&npz, "NumPy archive (.npz)"),
            (&dicom, "DICOM image"),
            (b"\x89PNG\n\x1a\n\0\0\0\rIHDR", "a transfer as text has changed"),
            (b"\x89PNG\r\r\n\x1a\r\n", "a transfer as text has changed"),
            (b"\0\0\x02\0\0\0\0\0\0\0\0\0\x08\0\x08\0\x18\0", "TGA image"),
            (b"\0\0\x02\0\x01\0\x20\x20", "cursor"),
            (b"II*\0\x08\0\0\0", "TIFF image; convert"),
            (b"", "empty file (0 bytes)"),
            (b"<!DOCTYPE html><html>", "web page"),
            (b"\xEF\xBB\xBF  <HTML lang=en>", "web page"),
            (b"<?xml version=\"1.0\"?>\n<svg xmlns=", "SVG"),
            (b"<Error><Code>AccessDenied</Code>", "a text"),
            (b"{\"error\": 404}", "JSON"),
            (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
            (b"\0\0\0\x20ftypavif\0\0\0\0", "AVIF"),
            (b"\0\0\0\x20ftypheic\0\0\0\0", "HEIC"),
            (b"\0\0\0\x20ftypisom\0\0\0\0", "video"),
            (b"RIFF\0\0\0\0AVI LIST", "video (AVI)"),
            (b"8BPS\0\x01", "Photoshop"),
            (b"%PDF-1.4", "PDF"),
            (b"PK\x03\x04\x14\0", "zip"),
            (b"\x1F\x8B\x08\0", "gzip"),
            (b"\x93NUMPY\x01\0", "NumPy"),
            (b"\x89HDF\r\n", "HDF5"),
            (b"II*\0\x10\0\0\0CR\x02\0", "raw photograph"),
            (b"BM is short for bitmap", "a text"),
            (b"\x01\x02\x03\xFF\xFE\xFD\xFC\xFB", "no image that is read"),
        ];
        for (bytes, told) in cases {
            match content_of(bytes) {
                Content::Other(what) => assert!(what.contains(told), "{told}: {what}"),
                image => panic!("{told}: {image:?}"),
            }
        }
    }
}
