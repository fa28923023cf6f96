//! The extent of a GIF's first frame, for which its decoder makes room whatever the screen's is.
//!
//! Source: <https://www.w3.org/Graphics/GIF/spec-gif89a.txt>.

/// Width and height of the first frame; `None` where it has none.
pub(crate) fn first_frame(bytes: &[u8]) -> Option<(u32, u32)> {
    let flags = *bytes.get(10)?;
    let colours = if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let mut rest = bytes.get(13 + colours..)?;
    loop {
        match *rest {
            // An extension: a label, then blocks of a length each, the last of which is empty.
            [0x21, _, ref blocks @ ..] => {
                rest = blocks;
                while let Some((&length, after)) = rest.split_first() {
                    rest = after.get(usize::from(length)..)?;
                    if length == 0 {
                        break;
                    }
                }
            }
            [0x2C, _, _, _, _, w0, w1, h0, h1, ..] => {
                return Some((u16::from_le_bytes([w0, w1]).into(), u16::from_le_bytes([h0, h1]).into()));
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_frame_is_found_behind_colours_and_extensions() {
        for bytes in
            [&include_bytes!("../tests/golden/plain.gif")[..], include_bytes!("../tests/golden/animated.gif")]
        {
            assert_eq!(first_frame(bytes), Some((13, 9)));
            for length in 0..bytes.len() {
                let _ = first_frame(&bytes[..length]);
            }
        }
    }
}
