//! The operations on tensors: this crate's kernels for 32-bit tensors in main memory, the framework's own
//! operations everywhere else.

use burn::backend::{Dispatch, DispatchTensor, DispatchTensorKind, TensorMetadata};
use burn::tensor::module;
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};
use burn::tensor::{DType, Tensor, activation};

use crate::backend::{ConvolutionOptions, KernelBackend, NormalizationOptions};
use crate::cost::{Costs, Operand, bytes};
use crate::products::product;
use crate::recording::{LayerCall, record_cost, record_layer};

/// The backend of `tensor`, below recorded gradients.
fn backend(tensor: &DispatchTensor) -> &DispatchTensorKind {
    match &tensor.kind {
        DispatchTensorKind::Autodiff(inner) => inner,
        kind => kind,
    }
}

/// Whether this crate has kernels for `images`, and for `parameters` beside them. On adapters images may be of 16
/// bits; parameters have 32 everywhere, and so have their gradients.
fn has_kernels(images: &[&DispatchTensor], parameters: &[&DispatchTensor]) -> bool {
    let on_cpu = |tensor: &&DispatchTensor| matches!(backend(tensor), DispatchTensorKind::Flex(_));
    let full = |tensor: &&DispatchTensor| tensor.dtype() == DType::F32;
    if images.iter().chain(parameters).all(|tensor| on_cpu(tensor) && full(tensor)) {
        return true;
    }
    #[cfg(all(feature = "wgpu", not(feature = "fusion")))]
    {
        let on_adapter = |tensor: &&DispatchTensor| matches!(backend(tensor), DispatchTensorKind::Cube(_));
        let kind = images[0].dtype();
        matches!(kind, DType::F32 | DType::F16)
            && images.iter().all(|tensor| on_adapter(tensor) && tensor.dtype() == kind)
            && parameters.iter().all(|tensor| on_adapter(tensor) && full(tensor))
    }
    #[cfg(not(all(feature = "wgpu", not(feature = "fusion"))))]
    false
}

/// `tensor` in the precision of `like`, for the framework's own operations.
fn in_precision_of<const D: usize, const E: usize>(tensor: Tensor<D>, like: &Tensor<E>) -> Tensor<D> {
    let wanted = like.dtype();
    if tensor.dtype() == wanted { tensor } else { tensor.cast(wanted) }
}

/// Convolution without bias and groups.
///
/// # Shapes
/// input (B, I, H, W), weight (O, I, KH, KW), result (B, O, HO, WO) with
/// `HO = (H + 2 padding - KH) / stride + 1`.
pub fn conv2d(input: Tensor<4>, weight: Tensor<4>, stride: [usize; 2], padding: [usize; 2]) -> Tensor<4> {
    record_layer(|| LayerCall::Convolution { input: input.dims(), weight: weight.dims(), stride, padding });
    let ([_, channels, height, width], [_, weight_channels, kernel_y, kernel_x]) =
        (input.dims(), weight.dims());
    assert_eq!(channels, weight_channels, "conv2d: channels of the input and of the weight differ");
    assert!(stride[0] > 0 && stride[1] > 0, "conv2d: stride {stride:?} is zero");
    assert!(
        kernel_y <= height + 2 * padding[0] && kernel_x <= width + 2 * padding[1],
        "conv2d: a kernel of {kernel_y} x {kernel_x} does not fit {height} x {width} with padding {padding:?}"
    );
    let depth = channels * kernel_y * kernel_x;
    product(
        input,
        weight,
        |output| output * depth,
        |input, weight| {
            let (input, weight) = (input.into_dispatch(), weight.into_dispatch());
            if has_kernels(&[&input], &[&weight]) {
                let options = ConvolutionOptions { stride, padding, output_padding: [0, 0] };
                return Tensor::from_dispatch(Dispatch::kernel_conv2d(input, weight, options));
            }
            let options = ConvOptions::new(stride, padding, [1, 1], 1);
            let input = Tensor::from_dispatch(input);
            let weight = in_precision_of(Tensor::from_dispatch(weight), &input);
            module::conv2d(input, weight, None, options)
        },
    )
}

/// Transposed convolution without bias and groups.
///
/// # Shapes
/// input (B, I, H, W), weight (I, O, KH, KW), result (B, O, HO, WO) with
/// `HO = (H - 1) * stride - 2 padding + KH + output padding`.
pub fn conv_transpose2d(
    input: Tensor<4>,
    weight: Tensor<4>,
    stride: [usize; 2],
    padding: [usize; 2],
    output_padding: [usize; 2],
) -> Tensor<4> {
    record_layer(|| {
        let (input, weight) = (input.dims(), weight.dims());
        LayerCall::TransposedConvolution { input, weight, stride, padding, output_padding }
    });
    let ([_, channels, height, width], [weight_channels, outputs, kernel_y, kernel_x]) =
        (input.dims(), weight.dims());
    assert_eq!(channels, weight_channels, "conv_transpose2d: channels of the input and of the weight differ");
    assert!(
        output_padding[0] < stride[0] && output_padding[1] < stride[1],
        "conv_transpose2d: output padding {output_padding:?} must be smaller than the stride {stride:?}"
    );
    assert!(
        height.min(width) > 0
            && (height - 1) * stride[0] + kernel_y + output_padding[0] > 2 * padding[0]
            && (width - 1) * stride[1] + kernel_x + output_padding[1] > 2 * padding[1],
        "conv_transpose2d: padding {padding:?} leaves nothing of the result"
    );
    let multiply_adds = input.shape().num_elements() * outputs * kernel_y * kernel_x;
    product(
        input,
        weight,
        |_| multiply_adds,
        |input, weight| {
            let (input, weight) = (input.into_dispatch(), weight.into_dispatch());
            if has_kernels(&[&input], &[&weight]) {
                let options = ConvolutionOptions { stride, padding, output_padding };
                return Tensor::from_dispatch(Dispatch::kernel_conv_transpose2d(input, weight, options));
            }
            let options = ConvTransposeOptions::new(stride, padding, output_padding, [1, 1], 1);
            let input = Tensor::from_dispatch(input);
            let weight = in_precision_of(Tensor::from_dispatch(weight), &input);
            module::conv_transpose2d(input, weight, None, options)
        },
    )
}

/// What [`batch_norm`] computes.
#[derive(Clone, Debug)]
pub struct BatchNormOutput {
    /// The normalised images (B, C, H, W).
    pub output: Tensor<4>,
    /// Mean of each channel (C), without gradients.
    pub mean: Tensor<1>,
    /// Biased variance of each channel (C), without gradients.
    pub variance: Tensor<1>,
}

/// Batch normalisation in training mode over B, H and W, plus a residual, then rectified if `relu`:
/// `(input - mean) / sqrt(variance + epsilon) * weight + bias + residual`.
///
/// # Shapes
/// input and residual (B, C, H, W), weight and bias (C).
///
/// # Source
/// Ioffe and Szegedy 2015, algorithm 1.
pub fn batch_norm(
    input: Tensor<4>,
    residual: Option<Tensor<4>>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    epsilon: f64,
    relu: bool,
) -> BatchNormOutput {
    check_channels("batch_norm", &input, residual.as_ref(), [&weight, &bias]);
    record_layer(|| LayerCall::BatchNorm { input: input.dims() });
    let operands = operands(&input, residual.as_ref(), [&weight, &bias]);
    let result = normalize(input, residual, weight, bias, epsilon, relu);
    record_cost(|| {
        let BatchNormOutput { output, mean, variance } = &result;
        Costs::pass(&operands, bytes(output) + bytes(mean) + bytes(variance))
    });
    result
}

fn normalize(
    input: Tensor<4>,
    residual: Option<Tensor<4>>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    epsilon: f64,
    relu: bool,
) -> BatchNormOutput {
    let (input, residual) = (input.into_dispatch(), residual.map(Tensor::into_dispatch));
    let (weight, bias) = (weight.into_dispatch(), bias.into_dispatch());
    let images: Vec<&DispatchTensor> = std::iter::once(&input).chain(&residual).collect();
    if has_kernels(&images, &[&weight, &bias]) {
        let options = NormalizationOptions { epsilon, relu };
        let (output, mean, variance) = match residual {
            Some(residual) => Dispatch::kernel_batch_norm_residual(input, residual, weight, bias, options),
            None => Dispatch::kernel_batch_norm(input, weight, bias, options),
        };
        return BatchNormOutput {
            output: Tensor::from_dispatch(output),
            mean: Tensor::from_dispatch(mean),
            variance: Tensor::from_dispatch(variance),
        };
    }
    let (images, weight): (Tensor<4>, Tensor<1>) =
        (Tensor::from_dispatch(input), Tensor::from_dispatch(weight));
    // Statistics, and the sums behind them, in the precision of the parameters.
    let input = in_precision_of(images.clone(), &weight);
    let residual = residual.map(|residual| in_precision_of(Tensor::from_dispatch(residual), &weight));
    let mean = input.clone().mean_dims(&[0, 2, 3]);
    let centred = input - mean.clone();
    let variance = centred.clone().square().mean_dims(&[0, 2, 3]);
    let inverse_std = (variance.clone() + epsilon).sqrt().recip();
    let normalized = centred * (inverse_std * per_channel(weight));
    BatchNormOutput {
        output: in_precision_of(finish(normalized, Tensor::from_dispatch(bias), residual, relu), &images),
        mean: mean.detach().flatten(0, 3),
        variance: variance.detach().flatten(0, 3),
    }
}

/// `input * scale + shift` of each channel, plus a residual, then rectified if `relu`: batch normalisation with
/// fixed statistics.
///
/// # Shapes
/// input and residual (B, C, H, W), scale and shift (C).
pub fn scale_shift(
    input: Tensor<4>,
    residual: Option<Tensor<4>>,
    scale: Tensor<1>,
    shift: Tensor<1>,
    relu: bool,
) -> Tensor<4> {
    check_channels("scale_shift", &input, residual.as_ref(), [&scale, &shift]);
    let operands = operands(&input, residual.as_ref(), [&scale, &shift]);
    let result = affine(input, residual, scale, shift, relu);
    record_cost(|| Costs::pass(&operands, bytes(&result)));
    result
}

fn affine(
    input: Tensor<4>,
    residual: Option<Tensor<4>>,
    scale: Tensor<1>,
    shift: Tensor<1>,
    relu: bool,
) -> Tensor<4> {
    let (input, residual) = (input.into_dispatch(), residual.map(Tensor::into_dispatch));
    let (scale, shift) = (scale.into_dispatch(), shift.into_dispatch());
    let images: Vec<&DispatchTensor> = std::iter::once(&input).chain(&residual).collect();
    if has_kernels(&images, &[&scale, &shift]) {
        return Tensor::from_dispatch(match residual {
            Some(residual) => Dispatch::kernel_scale_shift_residual(input, residual, scale, shift, relu),
            None => Dispatch::kernel_scale_shift(input, scale, shift, relu),
        });
    }
    let (images, scale): (Tensor<4>, Tensor<1>) =
        (Tensor::from_dispatch(input), Tensor::from_dispatch(scale));
    let input = in_precision_of(images.clone(), &scale);
    let residual = residual.map(|residual| in_precision_of(Tensor::from_dispatch(residual), &scale));
    let scaled = input * per_channel(scale);
    in_precision_of(finish(scaled, Tensor::from_dispatch(shift), residual, relu), &images)
}

/// What a normalisation reads.
fn operands(input: &Tensor<4>, residual: Option<&Tensor<4>>, parameters: [&Tensor<1>; 2]) -> Vec<Operand> {
    let images = std::iter::once(input).chain(residual).map(Operand::from);
    images.chain(parameters.map(Operand::from)).collect()
}

/// (C) as (1, C, 1, 1).
fn per_channel(values: Tensor<1>) -> Tensor<4> {
    let [channels] = values.dims();
    values.reshape([1, channels, 1, 1])
}

fn finish(scaled: Tensor<4>, shift: Tensor<1>, residual: Option<Tensor<4>>, relu: bool) -> Tensor<4> {
    let shifted = scaled + per_channel(shift);
    let output = match residual {
        Some(residual) => shifted + residual,
        None => shifted,
    };
    if relu { activation::relu(output) } else { output }
}

fn check_channels(
    operation: &str,
    input: &Tensor<4>,
    residual: Option<&Tensor<4>>,
    parameters: [&Tensor<1>; 2],
) {
    let dims = input.dims();
    for parameter in parameters {
        assert_eq!(parameter.dims(), [dims[1]], "{operation}: one parameter for each channel of {dims:?}");
    }
    if let Some(residual) = residual {
        assert_eq!(residual.dims(), dims, "{operation}: the residual has the shape of the input");
    }
}
