//! The operations on the framework's graphics tensors: kernels written in CubeCL, which compiles them for the
//! adapter at hand. Without autotuning the framework falls back to direct convolutions there, whose weight
//! gradient starts one thread per weight (slow on any GPU, and wrong at some batch sizes on lavapipe).

mod convolution;
mod launch;
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
        _input: &CubeTensor,
        _residual: Option<&CubeTensor>,
        _weight: &CubeTensor,
        _bias: &CubeTensor,
        _options: NormalizationOptions,
    ) -> (CubeTensor, Self::Statistics) {
        todo!()
    }

    fn normalize_gradients(
        _forward: &NormForward<Self>,
        _gradient: CubeTensor,
        _residual: bool,
        _options: NormalizationOptions,
    ) -> NormGradients<Self> {
        todo!()
    }

    fn scale_shift(
        _input: &CubeTensor,
        _residual: Option<&CubeTensor>,
        _scale: &CubeTensor,
        _shift: &CubeTensor,
        _relu: bool,
    ) -> CubeTensor {
        todo!()
    }

    fn statistics_tensors(statistics: Self::Statistics) -> (CubeTensor, CubeTensor) {
        statistics
    }
}
