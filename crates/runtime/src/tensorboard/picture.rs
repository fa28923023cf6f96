//! The size of a PNG file, from its header.

/// Width and height in pixels of the PNG file that `bytes` are; `None` where they are something else.
pub(super) fn png_size(bytes: &[u8]) -> Option<[u32; 2]> {
    // Signature (8 bytes), then the chunk IHDR: length (4), name (4), width (4), height (4), big-endian.
    let header = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n")?.get(4..)?.strip_prefix(b"IHDR")?;
    let number = |at: usize| Some(u32::from_be_bytes(header.get(at..at + 4)?.try_into().ok()?));
    Some([number(0)?, number(4)?])
}

/// A PNG file of one grey pixel, and what its size is.
#[cfg(test)]
pub(super) const ONE_PIXEL: ([u8; 67], [u32; 2]) = (
    *b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55\0\0\0\nIDATx\x9cc\xf8\x0f\0\x01\x01\x01\0\x1b\xb6\xee\x56\0\0\0\0IEND\xae\x42\x60\x82",
    [1, 1],
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_png_file_has_a_size() {
        let (file, size) = ONE_PIXEL;
        assert_eq!(png_size(&file), Some(size));
        for cut in [0, 7, 12, 16, 23] {
            assert_eq!(png_size(&file[..cut]), None);
        }
        assert_eq!(png_size(b"GIF89a, and a few more bytes to be long enough"), None);
    }
}
