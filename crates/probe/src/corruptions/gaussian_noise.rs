//! Independent normal noise on every pixel and channel, cut off at black and white.

use zview_data::ImageShape;
use zview_runtime::seed::Stream;

use super::kind::byte;

/// `strength` is the noise's standard deviation where white is 1.
pub(super) fn apply(
    pixels: &[u8],
    _: ImageShape,
    strength: f64,
    stream: &mut Stream,
) -> Result<Vec<u8>, String> {
    let noisy = |&pixel: &u8| byte(f64::from(pixel) + 255.0 * strength * f64::from(stream.normal()));
    Ok(pixels.iter().map(noisy).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_runtime::seed::Purpose;

    #[test]
    fn the_noise_has_its_standard_deviation() {
        let shape = ImageShape { channels: 1, height: 200, width: 200 };
        let mut stream = Stream::new(0, Purpose::Check, 0, 0);
        let noisy = apply(&vec![128; 40_000], shape, 0.1, &mut stream).unwrap();
        let differences = noisy.iter().map(|&pixel| f64::from(pixel) - 128.0);
        let mean = differences.clone().sum::<f64>() / 40_000.0;
        let std = (differences.map(|d| (d - mean).powi(2)).sum::<f64>() / 40_000.0).sqrt();
        // Rounding to bytes adds a variance of 1/12.
        let expected = (25.5f64.powi(2) + 1.0 / 12.0).sqrt();
        assert!(mean.abs() < 0.5 && (std / expected - 1.0).abs() < 0.015, "{mean} {std}");
    }
}
