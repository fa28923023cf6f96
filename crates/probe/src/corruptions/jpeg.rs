//! Compressed as baseline JPEG and read again.
//!
//! Three channels are compressed as one colour image without chroma subsampling, any other number channel by
//! channel as grey ones. The encoder of ImageNet-C halves the chroma's resolution: at equal quality its colours
//! are somewhat worse.

use image::codecs::jpeg::{JpegDecoder, JpegEncoder};
use image::{ExtendedColorType, ImageDecoder};
use zview_data::ImageShape;
use zview_runtime::seed::Stream;

/// `strength` is the quality, 1 (worst) to 100, as the Independent JPEG Group's tables have it.
pub(super) fn apply(
    pixels: &[u8],
    shape: ImageShape,
    strength: f64,
    _: &mut Stream,
) -> Result<Vec<u8>, String> {
    let area = shape.height * shape.width;
    let quality = strength as u8;
    if shape.channels != 3 {
        let channels = pixels.chunks_exact(area);
        let read: Result<Vec<_>, _> =
            channels.map(|channel| compressed(channel, shape, ExtendedColorType::L8, quality)).collect();
        return Ok(read?.concat());
    }
    // (H, W, C) and back.
    let interleaved: Vec<u8> = (0..3 * area).map(|at| pixels[at % 3 * area + at / 3]).collect();
    let read = compressed(&interleaved, shape, ExtendedColorType::Rgb8, quality)?;
    Ok((0..3 * area).map(|at| read[at % area * 3 + at / area]).collect())
}

fn compressed(
    pixels: &[u8],
    shape: ImageShape,
    colour: ExtendedColorType,
    quality: u8,
) -> Result<Vec<u8>, String> {
    let side = |pixels: usize| u32::try_from(pixels).map_err(|error| error.to_string());
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, quality)
        .encode(pixels, side(shape.width)?, side(shape.height)?, colour)
        .map_err(|error| error.to_string())?;
    let decoder = JpegDecoder::new(std::io::Cursor::new(file)).map_err(|error| error.to_string())?;
    let mut read = vec![0; pixels.len()];
    if decoder.total_bytes() != read.len() as u64 {
        return Err(format!("{} bytes became {}", read.len(), decoder.total_bytes()));
    }
    decoder.read_image(&mut read).map_err(|error| error.to_string())?;
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_runtime::seed::Purpose;

    #[test]
    fn channels_stay_apart_and_in_order() {
        for channels in [1, 2, 3, 4] {
            let shape = ImageShape { channels, height: 9, width: 13 };
            // Smooth ramps, of other level and slope in each channel.
            let pixels: Vec<u8> =
                (0..shape.bytes()).map(|at| (50 * (at / 117) + at % 13 * 2 + at / 13 % 9) as u8).collect();
            let mut stream = Stream::new(0, Purpose::Check, 0, 0);
            let read = apply(&pixels, shape, 90.0, &mut stream).unwrap();
            let worst = pixels.iter().zip(&read).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(worst <= 8, "{channels} channels: {worst}");
        }
    }
}
