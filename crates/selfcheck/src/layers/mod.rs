//! The layers of a network at the shapes that a run gives them.
//!
//! Faults are known that appear only at certain batch sizes: a 3x3 weight gradient that is right for 228 images
//! and wrong for 227. So the device computes every layer at the run's own batch, with gradients. The CPU need not: the
//! images of the batch repeat a few, which is all that it computes.
//!
//! * A convolution's result and input gradient are those of the image alone, whatever else is in the batch.
//! * Its weight gradient is linear in the images' output gradients. Image b has that of its original times c_b,
//!   so the sum over the batch is the sum over the originals, each with the sum of its images' c_b. All c_b are
//!   different, so that an image left out, taken twice or paired with another's gradient shows.
//! * Batch norm over a batch whose images repeat equally often has the statistics of one repetition.

mod batch_norm;
mod convolution;
mod linear;

use burn::tensor::{Device, Tensor, TensorData};
use zview_kernels::LayerCall;
use zview_runtime::device::{ReadError, read_floats};
use zview_runtime::seed::Stream;

use super::check::{Check, relative_error};
pub(super) use convolution::{Convolve, convolve};

/// Rounding of a sum of up to [`TERMS`] numbers, relative to the largest value.
const TOLERANCE: f64 = 1e-5;
/// Rounding errors add up like a random walk: a sum of more terms is allowed their square root.
const TERMS: f64 = 65_536.0;

/// The calls without repetitions.
pub(super) fn distinct(calls: &[LayerCall]) -> Vec<LayerCall> {
    let mut distinct = Vec::new();
    for call in calls {
        if !distinct.contains(call) {
            distinct.push(*call);
        }
    }
    distinct
}

/// The call at a batch `factor.0 / factor.1` times as large.
pub(super) fn at_batch(call: &LayerCall, factor: (usize, usize)) -> LayerCall {
    let scaled = |images: usize| (images * factor.0).div_ceil(factor.1);
    let mut call = *call;
    match &mut call {
        LayerCall::Convolution { input, .. }
        | LayerCall::TransposedConvolution { input, .. }
        | LayerCall::BatchNorm { input } => input[0] = scaled(input[0]),
        LayerCall::Linear { rows, .. } => *rows = scaled(*rows),
    }
    call
}

/// Multiplications of one forward pass through `calls`.
pub(super) fn multiplications(calls: &[LayerCall]) -> f64 {
    let of = |call: &LayerCall| match *call {
        LayerCall::Convolution { weight, .. } => {
            let [images, _, height, width] = output_dims(call);
            product(&[images, height, width]) * product(&weight)
        }
        LayerCall::TransposedConvolution { input: [images, _, height, width], weight, .. } => {
            product(&[images, height, width]) * product(&weight)
        }
        LayerCall::Linear { rows, inputs, outputs } => product(&[rows, inputs, outputs]),
        LayerCall::BatchNorm { .. } => 0.0,
    };
    calls.iter().map(of).sum()
}

/// Compares one layer on `device` with the CPU, with its gradients where `gradients` says so.
pub(super) fn check_layer(
    call: &LayerCall,
    gradients: bool,
    convolve: Convolve<'_>,
    cpu: &Device,
    device: &Device,
) -> Result<Check, ReadError> {
    let parts = match *call {
        LayerCall::Convolution { .. } | LayerCall::TransposedConvolution { .. } => {
            convolution::check(call, gradients, convolve, cpu, device)
        }
        LayerCall::BatchNorm { input } => batch_norm::check(input, cpu, device),
        LayerCall::Linear { rows, inputs, outputs } => {
            linear::check([rows, inputs, outputs], gradients, cpu, device)
        }
    }?;
    let worst = parts.into_iter().max_by(|a, b| a.severity().total_cmp(&b.severity()));
    let worst = worst.unwrap_or(Part { what: "nothing", error: f64::INFINITY, tolerance: TOLERANCE });
    Ok(Check::new(&name(call), worst.what, worst.error, worst.tolerance))
}

/// The layer's shapes in words.
fn name(call: &LayerCall) -> String {
    let with_output = |what: &str, weight: [usize; 4], channels: [usize; 2], stride: [usize; 2]| {
        let [images, _, height, width] = output_dims(call);
        format!(
            "{what} {}x{}, {} to {} channels, stride {}, to {height}x{width}, {images} images",
            weight[2], weight[3], channels[0], channels[1], stride[0]
        )
    };
    match *call {
        LayerCall::Convolution { weight, stride, .. } => {
            with_output("conv2d", weight, [weight[1], weight[0]], stride)
        }
        LayerCall::TransposedConvolution { weight, stride, .. } => {
            with_output("conv_transpose2d", weight, [weight[0], weight[1]], stride)
        }
        LayerCall::BatchNorm { input: [images, channels, height, width] } => {
            format!("batch_norm, {channels} channels, {height}x{width}, {images} images")
        }
        LayerCall::Linear { rows, inputs, outputs } => format!("linear, {inputs} to {outputs}, {rows} rows"),
    }
}

struct Part {
    what: &'static str,
    error: f64,
    tolerance: f64,
}

impl Part {
    fn new(what: &'static str, error: f64, terms: f64) -> Self {
        Self { what, error, tolerance: TOLERANCE * (terms / TERMS).max(1.0).sqrt() }
    }

    fn severity(&self) -> f64 {
        self.error / self.tolerance
    }
}

/// The error of images (B, C, H, W) of which image b should be image `b mod K` of `expected` (K, C, H, W): the
/// last image element by element on the host, all of them by the root of their mean squared difference on the
/// device (a mean, because not-a-number may get lost in a maximum).
fn images_error(expected: Tensor<4>, got: Tensor<4>, device: &Device) -> Result<f64, ReadError> {
    let [originals, channels, height, width] = expected.dims();
    let batch = got.dims()[0];
    if got.dims() != [batch, channels, height, width] {
        return Ok(f64::INFINITY);
    }
    let expected = read_floats(expected)?;
    let length = channels * height * width;
    let last = read_floats(got.clone().narrow(0, batch - 1, 1))?;
    let original = (batch - 1) % originals;
    let in_last = relative_error(&expected[original * length..(original + 1) * length], &last);
    let data = TensorData::new(expected.clone(), [originals, channels, height, width]);
    let should = repeat(Tensor::<4>::from_data(data, device), batch);
    let difference = (got - should).reshape([batch, length]);
    let squares = read_floats(difference.square().mean_dim(1))?;
    let scale = expected.iter().map(|value| f64::from(value.abs())).fold(f64::MIN_POSITIVE, f64::max);
    let mut worst = in_last;
    for square in squares {
        let error = f64::from(square).sqrt() / scale;
        worst = if error.is_finite() { worst.max(error) } else { f64::INFINITY };
    }
    Ok(worst)
}

/// The first `batch` of endless repetitions of `images`.
fn repeat(images: Tensor<4>, batch: usize) -> Tensor<4> {
    let originals = images.dims()[0];
    images.repeat_dim(0, batch.div_ceil(originals)).narrow(0, 0, batch)
}

/// Numbers of this standard deviation; uniform ones, because large networks need a hundred million of them.
fn noise(count: usize, std: f32, random: &mut Stream) -> Vec<f32> {
    let bound = std * 3f32.sqrt();
    (0..count).map(|_| random.uniform_in(-bound, bound)).collect()
}

/// (B, C, H, W) of the result.
fn output_dims(call: &LayerCall) -> [usize; 4] {
    match *call {
        LayerCall::Convolution { input, weight, stride, padding } => {
            let side =
                |axis: usize| (input[2 + axis] + 2 * padding[axis] - weight[2 + axis]) / stride[axis] + 1;
            [input[0], weight[0], side(0), side(1)]
        }
        LayerCall::TransposedConvolution { input, weight, stride, padding, output_padding } => {
            let side = |axis: usize| {
                (input[2 + axis] - 1) * stride[axis] + weight[2 + axis] + output_padding[axis]
                    - 2 * padding[axis]
            };
            [input[0], weight[1], side(0), side(1)]
        }
        LayerCall::BatchNorm { input } => input,
        LayerCall::Linear { rows, outputs, .. } => [rows, outputs, 1, 1],
    }
}

fn product(extents: &[usize]) -> f64 {
    extents.iter().map(|&extent| extent as f64).product()
}
