//! What a JPEG file says about itself, read from its markers alone.
//!
//! The decoder fills what is missing of a cut file with grey and reports success, so that is found here, before it
//! is asked.
//! Source: ITU-T T.81, annex B.

const START_OF_SCAN: u8 = 0xDA;
const END_OF_IMAGE: u8 = 0xD9;
/// What a segment of XMP begins with.
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// What the markers of a whole JPEG say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JpegFrame {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// 1 (grey), 3 (colour) or 4 (CMYK or YCCK).
    pub(crate) components: u8,
    /// Whether there is metadata that may say how the camera was held.
    pub(crate) has_exif: bool,
    /// How the camera was held (1 to 8) by the metadata of XMP, which counts where Exif does not say.
    pub(crate) xmp_orientation: Option<u8>,
    /// Where an Adobe segment's content begins that does not say what the colours are, though the decoder would
    /// follow it.
    pub(crate) misleading_adobe: Option<usize>,
}

/// What there is of the segments that say what three components mean.
#[derive(Default)]
struct ColourSegments {
    jfif: bool,
    /// Where the Adobe segment's content is, and its transform.
    adobe: Option<(usize, u8)>,
}

impl ColourSegments {
    fn take(&mut self, marker: u8, content_at: usize, content: &[u8]) {
        self.jfif |= marker == 0xE0 && content.len() >= 12 && content.starts_with(b"JFIF\0");
        if marker == 0xEE && content.starts_with(b"Adobe") {
            self.adobe = content.get(11).map(|&transform| (content_at, transform)).or(self.adobe);
        }
    }

    /// As libjpeg's `default_decompress_parms`: of three components JFIF decides before Adobe, and a transform that
    /// is not known means YCbCr.
    fn misleading(&self, components: u8) -> Option<usize> {
        let (at, transform) = self.adobe?;
        (components == 3 && (self.jfif || transform > 1)).then_some(at)
    }
}

/// What a whole JPEG says about itself.
///
/// # Errors
/// If it is cut short or of a kind that is not read: why.
pub(crate) fn check_jpeg(bytes: &[u8]) -> Result<JpegFrame, String> {
    let mut at = 2; // after the start-of-image marker
    let mut scan_seen = false;
    let mut has_exif = false;
    let mut xmp_orientation = None;
    let mut colours = ColourSegments::default();
    let mut frame: Option<JpegFrame> = None;
    loop {
        let Some(marker) = next_marker(bytes, &mut at) else {
            return Err("cut short: the JPEG has no end-of-image mark".to_owned());
        };
        match marker {
            END_OF_IMAGE => {
                let no_picture = || "the JPEG ends before any picture data".to_owned();
                let frame = frame.filter(|_| scan_seen).ok_or_else(no_picture)?;
                let misleading_adobe = colours.misleading(frame.components);
                return Ok(JpegFrame { has_exif, xmp_orientation, misleading_adobe, ..frame });
            }
            0x01 | 0xD8 => continue, // no segment follows these
            _ => {}
        }
        let length = bytes.get(at..at + 2).map_or(0, |two| usize::from(two[0]) << 8 | usize::from(two[1]));
        let Some(segment) = bytes.get(at..at + length).filter(|segment| segment.len() >= 2) else {
            return Err("cut short or damaged: a JPEG segment reaches past the end of the file".to_owned());
        };
        if is_start_of_frame(marker) {
            frame = Some(check_frame(marker, &segment[2..])?);
        }
        colours.take(marker, at + 2, &segment[2..]);
        if marker == 0xE1 && segment[2..].starts_with(XMP) {
            xmp_orientation = orientation_in_xmp(segment);
        }
        has_exif |= marker == 0xE1 && segment[2..].starts_with(b"Exif");
        scan_seen |= marker == START_OF_SCAN;
        at += length;
    }
}

/// As PIL finds it: the digit after `tiff:Orientation="` or `tiff:Orientation>`.
fn orientation_in_xmp(xmp: &[u8]) -> Option<u8> {
    const NAME: &[u8] = b"tiff:Orientation";
    xmp.windows(NAME.len() + 3).find_map(|window| match window.strip_prefix(NAME)? {
        [b'=', b'"', digit] | [b'>', digit, _] if digit.is_ascii_digit() => Some(digit - b'0'),
        _ => None,
    })
}

/// What a JPEG says of itself before its picture, if its frame header is within `start`, its beginning.
pub(crate) fn frame_in_start(start: &[u8]) -> Option<Result<JpegFrame, String>> {
    let mut at = 2;
    let (mut has_exif, mut xmp_orientation) = (false, None);
    loop {
        let marker = next_marker(start, &mut at)?;
        if matches!(marker, 0x01 | 0xD8) {
            continue;
        }
        let length = start.get(at..at + 2).map(|two| usize::from(two[0]) << 8 | usize::from(two[1]))?;
        let segment = start.get(at..at + length).filter(|segment| segment.len() >= 2)?;
        if is_start_of_frame(marker) {
            let frame = check_frame(marker, &segment[2..]);
            return Some(frame.map(|frame| JpegFrame { has_exif, xmp_orientation, ..frame }));
        }
        if matches!(marker, START_OF_SCAN | END_OF_IMAGE) {
            return None;
        }
        if marker == 0xE1 && segment[2..].starts_with(XMP) {
            xmp_orientation = orientation_in_xmp(segment);
        }
        has_exif |= marker == 0xE1 && segment[2..].starts_with(b"Exif");
        at += length;
    }
}

/// Whether the picture is in colour, if its frame header is within `start`, the beginning of a JPEG.
pub(crate) fn is_colour(start: &[u8]) -> Option<bool> {
    frame_in_start(start)?.ok().map(|frame| frame.components > 1)
}

/// All of C0..CF but the tables C4 and CC and the reserved C8.
fn is_start_of_frame(marker: u8) -> bool {
    matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC)
}

/// The next marker at or after `at`, which is moved behind it. Skips fill bytes, and within picture data
/// stuffed zeros and restart marks.
fn next_marker(bytes: &[u8], at: &mut usize) -> Option<u8> {
    loop {
        let offset = bytes.get(*at..)?.iter().position(|&byte| byte == 0xFF)?;
        let code = *bytes.get(*at + offset + 1)?;
        *at += offset + if code == 0xFF { 1 } else { 2 };
        if !matches!(code, 0x00 | 0xFF | 0xD0..=0xD7) {
            return Some(code);
        }
    }
}

/// From a frame header: precision, height, width, number of components.
fn check_frame(marker: u8, frame: &[u8]) -> Result<JpegFrame, String> {
    let &[precision, h1, h0, w1, w0, components, ..] = frame else {
        return Err("cut short: the JPEG frame header is incomplete".to_owned());
    };
    let kind = match marker {
        0xC0..=0xC2 => None,
        0xC3 | 0xC7 | 0xCB | 0xCF => Some("lossless"),
        0xC5 | 0xC6 => Some("hierarchical"),
        _ => Some("arithmetically coded"),
    };
    if let Some(kind) = kind {
        return Err(format!(
            "a JPEG of a rare kind ({kind}), which is not read; save it as baseline or as PNG"
        ));
    }
    match (precision, components) {
        (8, 1 | 3 | 4) => Ok(JpegFrame {
            width: u16::from_be_bytes([w1, w0]).into(),
            height: u16::from_be_bytes([h1, h0]).into(),
            components,
            has_exif: false,
            xmp_orientation: None,
            misleading_adobe: None,
        }),
        (8, _) => Err(format!("{components} colour components, expected 1, 3 or 4")),
        _ => Err(format!("{precision} bits per sample, expected 8; convert it to 8 bits")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_files::jpeg_of;

    fn extent(jpeg: &[u8]) -> Result<(u32, u32), String> {
        check_jpeg(jpeg).map(|frame| (frame.width, frame.height))
    }

    #[test]
    fn a_whole_jpeg_passes_and_every_cut_of_it_does_not() {
        let jpeg = jpeg_of(9, 7, 3, 1);
        assert_eq!(extent(&jpeg), Ok((9, 7)));
        for length in 2..jpeg.len() {
            assert!(check_jpeg(&jpeg[..length]).is_err(), "cut to {length} of {}", jpeg.len());
        }
    }

    #[test]
    fn bytes_after_the_end_and_a_thumbnail_inside_do_not_matter() {
        let mut jpeg = jpeg_of(9, 7, 3, 1);
        jpeg.extend(b"trailing");
        assert_eq!(extent(&jpeg), Ok((9, 7)));
        // An application segment that holds a whole JPEG, in a file that is cut: its end mark must not count.
        let thumbnail = jpeg_of(2, 2, 1, 0);
        let mut with_thumbnail = jpeg[..2].to_vec();
        with_thumbnail.extend([0xFF, 0xE1]);
        with_thumbnail.extend((thumbnail.len() as u16 + 2).to_be_bytes());
        with_thumbnail.extend(&thumbnail);
        with_thumbnail.extend(&jpeg[2..200]);
        assert!(check_jpeg(&with_thumbnail).is_err());
    }
}
