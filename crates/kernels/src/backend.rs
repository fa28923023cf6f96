//! The operations as an extension of the framework's backends.

#[cfg(all(feature = "wgpu", not(feature = "fusion")))]
use burn::backend::Cube;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Flex, backend_extension};

use crate::primitives::Kernels;
use crate::sizes::{geometry, transposed_geometry};

/// Step, padding and, for the transposed form, output padding of a convolution, all (vertical, horizontal).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConvolutionOptions {
    /// Step.
    pub(crate) stride: [usize; 2],
    /// Zeros added on each side.
    pub(crate) padding: [usize; 2],
    /// Rows and columns added to the output of the transposed form.
    pub(crate) output_padding: [usize; 2],
}

/// Epsilon and rectifier of a batch normalisation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NormalizationOptions {
    /// Added to the variance.
    pub(crate) epsilon: f64,
    /// Whether the result is rectified.
    pub(crate) relu: bool,
}

/// The operations of this crate, on tensors in main memory and on graphics adapters.
#[backend_extension(Flex, Cube: cfg(all(feature = "wgpu", not(feature = "fusion"))), Autodiff)]
pub(crate) trait KernelBackend: Backend {
    /// Convolution: input (B, I, H, W), weight (O, I, KH, KW).
    fn kernel_conv2d(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        options: ConvolutionOptions,
    ) -> FloatTensor<Self>;

    /// Transposed convolution: input (B, I, H, W), weight (I, O, KH, KW).
    fn kernel_conv_transpose2d(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        options: ConvolutionOptions,
    ) -> FloatTensor<Self>;

    /// Batch normalisation of (B, C, H, W) with weight and bias (C): output, mean, variance.
    fn kernel_batch_norm(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: NormalizationOptions,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// The same with a residual (B, C, H, W) added before the rectifier.
    fn kernel_batch_norm_residual(
        input: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: NormalizationOptions,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// `input * scale + shift` of each channel, rectified if `relu`.
    fn kernel_scale_shift(
        input: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        relu: bool,
    ) -> FloatTensor<Self>;

    /// The same with a residual (B, C, H, W) added before the rectifier.
    fn kernel_scale_shift_residual(
        input: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        relu: bool,
    ) -> FloatTensor<Self>;
}

/// The operations of a backend that has [`Kernels`], without recorded gradients.
macro_rules! operations_of {
    ($backend:ty) => {
        impl KernelBackend for $backend {
            fn kernel_conv2d(
                input: FloatTensor<Self>,
                weight: FloatTensor<Self>,
                options: ConvolutionOptions,
            ) -> FloatTensor<Self> {
                Self::convolve(&geometry(&input, &weight, options), &input, &weight)
            }

            fn kernel_conv_transpose2d(
                input: FloatTensor<Self>,
                weight: FloatTensor<Self>,
                options: ConvolutionOptions,
            ) -> FloatTensor<Self> {
                Self::input_gradient(&transposed_geometry(&input, &weight, options), &input, &weight)
            }

            fn kernel_batch_norm(
                input: FloatTensor<Self>,
                weight: FloatTensor<Self>,
                bias: FloatTensor<Self>,
                options: NormalizationOptions,
            ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
                let (output, statistics) = Self::normalize(&input, None, &weight, &bias, options);
                let (mean, variance) = Self::statistics_tensors(statistics);
                (output, mean, variance)
            }

            fn kernel_batch_norm_residual(
                input: FloatTensor<Self>,
                residual: FloatTensor<Self>,
                weight: FloatTensor<Self>,
                bias: FloatTensor<Self>,
                options: NormalizationOptions,
            ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
                let (output, statistics) = Self::normalize(&input, Some(&residual), &weight, &bias, options);
                let (mean, variance) = Self::statistics_tensors(statistics);
                (output, mean, variance)
            }

            fn kernel_scale_shift(
                input: FloatTensor<Self>,
                scale: FloatTensor<Self>,
                shift: FloatTensor<Self>,
                relu: bool,
            ) -> FloatTensor<Self> {
                Self::scale_shift(&input, None, &scale, &shift, relu)
            }

            fn kernel_scale_shift_residual(
                input: FloatTensor<Self>,
                residual: FloatTensor<Self>,
                scale: FloatTensor<Self>,
                shift: FloatTensor<Self>,
                relu: bool,
            ) -> FloatTensor<Self> {
                Self::scale_shift(&input, Some(&residual), &scale, &shift, relu)
            }
        }
    };
}

operations_of!(Flex);
#[cfg(all(feature = "wgpu", not(feature = "fusion")))]
operations_of!(Cube);
