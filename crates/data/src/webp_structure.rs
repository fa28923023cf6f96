//! What the parts of a WebP file say of its pictures' extents, before a decoder believes them.
//!
//! Source: <https://developers.google.com/speed/webp/docs/riff_container>.

/// Bytes of an animation's frame before the picture's own chunks.
const FRAME_HEADER: usize = 16;

/// Refuses pictures that are larger than the canvas that the file begins with: their decoder would make room for them.
///
/// # Errors
/// The reason, as one line.
pub(crate) fn check_webp(bytes: &[u8]) -> Result<(), String> {
    let mut canvas = None;
    check_chunks(bytes.get(12..).unwrap_or_default(), &mut canvas)
}

fn check_chunks(mut bytes: &[u8], canvas: &mut Option<[usize; 2]>) -> Result<(), String> {
    while let Some((header, rest)) = bytes.split_at_checked(8) {
        let size = number(&header[4..]);
        let content = &rest[..size.min(rest.len())];
        let picture = match &header[..4] {
            b"VP8X" => {
                *canvas = content.get(4..10).map(|six| [number(&six[..3]) + 1, number(&six[3..]) + 1]);
                None
            }
            b"ANMF" => {
                check_chunks(content.get(FRAME_HEADER..).unwrap_or_default(), canvas)?;
                None
            }
            // A frame's tag and start code, then 14 bits of each extent, with 2 of a scale.
            b"VP8 " => {
                content.get(6..10).map(|four| [number(&four[..2]) & 0x3FFF, number(&four[2..]) & 0x3FFF])
            }
            // A mark, then 14 bits of each extent less one.
            b"VP8L" => content.get(1..5).map(|four| {
                let bits = number(four);
                [(bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1]
            }),
            _ => None,
        };
        if let (Some([width, height]), Some([most_wide, most_high])) = (picture, *canvas)
            && (width > most_wide || height > most_high)
        {
            return Err(format!(
                "damaged: a picture of {width} x {height} pixels, where its header says {most_wide} x {most_high}"
            ));
        }
        bytes = rest.get(size + size % 2..).unwrap_or_default();
    }
    Ok(())
}

/// Of four little-endian bytes or fewer.
fn number(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |sum, &byte| sum << 8 | usize::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &[u8] = b"RIFF\xff\xff\xff\xffWEBPVP8X\xff\xff\xff\xffANMF\xff\xff\xff\xffVP8 \0\0\0\0";

    #[test]
    fn pictures_larger_than_their_canvas_are_refused() {
        for (name, bytes) in [
            ("alpha", &include_bytes!("../tests/golden/alpha.webp")[..]),
            ("animated", include_bytes!("../tests/golden/animated.webp")),
            ("lossy", include_bytes!("../tests/golden/lossy.webp")),
            ("lossless", include_bytes!("../tests/golden/lossless.webp")),
        ] {
            assert_eq!(check_webp(bytes), Ok(()), "{name}");
            let Some(at) = bytes.windows(4).position(|four| four == b"VP8X") else { continue };
            let mut small = bytes.to_vec();
            small[at + 12..at + 18].fill(0);
            assert!(check_webp(&small).unwrap_err().contains("its header says 1 x 1"), "{name}");
        }
        for length in 0..HOSTILE.len() {
            let _ = check_webp(&HOSTILE[..length]);
        }
    }
}
