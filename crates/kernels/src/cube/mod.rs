//! The operations on the framework's graphics tensors: kernels written in CubeCL, which compiles them for the
//! adapter at hand. Without autotuning the framework falls back to direct convolutions there, whose weight
//! gradient starts one thread per weight (slow on any GPU, and wrong at some batch sizes on lavapipe).

mod convolution;
mod launch;
mod normalization;
mod tile;
mod weight_gradient;

use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;

use crate::backend::NormalizationOptions;
use crate::convolution::Geometry;
use crate::primitives::{Kernels, NormForward, NormGradients};

impl Kernels for CubeBackend {
    type Statistics = (CubeTensor, CubeTensor);

    fn convolve(geometry: &Geometry, input: &CubeTensor, weight: &CubeTensor) -> CubeTensor {
        convolution::convolve(geometry, input, weight)
    }

    fn input_gradient(geometry: &Geometry, gradient: &CubeTensor, weight: &CubeTensor) -> CubeTensor {
        convolution::input_gradient(geometry, gradient, weight)
    }

    fn weight_gradient(geometry: &Geometry, input: &CubeTensor, gradient: &CubeTensor) -> CubeTensor {
        weight_gradient::weight_gradient(geometry, input, gradient)
    }

    fn normalize(
        input: &CubeTensor,
        residual: Option<&CubeTensor>,
        weight: &CubeTensor,
        bias: &CubeTensor,
        options: NormalizationOptions,
    ) -> (CubeTensor, Self::Statistics) {
        normalization::normalize(input, residual, weight, bias, options)
    }

    fn normalize_gradients(
        forward: &NormForward<Self>,
        gradient: CubeTensor,
        residual: bool,
        options: NormalizationOptions,
    ) -> NormGradients<Self> {
        normalization::normalize_gradients(forward, &gradient, residual, options)
    }

    fn scale_shift(
        input: &CubeTensor,
        residual: Option<&CubeTensor>,
        scale: &CubeTensor,
        shift: &CubeTensor,
        relu: bool,
    ) -> CubeTensor {
        normalization::scale_shift(input, residual, scale, shift, relu)
    }

    fn statistics_tensors(statistics: Self::Statistics) -> (CubeTensor, CubeTensor) {
        statistics
    }
}
