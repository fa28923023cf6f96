//! The operations with recorded gradients.

mod convolution;
mod normalization;

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend};

use crate::backend::{ConvolutionOptions, KernelBackend, NormalizationOptions};
use crate::primitives::Kernels;

/// A tensor of the backend `B` with recorded gradients.
type Tracked<B, C> = FloatTensor<Autodiff<B, C>>;

impl<B: Kernels, C: CheckpointStrategy> KernelBackend for Autodiff<B, C> {
    fn kernel_conv2d(
        input: Tracked<B, C>,
        weight: Tracked<B, C>,
        options: ConvolutionOptions,
    ) -> Tracked<B, C> {
        convolution::forward::<B, C>(input, weight, options)
    }

    fn kernel_conv_transpose2d(
        input: Tracked<B, C>,
        weight: Tracked<B, C>,
        options: ConvolutionOptions,
    ) -> Tracked<B, C> {
        convolution::transposed::<B, C>(input, weight, options)
    }

    fn kernel_batch_norm(
        input: Tracked<B, C>,
        weight: Tracked<B, C>,
        bias: Tracked<B, C>,
        options: NormalizationOptions,
    ) -> (Tracked<B, C>, Tracked<B, C>, Tracked<B, C>) {
        let (output, statistics) = normalization::plain::<B, C>(input, weight, bias, options);
        let (mean, variance) = B::statistics_tensors(statistics);
        (output, Self::from_inner(mean), Self::from_inner(variance))
    }

    fn kernel_batch_norm_residual(
        input: Tracked<B, C>,
        residual: Tracked<B, C>,
        weight: Tracked<B, C>,
        bias: Tracked<B, C>,
        options: NormalizationOptions,
    ) -> (Tracked<B, C>, Tracked<B, C>, Tracked<B, C>) {
        let (output, statistics) = normalization::residual::<B, C>(input, residual, weight, bias, options);
        let (mean, variance) = B::statistics_tensors(statistics);
        (output, Self::from_inner(mean), Self::from_inner(variance))
    }

    fn kernel_scale_shift(
        input: Tracked<B, C>,
        scale: Tracked<B, C>,
        shift: Tracked<B, C>,
        relu: bool,
    ) -> Tracked<B, C> {
        normalization::scale_shift::<B, C>(input, None, scale, shift, relu)
    }

    fn kernel_scale_shift_residual(
        input: Tracked<B, C>,
        residual: Tracked<B, C>,
        scale: Tracked<B, C>,
        shift: Tracked<B, C>,
        relu: bool,
    ) -> Tracked<B, C> {
        normalization::scale_shift::<B, C>(input, Some(residual), scale, shift, relu)
    }
}
