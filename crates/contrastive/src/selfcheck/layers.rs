//! The layers of a network at the shapes that a run gives them.
//!
//! Faults are known that appear only at certain batch sizes: a 3x3 weight gradient that is right for 228 images
//! and wrong for 227. So the device computes every layer at the run's own batch, with gradients, and is compared
//! element by element. The CPU need not compute the whole batch for that. The images of the batch repeat a few,
//! which is all the CPU computes:
//!
//! * A convolution's result and input gradient are those of the image alone, whatever else is in the batch.
//! * Its weight gradient is linear in the images' output gradients. Image b has that of its original times c_b,
//!   so the sum over the batch is the sum over the originals, each with the sum of its images' c_b. All c_b are
//!   different, so that an image left out, taken twice or paired with another's gradient shows.
//! * Batch norm over a batch whose images repeat equally often has the statistics of one repetition.

use burn::tensor::{Device, Tensor, TensorData};
use zview_kernels::{LayerCall, batch_norm, conv_transpose2d, conv2d};
use zview_runtime::device::{ReadError, read_floats};
use zview_runtime::seed::{Purpose, Stream};

use super::check::{Check, relative_error};

/// Rounding of a sum of up to [`TERMS`] numbers, relative to the largest value.
const TOLERANCE: f64 = 1e-5;
/// Rounding errors add up like a random walk: a sum of more terms is allowed their square root.
const TERMS: f64 = 65_536.0;
/// Different images in the batch of a convolution. Shares no factor with the powers of two that kernels divide
/// their work by, so that images which trade places are different ones.
const ORIGINALS: usize = 3;
/// Batch norm's originals have at least this many values per channel.
const VALUES_PER_CHANNEL: usize = 64;
const EPSILON: f64 = 1e-5;

/// Computes a convolution of either kind from its input and weight; what a test plants faults in.
pub(super) type Convolve<'a> = &'a dyn Fn(&LayerCall, Tensor<4>, Tensor<4>) -> Tensor<4>;

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
            check_convolution(call, gradients, convolve, cpu, device)
        }
        LayerCall::BatchNorm { input } => check_batch_norm(input, cpu, device),
        LayerCall::Linear { rows, inputs, outputs } => {
            check_linear([rows, inputs, outputs], gradients, cpu, device)
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

/// A convolution as training computes it.
pub(super) fn convolve(call: &LayerCall, input: Tensor<4>, weight: Tensor<4>) -> Tensor<4> {
    match *call {
        LayerCall::TransposedConvolution { stride, padding, output_padding, .. } => {
            conv_transpose2d(input, weight, stride, padding, output_padding)
        }
        LayerCall::Convolution { stride, padding, .. } => conv2d(input, weight, stride, padding),
        _ => input,
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

fn check_convolution(
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
        // All inputs are tracked, as in training (tracel-ai/burn #5162).
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

fn check_batch_norm(dims: [usize; 4], cpu: &Device, device: &Device) -> Result<Vec<Part>, ReadError> {
    let [batch, channels, height, width] = dims;
    let enough =
        |images: &usize| batch.is_multiple_of(*images) && images * height * width >= VALUES_PER_CHANNEL;
    let originals = (1..=batch).find(enough).unwrap_or(batch);
    let few = [originals, channels, height, width];
    let random = &mut Stream::new(0, Purpose::Check, 3, 0);
    // A mean and a deviation that are neither 0 nor 1.
    let images: Vec<f32> = noise(product(&few) as usize, 0.5, random).iter().map(|x| x + 0.25).collect();
    let upstream = noise(product(&few) as usize, 1.0, random);
    let [weight, bias] = [1.0, 0.0]
        .map(|around| noise(channels, 0.2, random).iter().map(|value| value + around).collect::<Vec<f32>>());
    let run = |device: &Device, repeats: usize| {
        let map = |values: &[f32]| {
            repeat(Tensor::from_data(TensorData::new(values.to_vec(), few), device), originals * repeats)
        };
        let leaf = |values: &[f32]| {
            let data = TensorData::new(values.to_vec(), [channels]);
            Tensor::<1>::from_data(data, device).autodiff().require_grad()
        };
        let (images, upstream) = (map(&images).autodiff().require_grad(), map(&upstream).autodiff());
        let (weight, bias) = (leaf(&weight), leaf(&bias));
        // Without its rectifier, whose kink would move what lies within rounding of it.
        let normed = batch_norm(images.clone(), None, weight.clone(), bias.clone(), EPSILON, false);
        let slopes = (normed.output.clone() * upstream).sum().backward();
        // Parameter gradients per repetition, so that both runs give the same.
        let per_repeat = |tensor: &Tensor<1>| tensor.grad(&slopes).map(|gradient| gradient / repeats as f32);
        let small = [
            Some(normed.mean.inner()),
            Some(normed.variance.inner()),
            per_repeat(&weight),
            per_repeat(&bias),
        ];
        (normed.output.inner(), images.grad(&slopes), small)
    };
    let (expected, expected_gradient, expected_small) = run(cpu, 1);
    let (got, got_gradient, got_small) = run(device, batch / originals);
    let terms = product(&[batch, height, width]);
    let mut parts = vec![Part::new("result", images_error(expected, got, device)?, terms)];
    let error = match (expected_gradient, got_gradient) {
        (Some(expected), Some(got)) => images_error(expected, got, device)?,
        _ => f64::INFINITY,
    };
    parts.push(Part::new("gradient of input", error, terms));
    let names = ["mean", "variance", "gradient of weight", "gradient of bias"];
    for (what, (expected, got)) in names.into_iter().zip(expected_small.into_iter().zip(got_small)) {
        let error = match (expected, got) {
            (Some(expected), Some(got)) => relative_error(&read_floats(expected)?, &read_floats(got)?),
            _ => f64::INFINITY,
        };
        parts.push(Part::new(what, error, terms));
    }
    Ok(parts)
}

fn check_linear(
    [rows, inputs, outputs]: [usize; 3],
    gradients: bool,
    cpu: &Device,
    device: &Device,
) -> Result<Vec<Part>, ReadError> {
    let random = &mut Stream::new(0, Purpose::Check, 4, 0);
    let features = noise(rows * inputs, 1.0, random);
    let weight = noise(outputs * inputs, 1.0 / (inputs as f32).sqrt(), random);
    let bias = noise(outputs, 1.0, random);
    let upstream = noise(rows * outputs, 1.0, random);
    let run = |device: &Device| -> Result<Vec<(&'static str, Vec<f32>, usize)>, ReadError> {
        let device = &if gradients { device.clone().autodiff() } else { device.clone() };
        let matrix = |values: &[f32], dims: [usize; 2]| {
            let tensor = Tensor::<2>::from_data(TensorData::new(values.to_vec(), dims), device);
            if gradients { tensor.require_grad() } else { tensor }
        };
        let (features, weight) = (matrix(&features, [rows, inputs]), matrix(&weight, [outputs, inputs]));
        let bias = matrix(&bias, [1, outputs]);
        let result = features.clone().matmul(weight.clone().transpose()) + bias.clone();
        if !gradients {
            return Ok(vec![("result", read_floats(result)?, inputs)]);
        }
        let slopes = (result.clone() * matrix(&upstream, [rows, outputs])).sum().backward();
        let gradient = |tensor: &Tensor<2>| tensor.grad(&slopes).map_or(Ok(Vec::new()), read_floats);
        Ok(vec![
            ("result", read_floats(result.inner())?, inputs),
            ("gradient of input", gradient(&features)?, outputs),
            ("gradient of weight", gradient(&weight)?, rows),
            ("gradient of bias", gradient(&bias)?, rows),
        ])
    };
    let (expected, got) = (run(cpu)?, run(device)?);
    let pairs = expected.iter().zip(&got);
    Ok(pairs
        .map(|((what, expected, terms), (_, got, _))| {
            Part::new(what, relative_error(expected, got), *terms as f64)
        })
        .collect())
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

/// Channels of a convolution's input.
fn weight_inputs(call: &LayerCall) -> usize {
    match *call {
        LayerCall::TransposedConvolution { weight, .. } => weight[0],
        LayerCall::Convolution { weight, .. } => weight[1],
        _ => 1,
    }
}

fn product(extents: &[usize]) -> f64 {
    extents.iter().map(|&extent| extent as f64).product()
}
