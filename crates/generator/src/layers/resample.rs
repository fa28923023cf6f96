//! Interpolation as two matrix products: one for rows and one for columns, the same on every device.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::Step;
use crate::architectures::activations::Activations;
use zview_kernels::matmul;

/// The constant of PyTorch's cubic interpolation.
const CUBIC: f64 = -0.75;

/// Which interpolation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kernel {
    Nearest,
    Linear,
    Cubic,
}

/// To maps of another size.
#[derive(Debug, Clone)]
pub(super) struct Resample {
    /// (H, H').
    rows: Tensor<2>,
    /// (W, W').
    columns: Tensor<2>,
}

impl Resample {
    /// From maps of sides `from` (H, W) to maps of sides `to`.
    pub(super) fn new(
        kernel: Kernel,
        align_corners: bool,
        from: [usize; 2],
        to: [usize; 2],
        device: &Device,
    ) -> Self {
        let matrix = |axis: usize| {
            let weights = weights(kernel, align_corners, from[axis], to[axis]);
            Tensor::<2>::from_data(TensorData::new(weights, [to[axis], from[axis]]), device).transpose()
        };
        Self { rows: matrix(0), columns: matrix(1) }
    }
}

/// (to, from) row-major: how much each old place counts for each new one.
fn weights(kernel: Kernel, align_corners: bool, from: usize, to: usize) -> Vec<f32> {
    let mut matrix = vec![0.0f64; to * from];
    let last = from as i64 - 1;
    for (place, row) in matrix.chunks_exact_mut(from).enumerate() {
        let at = if kernel == Kernel::Nearest {
            // In whole numbers, so that no rounding moves a pixel.
            row[place * from / to] = 1.0;
            continue;
        } else if align_corners {
            if to > 1 { place as f64 * (from - 1) as f64 / (to - 1) as f64 } else { 0.0 }
        } else {
            (place as f64 + 0.5) * from as f64 / to as f64 - 0.5
        };
        let at = if kernel == Kernel::Linear { at.max(0.0) } else { at };
        let (left, t) = (at.floor() as i64, at - at.floor());
        let taps: Vec<(i64, f64)> = match kernel {
            Kernel::Cubic => (-1..3).map(|tap| (left + tap, cubic((t - tap as f64).abs()))).collect(),
            _ => vec![(left, 1.0 - t), (left + 1, t)],
        };
        for (source, weight) in taps {
            row[source.clamp(0, last) as usize] += weight;
        }
    }
    matrix.into_iter().map(|weight| weight as f32).collect()
}

/// Keys' kernel (<https://doi.org/10.1109/TASSP.1981.1163711>) at distance t of 0 to 2.
fn cubic(t: f64) -> f64 {
    if t <= 1.0 {
        ((CUBIC + 2.0) * t - (CUBIC + 3.0)) * t * t + 1.0
    } else {
        ((CUBIC * t - 5.0 * CUBIC) * t + 8.0 * CUBIC) * t - 4.0 * CUBIC
    }
}

impl Step for Resample {
    fn forward(&self, now: Activations, _classes: Option<&Tensor<1, Int>>) -> Activations {
        let map = now.into_map();
        let [batch, channels, height, width] = map.dims();
        let ([_, new_height], [_, new_width]) = (self.rows.dims(), self.columns.dims());
        let rows = batch * channels;
        let wide = matmul(map.reshape([rows * height, width]), self.columns.clone());
        let turned = wide.reshape([rows, height, new_width]).swap_dims(1, 2);
        let tall = matmul(turned.reshape([rows * new_width, height]), self.rows.clone());
        let tall = tall.reshape([rows, new_width, new_height]).swap_dims(1, 2);
        Activations::Map(tall.reshape([batch, channels, new_height, new_width]))
    }
}
