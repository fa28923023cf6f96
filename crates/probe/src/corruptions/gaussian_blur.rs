//! Convolution with a Gaussian, beyond whose edge the edge is repeated.
//!
//! As `scipy.ndimage.gaussian_filter` with mode `nearest` (which `skimage.filters.gaussian`, that CIFAR-10-C
//! uses, calls): the kernel ends at 4 standard deviations, rounded to whole pixels, and sums to 1.

use zview_data::ImageShape;
use zview_runtime::seed::Stream;

use super::kind::byte;

/// `strength` is the Gaussian's standard deviation as a share of the shorter side.
pub(super) fn apply(
    pixels: &[u8],
    shape: ImageShape,
    strength: f64,
    _: &mut Stream,
) -> Result<Vec<u8>, String> {
    let ImageShape { height, width, .. } = shape;
    let kernel = kernel(strength * height.min(width) as f64);
    let values: Vec<f64> = pixels.iter().map(|&pixel| f64::from(pixel)).collect();
    let mut blurred = Vec::with_capacity(values.len());
    for channel in values.chunks_exact(height * width) {
        let rows: Vec<Vec<f64>> = channel.chunks_exact(width).map(|row| convolve(row, &kernel)).collect();
        let mut result = vec![0; height * width];
        for column in 0..width {
            let down: Vec<f64> = rows.iter().map(|row| row[column]).collect();
            for (row, value) in convolve(&down, &kernel).into_iter().enumerate() {
                result[row * width + column] = byte(value);
            }
        }
        blurred.extend(result);
    }
    Ok(blurred)
}

/// Weights from the middle outwards.
fn kernel(std: f64) -> Vec<f64> {
    let radius = (4.0 * std + 0.5) as usize;
    let weights: Vec<f64> =
        (0..=radius).map(|distance| (-0.5 * (distance as f64 / std).powi(2)).exp()).collect();
    let sum = 2.0 * weights.iter().sum::<f64>() - weights[0];
    weights.into_iter().map(|weight| weight / sum).collect()
}

fn convolve(line: &[f64], kernel: &[f64]) -> Vec<f64> {
    let last = line.len() - 1;
    let at = |position: usize| {
        let pairs = kernel.iter().enumerate().skip(1).map(|(distance, weight)| {
            weight * (line[position.saturating_sub(distance)] + line[(position + distance).min(last)])
        });
        kernel[0] * line[position] + pairs.sum::<f64>()
    };
    (0..line.len()).map(at).collect()
}
