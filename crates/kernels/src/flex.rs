//! The operations on the framework's CPU tensors.

use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::TensorData;

use crate::backend::{ConvolutionOptions, KernelBackend, NormalizationOptions};
use crate::convolution::{Geometry, convolve, convolve_input_gradient, convolve_weight_gradient};
use crate::normalization::{Affine, BatchNorm, Forward, ImageSize, Normalized, Statistics, apply};
use crate::simd::InstructionSet;

/// A tensor in row-major order, and its values.
pub(crate) struct Values(FlexTensor);

impl Values {
    /// The values of `tensor`, copied only if they are not in row-major order already.
    pub(crate) fn of(tensor: &FlexTensor) -> Self {
        Self(tensor.to_contiguous())
    }

    /// Row-major values.
    pub(crate) fn slice(&self) -> &[f32] {
        &self.0.storage::<f32>()[..self.0.layout().num_elements()]
    }
}

/// A tensor of `shape` that owns `values`.
pub(crate) fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

fn dims(tensor: &FlexTensor) -> [usize; 4] {
    let shape = tensor.shape();
    [shape[0], shape[1], shape[2], shape[3]]
}

/// Sizes of the convolution of `input` (B, I, H, W) with `weight` (O, I, KH, KW).
pub(crate) fn geometry(input: &FlexTensor, weight: &FlexTensor, options: ConvolutionOptions) -> Geometry {
    let [batch, in_channels, height, width] = dims(input);
    let [out_channels, _, kernel_y, kernel_x] = dims(weight);
    let (input, kernel) = ([height, width], [kernel_y, kernel_x]);
    let size = |axis: usize| {
        let padded = input[axis] + 2 * options.padding[axis];
        (padded + options.stride[axis]).saturating_sub(kernel[axis]) / options.stride[axis]
    };
    Geometry {
        batch,
        in_channels,
        out_channels,
        input,
        output: [size(0), size(1)],
        kernel,
        stride: options.stride,
        padding: options.padding,
    }
}

/// Sizes of the convolution whose input gradient the transposed convolution of `input` (B, I, H, W) with
/// `weight` (I, O, KH, KW) is: its output is our input.
pub(crate) fn transposed_geometry(
    input: &FlexTensor,
    weight: &FlexTensor,
    options: ConvolutionOptions,
) -> Geometry {
    let [batch, out_channels, height, width] = dims(input);
    let [_, in_channels, kernel_y, kernel_x] = dims(weight);
    let (output, kernel) = ([height, width], [kernel_y, kernel_x]);
    let size = |axis: usize| {
        let ConvolutionOptions { stride, padding, output_padding } = options;
        let grown = output[axis].saturating_sub(1) * stride[axis] + kernel[axis] + output_padding[axis];
        grown.saturating_sub(2 * padding[axis])
    };
    Geometry {
        batch,
        in_channels,
        out_channels,
        input: [size(0), size(1)],
        output,
        kernel,
        stride: options.stride,
        padding: options.padding,
    }
}

/// The convolution of `geometry`.
pub(crate) fn convolution(geometry: &Geometry, input: &FlexTensor, weight: &FlexTensor) -> FlexTensor {
    let (input, weight) = (Values::of(input), Values::of(weight));
    let output = convolve(InstructionSet::widest(), geometry, input.slice(), weight.slice());
    let [height, width] = geometry.output;
    tensor(output, [geometry.batch, geometry.out_channels, height, width])
}

/// Gradient of the convolution of `geometry` with respect to its input.
pub(crate) fn input_gradient(geometry: &Geometry, gradient: &FlexTensor, weight: &FlexTensor) -> FlexTensor {
    let (gradient, weight) = (Values::of(gradient), Values::of(weight));
    let set = InstructionSet::widest();
    let output = convolve_input_gradient(set, geometry, gradient.slice(), weight.slice());
    let [height, width] = geometry.input;
    tensor(output, [geometry.batch, geometry.in_channels, height, width])
}

/// Gradient of the convolution of `geometry` with respect to its weight.
pub(crate) fn weight_gradient(geometry: &Geometry, input: &FlexTensor, gradient: &FlexTensor) -> FlexTensor {
    let (input, gradient) = (Values::of(input), Values::of(gradient));
    let set = InstructionSet::widest();
    let output = convolve_weight_gradient(set, geometry, input.slice(), gradient.slice());
    let [kernel_y, kernel_x] = geometry.kernel;
    tensor(output, [geometry.out_channels, geometry.in_channels, kernel_y, kernel_x])
}

/// Batch normalisation of `input`.
pub(crate) fn batch_norm(input: &FlexTensor, options: NormalizationOptions) -> BatchNorm {
    BatchNorm { size: image_size(input), epsilon: options.epsilon, relu: options.relu }
}

fn image_size(input: &FlexTensor) -> ImageSize {
    let [batch, channels, height, width] = dims(input);
    ImageSize { batch, channels, length: height * width }
}

/// Output and statistics of a batch normalisation.
pub(crate) fn normalize(
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

/// Gradients of a batch normalisation.
pub(crate) struct NormGradients {
    /// Of the input.
    pub(crate) input: FlexTensor,
    /// Of the residual, if asked for.
    pub(crate) residual: Option<FlexTensor>,
    /// Of the weight.
    pub(crate) weight: FlexTensor,
    /// Of the bias.
    pub(crate) bias: FlexTensor,
}

/// What the backward pass of a batch normalisation needs; `output` only if there was a residual and a rectifier.
pub(crate) struct NormForward {
    pub(crate) input: FlexTensor,
    pub(crate) output: Option<FlexTensor>,
    pub(crate) weight: FlexTensor,
    pub(crate) bias: FlexTensor,
    pub(crate) statistics: Statistics,
}

/// Gradients of a batch normalisation, given that of its output.
pub(crate) fn normalize_gradients(
    forward: &NormForward,
    gradient: FlexTensor,
    residual: bool,
    options: NormalizationOptions,
) -> NormGradients {
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

/// Mean and variance as tensors (C).
pub(crate) fn statistics_tensors(statistics: Statistics) -> (FlexTensor, FlexTensor) {
    let channels = statistics.mean.len();
    (tensor(statistics.mean, [channels]), tensor(statistics.variance, [channels]))
}

impl KernelBackend for Flex {
    fn kernel_conv2d(input: FlexTensor, weight: FlexTensor, options: ConvolutionOptions) -> FlexTensor {
        convolution(&geometry(&input, &weight, options), &input, &weight)
    }

    fn kernel_conv_transpose2d(
        input: FlexTensor,
        weight: FlexTensor,
        options: ConvolutionOptions,
    ) -> FlexTensor {
        input_gradient(&transposed_geometry(&input, &weight, options), &input, &weight)
    }

    fn kernel_batch_norm(
        input: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        options: NormalizationOptions,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let (output, statistics) = normalize(&input, None, &weight, &bias, options);
        let (mean, variance) = statistics_tensors(statistics);
        (output, mean, variance)
    }

    fn kernel_batch_norm_residual(
        input: FlexTensor,
        residual: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        options: NormalizationOptions,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let (output, statistics) = normalize(&input, Some(&residual), &weight, &bias, options);
        let (mean, variance) = statistics_tensors(statistics);
        (output, mean, variance)
    }

    fn kernel_scale_shift(input: FlexTensor, scale: FlexTensor, shift: FlexTensor, relu: bool) -> FlexTensor {
        scale_shift(&input, None, &scale, &shift, relu)
    }

    fn kernel_scale_shift_residual(
        input: FlexTensor,
        residual: FlexTensor,
        scale: FlexTensor,
        shift: FlexTensor,
        relu: bool,
    ) -> FlexTensor {
        scale_shift(&input, Some(&residual), &scale, &shift, relu)
    }
}
