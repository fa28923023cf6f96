//! Convolutions, transposed ones too.

use burn::tensor::{Device, Tensor, TensorData};
use zview_kernels::{LayerCall, conv_transpose2d, conv2d};
use zview_runtime::device::{ReadError, read_floats};
use zview_runtime::seed::{Purpose, Stream};

use super::{Part, images_error, noise, output_dims, product, relative_error, repeat};

/// Different images in the batch of a convolution. Shares no factor with the powers of two that kernels divide
/// their work by, so that images which trade places are different ones.
const ORIGINALS: usize = 3;

/// Computes a convolution of either kind from its input and weight; what a test plants faults in.
pub(crate) type Convolve<'a> = &'a dyn Fn(&LayerCall, Tensor<4>, Tensor<4>) -> Tensor<4>;

/// A convolution as training computes it.
pub(crate) fn convolve(call: &LayerCall, input: Tensor<4>, weight: Tensor<4>) -> Tensor<4> {
    match *call {
        LayerCall::TransposedConvolution { stride, padding, output_padding, .. } => {
            conv_transpose2d(input, weight, stride, padding, output_padding)
        }
        LayerCall::Convolution { stride, padding, .. } => conv2d(input, weight, stride, padding),
        _ => input,
    }
}

/// The parts of one convolution, of which `on_device` is the device's.
pub(super) fn check(
    call: &LayerCall,
    gradients: bool,
    on_device: Convolve<'_>,
    cpu: &Device,
    device: &Device,
) -> Result<Vec<Part>, ReadError> {
    let (LayerCall::Convolution { input, weight, .. }
    | LayerCall::TransposedConvolution { input, weight, .. }) = *call
    else {
        return Ok(Vec::new());
    };
    let output = output_dims(call);
    let batch = input[0];
    let originals = ORIGINALS.min(batch);
    let few = |dims: [usize; 4]| [originals, dims[1], dims[2], dims[3]];
    let fan_in = product(&weight) / output[1] as f64;
    let random = &mut Stream::new(0, Purpose::Check, 2, 0);
    let images = noise(product(&few(input)) as usize, 1.0, random);
    let weights = noise(product(&weight) as usize, 1.0 / fan_in.sqrt() as f32, random);
    let upstream = noise(product(&few(output)) as usize, 1.0, random);
    let factors: Vec<f32> = (0..batch).map(|_| random.uniform_in(0.5, 1.5)).collect();
    let mut sums = vec![0.0f32; originals];
    factors.iter().enumerate().for_each(|(image, factor)| sums[image % originals] += factor);

    let tensor = |values: &[f32], dims: [usize; 4], device: &Device| {
        Tensor::<4>::from_data(TensorData::new(values.to_vec(), dims), device)
    };
    let run = |device: &Device, convolve: Convolve<'_>, images: Tensor<4>, upstream: Tensor<4>| {
        let weights = tensor(&weights, weight, device);
        if !gradients {
            return (convolve(call, images, weights), None);
        }
        // All inputs are tracked, as in training (`training_input`).
        let (images, weights) = (images.autodiff().require_grad(), weights.autodiff().require_grad());
        let result = convolve(call, images.clone(), weights.clone());
        let slopes = (result.clone() * upstream.autodiff()).sum().backward();
        (result.inner(), images.grad(&slopes).zip(weights.grad(&slopes)))
    };
    let scaled = |values: Tensor<4>, factors: &[f32], device: &Device| {
        values * tensor(factors, [factors.len(), 1, 1, 1], device)
    };
    let (expected, expected_gradients) = run(
        cpu,
        &convolve,
        tensor(&images, few(input), cpu),
        scaled(tensor(&upstream, few(output), cpu), &sums, cpu),
    );
    let repeated = |values: Tensor<4>| repeat(values, batch);
    let (got, got_gradients) = run(
        device,
        on_device,
        repeated(tensor(&images, few(input), device)),
        scaled(repeated(tensor(&upstream, few(output), device)), &factors, device),
    );
    let mut parts = vec![Part::new("result", images_error(expected, got, device)?, fan_in)];
    if !gradients {
        return Ok(parts);
    }
    let (Some((input_gradient, weight_gradient)), Some((got_input, got_weight))) =
        (expected_gradients, got_gradients)
    else {
        parts.push(Part::new("gradients: there are none", f64::INFINITY, 1.0));
        return Ok(parts);
    };
    let inverse = |factors: &[f32]| factors.iter().map(|factor| 1.0 / factor).collect::<Vec<_>>();
    let error = images_error(
        scaled(input_gradient, &inverse(&sums), cpu),
        scaled(got_input, &inverse(&factors), device),
        device,
    )?;
    parts.push(Part::new("gradient of input", error, product(&weight) / weight_inputs(call) as f64));
    let error = relative_error(&read_floats(weight_gradient)?, &read_floats(got_weight)?);
    let terms = match call {
        LayerCall::TransposedConvolution { .. } => product(&[batch, input[2], input[3]]),
        _ => product(&[batch, output[2], output[3]]),
    };
    parts.push(Part::new("gradient of weight", error, terms));
    Ok(parts)
}

/// Channels of a convolution's input.
fn weight_inputs(call: &LayerCall) -> usize {
    match *call {
        LayerCall::TransposedConvolution { weight, .. } => weight[0],
        LayerCall::Convolution { weight, .. } => weight[1],
        _ => 1,
    }
}
