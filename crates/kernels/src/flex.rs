//! The operations on the framework's CPU tensors.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::tensor::TensorData;

use crate::backend::NormalizationOptions;
use crate::convolution::{Geometry, convolve_input_gradient, convolve_weight_gradient};
use crate::normalization::{Affine, BatchNorm, Forward, ImageSize, Normalized, Statistics, apply};
use crate::primitives::{Kernels, NormForward, NormGradients};
use crate::simd::InstructionSet;
use crate::sizes::dims;

/// A tensor in row-major order, and its values.
struct Values(FlexTensor);

impl Values {
    /// The values of `tensor`, copied only if they are not in row-major order already.
    fn of(tensor: &FlexTensor) -> Self {
        Self(tensor.to_contiguous())
    }

    /// Row-major values.
    fn slice(&self) -> &[f32] {
        &self.0.storage::<f32>()[..self.0.layout().num_elements()]
    }
}

/// A tensor of `shape` that owns `values`.
fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// Batch normalisation of `input`.
fn batch_norm(input: &FlexTensor, options: NormalizationOptions) -> BatchNorm {
    BatchNorm { size: image_size(input), epsilon: options.epsilon, relu: options.relu }
}

fn image_size(input: &FlexTensor) -> ImageSize {
    let [batch, channels, height, width] = dims(input);
    ImageSize { batch, channels, length: height * width }
}

impl Kernels for Flex {
    type Statistics = Statistics;

    fn convolve(geometry: &Geometry, input: &FlexTensor, weight: &FlexTensor) -> FlexTensor {
        let (input, weight) = (Values::of(input), Values::of(weight));
        let output =
            crate::convolution::convolve(InstructionSet::widest(), geometry, input.slice(), weight.slice());
        let [height, width] = geometry.output;
        tensor(output, [geometry.batch, geometry.out_channels, height, width])
    }

    fn input_gradient(geometry: &Geometry, gradient: &FlexTensor, weight: &FlexTensor) -> FlexTensor {
        let (gradient, weight) = (Values::of(gradient), Values::of(weight));
        let set = InstructionSet::widest();
        let output = convolve_input_gradient(set, geometry, gradient.slice(), weight.slice());
        let [height, width] = geometry.input;
        tensor(output, [geometry.batch, geometry.in_channels, height, width])
    }

    fn weight_gradient(geometry: &Geometry, input: &FlexTensor, gradient: &FlexTensor) -> FlexTensor {
        let (input, gradient) = (Values::of(input), Values::of(gradient));
        let set = InstructionSet::widest();
        let output = convolve_weight_gradient(set, geometry, input.slice(), gradient.slice());
        let [kernel_y, kernel_x] = geometry.kernel;
        tensor(output, [geometry.out_channels, geometry.in_channels, kernel_y, kernel_x])
    }

    fn normalize(
        input: &FlexTensor,
        residual: Option<&FlexTensor>,
        weight: &FlexTensor,
        bias: &FlexTensor,
        options: NormalizationOptions,
    ) -> (FlexTensor, Statistics) {
        let shape = dims(input);
        let norm = batch_norm(input, options);
        let residual = residual.map(Values::of);
        let (input, weight, bias) = (Values::of(input), Values::of(weight), Values::of(bias));
        let Normalized { output, statistics } = norm.forward(
            InstructionSet::widest(),
            input.slice(),
            residual.as_ref().map(Values::slice),
            weight.slice(),
            bias.slice(),
        );
        (tensor(output, shape), statistics)
    }

    fn normalize_gradients(
        forward: &NormForward<Self>,
        gradient: FlexTensor,
        residual: bool,
        options: NormalizationOptions,
    ) -> NormGradients<Self> {
        let norm = batch_norm(&forward.input, options);
        let output = forward.output.as_ref().map(Values::of);
        let (input, weight, bias) =
            (Values::of(&forward.input), Values::of(&forward.weight), Values::of(&forward.bias));
        let (shape, channels) = (dims(&forward.input), norm.size.channels);
        let given = Forward {
            input: input.slice(),
            output: output.as_ref().map(Values::slice),
            weight: weight.slice(),
            bias: bias.slice(),
            statistics: &forward.statistics,
        };
        // `to_contiguous` of an owned tensor keeps the buffer, and `storage_mut` copies it only if others
        // use it too.
        let mut gradient = match gradient.is_contiguous() {
            true if gradient.layout().start_offset() == 0 => gradient,
            _ => gradient.to_contiguous(),
        };
        let values = &mut gradient.storage_mut::<f32>()[..norm.size.len()];
        let gradients = norm.backward(InstructionSet::widest(), given, values, residual);
        let (input, residual) = match gradients.input {
            Some(input) => (tensor(input, shape), Some(gradient)),
            None => (gradient, None),
        };
        NormGradients {
            input,
            residual,
            weight: tensor(gradients.weight, [channels]),
            bias: tensor(gradients.bias, [channels]),
        }
    }

    fn scale_shift(
        input: &FlexTensor,
        residual: Option<&FlexTensor>,
        scale: &FlexTensor,
        shift: &FlexTensor,
        relu: bool,
    ) -> FlexTensor {
        let (shape, size) = (dims(input), image_size(input));
        let residual = residual.map(Values::of);
        let (input, scale, shift) = (Values::of(input), Values::of(scale), Values::of(shift));
        let mean = vec![0.0; size.channels];
        let affine = Affine { mean: &mean, scale: scale.slice(), bias: shift.slice() };
        let residual = residual.as_ref().map(Values::slice);
        tensor(apply(InstructionSet::widest(), size, input.slice(), residual, affine, relu), shape)
    }

    fn statistics_tensors(statistics: Statistics) -> (FlexTensor, FlexTensor) {
        let channels = statistics.mean.len();
        (tensor(statistics.mean, [channels]), tensor(statistics.variance, [channels]))
    }
}
