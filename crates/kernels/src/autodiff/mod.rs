//! The operations with recorded gradients.

mod convolution;
mod normalization;

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend, Flex};

use crate::backend::{ConvolutionOptions, KernelBackend, NormalizationOptions};
use crate::flex::statistics_tensors;

/// A tensor with recorded gradients.
type Tracked<C> = FloatTensor<Autodiff<Flex, C>>;

impl<C: CheckpointStrategy> KernelBackend for Autodiff<Flex, C> {
    fn kernel_conv2d(input: Tracked<C>, weight: Tracked<C>, options: ConvolutionOptions) -> Tracked<C> {
        convolution::forward::<C>(input, weight, options)
    }

    fn kernel_conv_transpose2d(
        input: Tracked<C>,
        weight: Tracked<C>,
        options: ConvolutionOptions,
    ) -> Tracked<C> {
        convolution::transposed::<C>(input, weight, options)
    }

    fn kernel_batch_norm(
        input: Tracked<C>,
        weight: Tracked<C>,
        bias: Tracked<C>,
        options: NormalizationOptions,
    ) -> (Tracked<C>, Tracked<C>, Tracked<C>) {
        let (output, statistics) = normalization::plain::<C>(input, weight, bias, options);
        let (mean, variance) = statistics_tensors(statistics);
        (output, Self::from_inner(mean), Self::from_inner(variance))
    }

    fn kernel_batch_norm_residual(
        input: Tracked<C>,
        residual: Tracked<C>,
        weight: Tracked<C>,
        bias: Tracked<C>,
        options: NormalizationOptions,
    ) -> (Tracked<C>, Tracked<C>, Tracked<C>) {
        let (output, statistics) = normalization::residual::<C>(input, residual, weight, bias, options);
        let (mean, variance) = statistics_tensors(statistics);
        (output, Self::from_inner(mean), Self::from_inner(variance))
    }

    fn kernel_scale_shift(input: Tracked<C>, scale: Tracked<C>, shift: Tracked<C>, relu: bool) -> Tracked<C> {
        normalization::scale_shift::<C>(input, None, scale, shift, relu)
    }

    fn kernel_scale_shift_residual(
        input: Tracked<C>,
        residual: Tracked<C>,
        scale: Tracked<C>,
        shift: Tracked<C>,
        relu: bool,
    ) -> Tracked<C> {
        normalization::scale_shift::<C>(input, Some(residual), scale, shift, relu)
    }
}
