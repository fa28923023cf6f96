//! Every channel moved towards its mean over the image.

use zview_data::ImageShape;
use zview_runtime::seed::Stream;

use super::kind::byte;

/// `strength` is the share of the contrast that is left.
pub(super) fn apply(
    pixels: &[u8],
    shape: ImageShape,
    strength: f64,
    _: &mut Stream,
) -> Result<Vec<u8>, String> {
    let area = shape.height * shape.width;
    let channels = pixels.chunks_exact(area);
    Ok(channels
        .flat_map(|channel| {
            let mean = channel.iter().map(|&pixel| f64::from(pixel)).sum::<f64>() / area as f64;
            channel.iter().map(move |&pixel| byte(mean + strength * (f64::from(pixel) - mean)))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_runtime::seed::Purpose;

    #[test]
    fn each_channel_keeps_its_own_mean() {
        let shape = ImageShape { channels: 2, height: 1, width: 3 };
        let mut stream = Stream::new(0, Purpose::Check, 0, 0);
        // Means 100 and 20.
        let flat = apply(&[0, 100, 200, 10, 20, 30], shape, 0.4, &mut stream).unwrap();
        assert_eq!(flat, [60, 100, 140, 16, 20, 24]);
    }
}
