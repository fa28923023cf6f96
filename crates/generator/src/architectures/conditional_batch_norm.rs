//! Batch normalisation with fixed statistics, whose scale and shift depend on a condition c
//! (de Vries et al. 2017, <https://arxiv.org/abs/1707.00683>; BigGAN, <https://arxiv.org/abs/1809.11096>).

use burn::tensor::Tensor;

use super::layers::Linear;
use super::loader::Loader;
use super::operations;

/// y = (x - mean) / std (1 + S c) + O c, then rectified.
///
/// With r = 1 / std that is x (r + r S c) + (O - mean r S) c - mean r: one linear layer of c gives the
/// factor and the summand of each channel.
#[derive(Debug)]
pub(super) struct ConditionalBatchNorm {
    /// From c (B, E) to factors and summands (B, 2 C).
    scale_and_shift: Linear,
}

/// What a conditional batch normalisation is made of.
pub(super) struct Parts {
    /// S (C, E).
    pub(super) scale: Vec<f64>,
    /// O (C, E).
    pub(super) offset: Vec<f64>,
    /// (C).
    pub(super) mean: Vec<f64>,
    /// 1 / sqrt(variance + eps) (C).
    pub(super) inverse_std: Vec<f64>,
}

impl ConditionalBatchNorm {
    pub(super) fn new(loader: &Loader<'_>, parts: &Parts) -> Self {
        let channels = parts.mean.len();
        let condition = parts.scale.len() / channels;
        let r = |c: usize| parts.inverse_std[c];
        let scale = |c: usize, e: usize| r(c) * parts.scale[c * condition + e];
        let shift = |c: usize, e: usize| parts.offset[c * condition + e] - parts.mean[c] * scale(c, e);
        let weight = (0..condition).flat_map(|e| {
            let scale = (0..channels).map(move |c| scale(c, e));
            scale.chain((0..channels).map(move |c| shift(c, e)))
        });
        let bias = (0..channels).map(r).chain((0..channels).map(|c| -parts.mean[c] * r(c)));
        let scale_and_shift = Linear {
            weight: loader.tensor(weight, [condition, 2 * channels]),
            bias: Some(loader.tensor(bias, [2 * channels])),
        };
        Self { scale_and_shift }
    }

    /// Map (B, C, H, W) and condition (B, E).
    pub(super) fn forward(&self, map: Tensor<4>, condition: &Tensor<2>) -> Tensor<4> {
        let [batch, channels, ..] = map.dims();
        let both = self.scale_and_shift.forward(condition.clone());
        let scale = both.clone().narrow(1, 0, channels).reshape([batch * channels]);
        let shift = both.narrow(1, channels, channels).reshape([batch * channels]);
        operations::scale_and_shift_each(map, scale, shift, true)
    }
}
