//! Batch normalisation in training mode: statistics, then one pass over the images.

use super::apply::{Affine, apply};
use super::gradient::{InputStep, Rectifier, input_gradient, sums};
use super::planes::ImageSize;
use super::statistics::{Statistics, statistics};
use crate::simd::InstructionSet;

/// What a normalisation is made of besides its tensors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchNorm {
    /// Size of the input.
    pub(crate) size: ImageSize,
    /// Added to the variance.
    pub(crate) epsilon: f64,
    /// Whether the result is rectified.
    pub(crate) relu: bool,
}

/// The result of the forward pass.
pub(crate) struct Normalized {
    /// Output (B, C, H, W).
    pub(crate) output: Vec<f32>,
    /// Mean and variance of each channel.
    pub(crate) statistics: Statistics,
}

/// The result of the backward pass.
pub(crate) struct Gradients {
    /// Gradient of the input (B, C, H, W), unless it was written over that of the output.
    pub(crate) input: Option<Vec<f32>>,
    /// Gradient of the weight (C).
    pub(crate) weight: Vec<f32>,
    /// Gradient of the bias (C).
    pub(crate) bias: Vec<f32>,
}

/// What the backward pass needs from the forward pass.
#[derive(Clone, Copy)]
pub(crate) struct Forward<'a> {
    /// Input (B, C, H, W).
    pub(crate) input: &'a [f32],
    /// Output (B, C, H, W), only if there was a residual and a rectifier.
    pub(crate) output: Option<&'a [f32]>,
    /// Weight (C).
    pub(crate) weight: &'a [f32],
    /// Bias (C).
    pub(crate) bias: &'a [f32],
    /// Statistics of the input.
    pub(crate) statistics: &'a Statistics,
}

impl BatchNorm {
    /// Normalises `input` over batch, rows and columns.
    pub(crate) fn forward(
        &self,
        set: InstructionSet,
        input: &[f32],
        residual: Option<&[f32]>,
        weight: &[f32],
        bias: &[f32],
    ) -> Normalized {
        let statistics = statistics(set, self.size, input);
        let scale = self.scale(&statistics, weight);
        let affine = Affine { mean: &statistics.mean, scale: &scale, bias };
        let output = apply(set, self.size, input, residual, affine, self.relu);
        Normalized { output, statistics }
    }

    /// Gradients, from the forward pass and the gradient of its output. If `keep`, `gradient` ends as that
    /// of the residual; otherwise as that of the input.
    pub(crate) fn backward(
        &self,
        set: InstructionSet,
        forward: Forward<'_>,
        gradient: &mut [f32],
        keep: bool,
    ) -> Gradients {
        let Forward { input, weight, bias, statistics, .. } = forward;
        let scale = self.scale(statistics, weight);
        let affine = Affine { mean: &statistics.mean, scale: &scale, bias };
        let rectifier = match (self.relu, forward.output) {
            (false, _) => Rectifier::None,
            (true, None) => Rectifier::Recomputed,
            (true, Some(output)) => Rectifier::Output(output),
        };
        let sums = sums(set, self.size, input, gradient, rectifier, affine);
        let count = self.size.per_channel().max(1) as f64;
        let channels = self.size.channels;
        let (mut slope, mut offset) = (Vec::with_capacity(channels), Vec::with_capacity(channels));
        let (mut weight_gradient, mut bias_gradient) =
            (Vec::with_capacity(channels), Vec::with_capacity(channels));
        for (channel, sums) in sums.iter().enumerate() {
            let inverse_std = self.inverse_std(statistics, channel);
            let scale = f64::from(weight[channel]) * inverse_std;
            weight_gradient.push((sums.product * inverse_std) as f32);
            bias_gradient.push(sums.gradient as f32);
            slope.push((-scale * inverse_std * inverse_std * sums.product / count) as f32);
            offset.push((-scale * sums.gradient / count) as f32);
        }
        let rectify = matches!(rectifier, Rectifier::Recomputed);
        let step = InputStep { affine, slope: &slope, offset: &offset, rectify };
        let input = input_gradient(set, self.size, input, gradient, step, keep);
        Gradients { input, weight: weight_gradient, bias: bias_gradient }
    }

    fn inverse_std(&self, statistics: &Statistics, channel: usize) -> f64 {
        1.0 / (f64::from(statistics.variance[channel]) + self.epsilon).sqrt()
    }

    fn scale(&self, statistics: &Statistics, weight: &[f32]) -> Vec<f32> {
        let scale =
            |channel: usize| (f64::from(weight[channel]) * self.inverse_std(statistics, channel)) as f32;
        (0..weight.len()).map(scale).collect()
    }
}
