//! Crop, resize, mirror and blur as separable linear maps: one matrix per image for the rows and one
//! for the columns, applied as two batched matrix products. Built on the device from a few numbers per
//! image, exact on every device, and without the scattered reads of a general warp.

use burn::tensor::{Int, Tensor};
use zview_kernels::matmul;

/// Interpolation from a crop to `size_out` samples: (B, size_out, size_in), rows sum to 1.
///
/// `first` is the crop's first edge and `length` its length in input pixels, negative to mirror. Bilinear
/// (a tent of half-width one pixel), widened where the crop is larger than the output, so that shrinking
/// does not alias; pixel centres lie at half-integers, as in torchvision's resize.
pub(super) fn interpolation(
    first: Tensor<1>,
    length: Tensor<1>,
    size_in: usize,
    size_out: usize,
) -> Tensor<3> {
    let device = first.device();
    let step = length / size_out as f32; // [B], input pixels per sample
    let half_width = step.clone().abs().clamp_min(1.0).reshape([-1, 1, 1]);
    let sample =
        Tensor::<1, Int>::arange(0..size_out as i64, &device).float().reshape([1, size_out as i32, 1]);
    let pixel = Tensor::<1, Int>::arange(0..size_in as i64, &device).float().reshape([1, 1, size_in as i32]);
    let position = first.reshape([-1, 1, 1]) + (sample + 0.5) * step.reshape([-1, 1, 1]) - 0.5; // [B, out, 1]
    // A sample beyond the outermost pixel centres takes the border's value.
    let position = position.clamp(0.0, (size_in - 1) as f32);
    let tent = (-((position - pixel).abs() / half_width) + 1.0).clamp_min(0.0); // [B, out, in]
    tent.clone() / tent.sum_dim(2)
}

/// Gaussian blur over `size` samples: (B, size, size), rows sum to 1. The kernel reaches `radius`
/// samples; at the border it is renormalised over the samples that exist.
pub(super) fn gaussian(sigma: Tensor<1>, size: usize, radius: usize) -> Tensor<3> {
    let device = sigma.device();
    let sample = Tensor::<1, Int>::arange(0..size as i64, &device).float();
    let distance = sample.clone().reshape([1, size as i32, 1]) - sample.reshape([1, 1, size as i32]);
    let outside = distance.clone().abs().greater_elem(radius as f32 + 0.5);
    let exponent = distance.square() / (sigma.square() * -2.0).reshape([-1, 1, 1]); // [B, size, size]
    let outside = outside.expand(exponent.dims());
    let kernel = exponent.exp().mask_fill(outside, 0.0);
    kernel.clone() / kernel.sum_dim(2)
}

/// Applies `rows` (B, H', H) and `columns` (B, W', W) to images (B, C, H, W) -> (B, C, H', W').
pub(super) fn separable(images: Tensor<4>, rows: Tensor<3>, columns: Tensor<3>) -> Tensor<4> {
    let rows = rows.unsqueeze_dim::<4>(1); // [B, 1, H', H]
    let columns = columns.swap_dims(1, 2).unsqueeze_dim::<4>(1); // [B, 1, W, W']
    matmul(matmul(rows, images), columns)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};
    use zview_runtime::device::on_test_devices;

    use super::*;

    /// Largest error of a device that divides and exponentiates in its own way.
    const ROUNDING: f32 = 1e-6;

    fn vector(values: &[f32], device: &Device) -> Tensor<1> {
        Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
    }

    fn matrix(values: Tensor<3>) -> Vec<f32> {
        values.into_data().try_into_vec().unwrap()
    }

    fn close(name: &str, got: &[f32], expected: &[f32]) {
        let near = |(a, b): (&f32, &f32)| (a - b).abs() < ROUNDING;
        assert!(
            got.len() == expected.len() && got.iter().zip(expected).all(near),
            "{name}: {got:?} {expected:?}"
        );
    }

    #[test]
    fn the_whole_image_is_the_identity_and_mirrored_its_reverse() {
        on_test_devices(|name, device| {
            let [first, length] = [&[0.0, 4.0], &[4.0, -4.0]].map(|values| vector(values, device));
            let identity = matrix(interpolation(first, length, 4, 4));
            let hit = |hit: bool| if hit { 1.0 } else { 0.0 };
            let places = || (0..16).map(|place| (place / 4, place % 4));
            let kept = places().map(|(row, column)| hit(row == column));
            let mirrored = places().map(|(row, column)| hit(row + column == 3));
            assert_eq!(identity, kept.chain(mirrored).collect::<Vec<f32>>(), "{name}");
        });
    }

    #[test]
    fn enlarging_is_bilinear_with_half_pixel_centres() {
        on_test_devices(|name, device| {
            // torch.nn.functional.interpolate([0, 1], size=4, mode="linear", align_corners=False)
            let weights = matrix(interpolation(vector(&[0.0], device), vector(&[2.0], device), 2, 4));
            let second: Vec<f32> = weights.chunks(2).map(|row| row[1]).collect();
            close(name, &second, &[0.0, 0.25, 0.75, 1.0]);
        });
    }

    #[test]
    fn shrinking_averages_instead_of_aliasing() {
        on_test_devices(|name, device| {
            let weights = matrix(interpolation(vector(&[0.0], device), vector(&[8.0], device), 8, 2));
            let used = weights[..8].iter().filter(|&&weight| weight > 0.0).count();
            assert!(used >= 4, "{name}: {weights:?}");
            let sums: Vec<f32> = weights.chunks(8).map(|row| row.iter().sum::<f32>()).collect();
            close(name, &sums, &[1.0; 2]);
        });
    }

    #[test]
    fn blur_is_a_normalised_gaussian_within_its_radius() {
        on_test_devices(|name, device| {
            let kernel = matrix(gaussian(vector(&[1.0, 1e-3], device), 7, 2));
            let centre = &kernel[3 * 7..4 * 7];
            let total = 1.0 + 2.0 * (-0.5f32).exp() + 2.0 * (-2.0f32).exp();
            let expected = [0.0, (-2.0f32).exp(), (-0.5f32).exp(), 1.0].map(|weight| weight / total);
            close(name, &centre[..4], &expected);
            close(name, &kernel[49 + 3 * 7..49 + 4 * 7], &[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
        });
    }
}
