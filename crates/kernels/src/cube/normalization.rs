//! Batch normalisation in training mode: each channel's sums in parts, their end in one unit per channel, then
//! one pass over the images. The same backward. Sums are kept in 32 bits whatever the images hold, and added in a
//! fixed order.

use burn::tensor::Shape;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::launch::{contiguous, empty, numbers, plane_of_workgroups, storage_type};
use crate::backend::NormalizationOptions;
use crate::primitives::{NormForward, NormGradients};
use crate::sizes::dims;

/// Units of a workgroup.
const UNITS: usize = 256;
/// Workgroups to aim at where sums are taken.
const WORKGROUPS: usize = 1024;
/// Values that a unit adds up at least, where there are enough.
const FEWEST_VALUES: usize = 8;

/// Which output values let a gradient through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Rectifier {
    /// All.
    None,
    /// Those above zero, computed again from the input.
    Recomputed,
    /// Those above zero, as kept from the forward pass.
    Output,
}

#[derive(CubeLaunch, CubeType, Clone, Copy)]
struct Sizes {
    batch: u32,
    channels: u32,
    /// Values of one channel of one image.
    plane: u32,
    /// Values of one channel that a part takes.
    per_part: u32,
    epsilon: f32,
}

/// Mean, 1 / standard deviation, weight and bias of each channel.
#[derive(CubeType, Clone, Copy)]
struct Channel {
    mean: f32,
    inverse_std: f32,
    weight: f32,
    bias: f32,
}

#[cube]
fn channel_at(
    mean: &[f32],
    variance: &[f32],
    weight: &[f32],
    bias: &[f32],
    channel: u32,
    epsilon: f32,
) -> Channel {
    let channel = channel as usize;
    Channel {
        mean: mean[channel],
        inverse_std: 1.0f32 / (variance[channel] + epsilon).sqrt(),
        weight: weight[channel],
        bias: bias[channel],
    }
}

/// The gradient that passes the rectifier.
#[cube]
fn rectified(
    gradient: f32,
    value: f32,
    output: f32,
    channel: &Channel,
    #[comptime] rectifier: Rectifier,
) -> f32 {
    match comptime![rectifier] {
        Rectifier::None => gradient,
        Rectifier::Recomputed => {
            let output = (value - channel.mean) * (channel.weight * channel.inverse_std) + channel.bias;
            select(output > 0.0f32, gradient, 0.0f32)
        }
        Rectifier::Output => select(output > 0.0f32, gradient, 0.0f32),
    }
}

/// Adds `first` and `second` up over the workgroup; every unit gets both sums.
#[cube]
fn sum_over_workgroup(first: f32, second: f32) -> (f32, f32) {
    let mut firsts = Shared::<[f32]>::new_slice(comptime![UNITS]);
    let mut seconds = Shared::<[f32]>::new_slice(comptime![UNITS]);
    let unit = UNIT_POS as usize;
    firsts[unit] = first;
    seconds[unit] = second;
    sync_cube();
    let mut half = comptime![UNITS / 2].runtime();
    while half > 0 {
        if unit < half {
            let other_first = firsts[unit + half];
            let other_second = seconds[unit + half];
            firsts[unit] += other_first;
            seconds[unit] += other_second;
        }
        half /= 2;
        sync_cube();
    }
    (firsts[0], seconds[0])
}

/// Sums of the values of a channel and of their squares, both taken from the channel's first value, so that
/// nothing cancels where the mean is far from zero. Parts (2, C, parts).
#[cube(launch_unchecked)]
fn value_sums_kernel<F: Float>(
    input: &[F],
    parts: &mut [f32],
    sizes: Sizes,
    #[define(F)] _element: ElemType,
) {
    let channel = CUBE_POS_X;
    let first = CUBE_POS_Y * sizes.per_part;
    let count = sizes.batch * sizes.plane;
    let end = select(first + sizes.per_part < count, first + sizes.per_part, count);
    let origin = f32::cast_from(input[(channel * sizes.plane) as usize]);
    let mut sum = 0.0f32;
    let mut squares = 0.0f32;
    for index in range_stepped(first + UNIT_POS, end, comptime![UNITS as u32]) {
        let image = index / sizes.plane;
        let at = (image * sizes.channels + channel) * sizes.plane + index % sizes.plane;
        let value = f32::cast_from(input[at as usize]) - origin;
        sum += value;
        squares += value * value;
    }
    let (sum, squares) = sum_over_workgroup(sum, squares);
    if UNIT_POS == 0 {
        let at = channel * CUBE_COUNT_Y + CUBE_POS_Y;
        parts[at as usize] = sum;
        parts[(sizes.channels * CUBE_COUNT_Y + at) as usize] = squares;
    }
}

/// The sums of each channel over its parts.
#[cube]
fn add_parts(parts: &[f32], channel: u32, channels: u32, count: u32) -> (f32, f32) {
    let mut first = 0.0f32;
    let mut second = 0.0f32;
    for part in 0..count {
        let at = channel * count + part;
        first += parts[at as usize];
        second += parts[(channels * count + at) as usize];
    }
    (first, second)
}

/// Mean and biased variance of each channel from its parts.
#[cube(launch_unchecked)]
fn statistics_kernel<F: Float>(
    input: &[F],
    parts: &[f32],
    mean: &mut [f32],
    variance: &mut [f32],
    sizes: Sizes,
    part_count: u32,
    #[define(F)] _element: ElemType,
) {
    let channel = CUBE_POS_X * CUBE_DIM_X + UNIT_POS_X;
    if channel >= sizes.channels {
        terminate!();
    }
    let (sum, squares) = add_parts(parts, channel, sizes.channels, part_count);
    let count = f32::cast_from(sizes.batch * sizes.plane);
    let from_origin = sum / count;
    let of_squares = squares / count - from_origin * from_origin;
    mean[channel as usize] = f32::cast_from(input[(channel * sizes.plane) as usize]) + from_origin;
    variance[channel as usize] = select(of_squares > 0.0f32, of_squares, 0.0f32);
}

/// `(input - mean) / std * weight + bias`, plus the residual, rectified: one value per unit.
#[cube(launch_unchecked)]
fn normalize_kernel<F: Float>(
    input: &[F],
    residual: &[F],
    mean: &[f32],
    variance: &[f32],
    weight: &[f32],
    bias: &[f32],
    output: &mut [F],
    sizes: Sizes,
    #[comptime] with_residual: bool,
    #[comptime] relu: bool,
    #[define(F)] _element: ElemType,
) {
    let index = (CUBE_POS_Y * CUBE_COUNT_X + CUBE_POS_X) * CUBE_DIM_X + UNIT_POS_X;
    if index >= sizes.batch * sizes.channels * sizes.plane {
        terminate!();
    }
    let at = index / sizes.plane % sizes.channels;
    let channel = channel_at(mean, variance, weight, bias, at, sizes.epsilon);
    let centred = f32::cast_from(input[index as usize]) - channel.mean;
    let mut value = centred * (channel.weight * channel.inverse_std) + channel.bias;
    if with_residual {
        value += f32::cast_from(residual[index as usize]);
    }
    if relu {
        value = select(value > 0.0f32, value, 0.0f32);
    }
    output[index as usize] = F::cast_from(value);
}

/// Sums of the gradients that pass the rectifier, and of their products with the centred values. Parts
/// (2, C, parts).
#[cube(launch_unchecked)]
fn gradient_sums_kernel<F: Float>(
    input: &[F],
    output: &[F],
    gradient: &[F],
    mean: &[f32],
    variance: &[f32],
    weight: &[f32],
    bias: &[f32],
    parts: &mut [f32],
    sizes: Sizes,
    #[comptime] rectifier: Rectifier,
    #[define(F)] _element: ElemType,
) {
    let channel_index = CUBE_POS_X;
    let channel = channel_at(mean, variance, weight, bias, channel_index, sizes.epsilon);
    let first = CUBE_POS_Y * sizes.per_part;
    let count = sizes.batch * sizes.plane;
    let end = select(first + sizes.per_part < count, first + sizes.per_part, count);
    let mut sum = 0.0f32;
    let mut products = 0.0f32;
    for index in range_stepped(first + UNIT_POS, end, comptime![UNITS as u32]) {
        let image = index / sizes.plane;
        let at = ((image * sizes.channels + channel_index) * sizes.plane + index % sizes.plane) as usize;
        let value = f32::cast_from(input[at]);
        let gradient =
            rectified(f32::cast_from(gradient[at]), value, f32::cast_from(output[at]), &channel, rectifier);
        sum += gradient;
        products += gradient * (value - channel.mean);
    }
    let (sum, products) = sum_over_workgroup(sum, products);
    if UNIT_POS == 0 {
        let at = channel_index * CUBE_COUNT_Y + CUBE_POS_Y;
        parts[at as usize] = sum;
        parts[(sizes.channels * CUBE_COUNT_Y + at) as usize] = products;
    }
}

/// Gradients of weight and bias, and what the input's needs: `slope` for the centred value, `offset` for all.
#[cube(launch_unchecked)]
fn parameter_gradients_kernel(
    parts: &[f32],
    variance: &[f32],
    weight: &[f32],
    weight_gradient: &mut [f32],
    bias_gradient: &mut [f32],
    slope: &mut [f32],
    offset: &mut [f32],
    sizes: Sizes,
    part_count: u32,
) {
    let channel = CUBE_POS_X * CUBE_DIM_X + UNIT_POS_X;
    if channel >= sizes.channels {
        terminate!();
    }
    let (sum, products) = add_parts(parts, channel, sizes.channels, part_count);
    let channel = channel as usize;
    let count = f32::cast_from(sizes.batch * sizes.plane);
    let inverse_std = 1.0f32 / (variance[channel] + sizes.epsilon).sqrt();
    let scale = weight[channel] * inverse_std;
    weight_gradient[channel] = products * inverse_std;
    bias_gradient[channel] = sum;
    slope[channel] = -scale * inverse_std * inverse_std * (products / count);
    offset[channel] = -scale * (sum / count);
}

/// The input's gradient, and the residual's where `keep`: one value per unit.
#[cube(launch_unchecked)]
fn input_gradient_kernel<F: Float>(
    input: &[F],
    output: &[F],
    gradient: &[F],
    mean: &[f32],
    variance: &[f32],
    weight: &[f32],
    bias: &[f32],
    slope: &[f32],
    offset: &[f32],
    input_gradient: &mut [F],
    residual_gradient: &mut [F],
    sizes: Sizes,
    #[comptime] rectifier: Rectifier,
    #[comptime] keep: bool,
    #[define(F)] _element: ElemType,
) {
    let index = (CUBE_POS_Y * CUBE_COUNT_X + CUBE_POS_X) * CUBE_DIM_X + UNIT_POS_X;
    if index >= sizes.batch * sizes.channels * sizes.plane {
        terminate!();
    }
    let channel_index = index / sizes.plane % sizes.channels;
    let channel = channel_at(mean, variance, weight, bias, channel_index, sizes.epsilon);
    let at = index as usize;
    let value = f32::cast_from(input[at]);
    let gradient =
        rectified(f32::cast_from(gradient[at]), value, f32::cast_from(output[at]), &channel, rectifier);
    let scale = channel.weight * channel.inverse_std;
    let channel_at = channel_index as usize;
    input_gradient[at] =
        F::cast_from(gradient * scale + (value - channel.mean) * slope[channel_at] + offset[channel_at]);
    if keep {
        residual_gradient[at] = F::cast_from(gradient);
    }
}

/// `input * scale + shift` of each channel, plus the residual, rectified: one value per unit.
#[cube(launch_unchecked)]
fn scale_shift_kernel<F: Float>(
    input: &[F],
    residual: &[F],
    scale: &[f32],
    shift: &[f32],
    output: &mut [F],
    sizes: Sizes,
    #[comptime] with_residual: bool,
    #[comptime] relu: bool,
    #[define(F)] _element: ElemType,
) {
    let index = (CUBE_POS_Y * CUBE_COUNT_X + CUBE_POS_X) * CUBE_DIM_X + UNIT_POS_X;
    if index >= sizes.batch * sizes.channels * sizes.plane {
        terminate!();
    }
    let channel = (index / sizes.plane % sizes.channels) as usize;
    let mut value = f32::cast_from(input[index as usize]) * scale[channel] + shift[channel];
    if with_residual {
        value += f32::cast_from(residual[index as usize]);
    }
    if relu {
        value = select(value > 0.0f32, value, 0.0f32);
    }
    output[index as usize] = F::cast_from(value);
}

/// Sizes of images, and how they are cut.
#[derive(Clone, Copy)]
struct Images {
    batch: usize,
    channels: usize,
    plane: usize,
    epsilon: f32,
}

impl Images {
    fn of(images: &CubeTensor, epsilon: f64) -> Self {
        let [batch, channels, height, width] = dims(images);
        Self { batch, channels, plane: height * width, epsilon: epsilon as f32 }
    }

    fn values(&self) -> usize {
        self.batch * self.channels * self.plane
    }

    /// Parts that each channel is cut into.
    fn parts(&self) -> usize {
        let values = self.batch * self.plane;
        (WORKGROUPS / self.channels.max(1)).min(values / (UNITS * FEWEST_VALUES)).max(1)
    }

    fn sizes(&self) -> SizesLaunch {
        let per_part = (self.batch * self.plane).div_ceil(self.parts());
        SizesLaunch::new(
            self.batch as u32,
            self.channels as u32,
            self.plane as u32,
            per_part as u32,
            self.epsilon,
        )
    }

    /// A workgroup for each channel and part.
    fn part_workgroups(&self) -> CubeCount {
        CubeCount::Static(self.channels as u32, self.parts() as u32, 1)
    }

    /// A unit for each channel.
    fn channel_workgroups(&self) -> CubeCount {
        CubeCount::Static(self.channels.div_ceil(UNITS) as u32, 1, 1)
    }

    /// A unit for each value.
    fn value_workgroups(&self) -> CubeCount {
        let [x, y] = plane_of_workgroups(self.values().div_ceil(UNITS));
        CubeCount::Static(x, y, 1)
    }
}

fn cube_dim() -> CubeDim {
    CubeDim::new_1d(UNITS as u32)
}

fn statistics(input: &CubeTensor, images: Images) -> (CubeTensor, CubeTensor) {
    let [mean, variance] = [(); 2].map(|()| numbers(input, Shape::from([images.channels])));
    let parts = numbers(input, Shape::from([2 * images.channels * images.parts()]));
    // SAFETY: indices are below the sizes of the tensors, and no two units write to the same place.
    unsafe {
        value_sums_kernel::launch_unchecked(
            &input.client,
            images.part_workgroups(),
            cube_dim(),
            input.clone().into_buffer_arg(),
            parts.clone().into_buffer_arg(),
            images.sizes(),
            storage_type(input),
        );
        statistics_kernel::launch_unchecked(
            &input.client,
            images.channel_workgroups(),
            cube_dim(),
            input.clone().into_buffer_arg(),
            parts.into_buffer_arg(),
            mean.clone().into_buffer_arg(),
            variance.clone().into_buffer_arg(),
            images.sizes(),
            images.parts() as u32,
            storage_type(input),
        );
    }
    (mean, variance)
}

/// Output, and mean and variance, of a batch normalisation.
pub(super) fn normalize(
    input: &CubeTensor,
    residual: Option<&CubeTensor>,
    weight: &CubeTensor,
    bias: &CubeTensor,
    options: NormalizationOptions,
) -> (CubeTensor, (CubeTensor, CubeTensor)) {
    let input = contiguous(input);
    let images = Images::of(&input, options.epsilon);
    let (mean, variance) = statistics(&input, images);
    let output = empty(&input, Shape::from(dims(&input)));
    // Where there is no residual, the kernel does not read what stands in its place.
    let added = residual.map_or_else(|| input.clone(), contiguous);
    // SAFETY: as above.
    unsafe {
        normalize_kernel::launch_unchecked(
            &input.client,
            images.value_workgroups(),
            cube_dim(),
            input.clone().into_buffer_arg(),
            added.into_buffer_arg(),
            mean.clone().into_buffer_arg(),
            variance.clone().into_buffer_arg(),
            contiguous(weight).into_buffer_arg(),
            contiguous(bias).into_buffer_arg(),
            output.clone().into_buffer_arg(),
            images.sizes(),
            residual.is_some(),
            options.relu,
            storage_type(&input),
        );
    }
    (output, (mean, variance))
}

/// Gradients of a batch normalisation, given that of its output.
pub(super) fn normalize_gradients(
    forward: &NormForward<burn_cubecl::CubeBackend>,
    gradient: &CubeTensor,
    keep: bool,
    options: NormalizationOptions,
) -> NormGradients<burn_cubecl::CubeBackend> {
    let (input, gradient) = (contiguous(&forward.input), contiguous(gradient));
    let (weight, bias) = (contiguous(&forward.weight), contiguous(&forward.bias));
    let (mean, variance) = &forward.statistics;
    let images = Images::of(&input, options.epsilon);
    let rectifier = match (options.relu, &forward.output) {
        (false, _) => Rectifier::None,
        (true, None) => Rectifier::Recomputed,
        (true, Some(_)) => Rectifier::Output,
    };
    // Only `Rectifier::Output` reads it.
    let output = forward.output.as_ref().map_or_else(|| input.clone(), contiguous);
    let parts = numbers(&input, Shape::from([2 * images.channels * images.parts()]));
    let [weight_gradient, bias_gradient, slope, offset] =
        [(); 4].map(|()| numbers(&input, Shape::from([images.channels])));
    let input_gradient = empty(&input, Shape::from(dims(&input)));
    // Without a rectifier the residual's gradient is the output's.
    let written = keep && rectifier != Rectifier::None;
    let residual_gradient =
        if written { empty(&input, Shape::from(dims(&input))) } else { numbers(&input, Shape::from([1])) };
    // SAFETY: as above; the residual's gradient is written only where there is room for it.
    unsafe {
        gradient_sums_kernel::launch_unchecked(
            &input.client,
            images.part_workgroups(),
            cube_dim(),
            input.clone().into_buffer_arg(),
            output.clone().into_buffer_arg(),
            gradient.clone().into_buffer_arg(),
            mean.clone().into_buffer_arg(),
            variance.clone().into_buffer_arg(),
            weight.clone().into_buffer_arg(),
            bias.clone().into_buffer_arg(),
            parts.clone().into_buffer_arg(),
            images.sizes(),
            rectifier,
            storage_type(&input),
        );
        parameter_gradients_kernel::launch_unchecked(
            &input.client,
            images.channel_workgroups(),
            cube_dim(),
            parts.into_buffer_arg(),
            variance.clone().into_buffer_arg(),
            weight.clone().into_buffer_arg(),
            weight_gradient.clone().into_buffer_arg(),
            bias_gradient.clone().into_buffer_arg(),
            slope.clone().into_buffer_arg(),
            offset.clone().into_buffer_arg(),
            images.sizes(),
            images.parts() as u32,
        );
        input_gradient_kernel::launch_unchecked(
            &input.client,
            images.value_workgroups(),
            cube_dim(),
            input.clone().into_buffer_arg(),
            output.into_buffer_arg(),
            gradient.clone().into_buffer_arg(),
            mean.clone().into_buffer_arg(),
            variance.clone().into_buffer_arg(),
            weight.into_buffer_arg(),
            bias.into_buffer_arg(),
            slope.into_buffer_arg(),
            offset.into_buffer_arg(),
            input_gradient.clone().into_buffer_arg(),
            residual_gradient.clone().into_buffer_arg(),
            images.sizes(),
            rectifier,
            written,
            storage_type(&input),
        );
    }
    let residual = keep.then_some(if written { residual_gradient } else { gradient });
    NormGradients { input: input_gradient, residual, weight: weight_gradient, bias: bias_gradient }
}

/// `input * scale + shift` of each channel, plus a residual, rectified if `relu`.
pub(super) fn scale_shift(
    input: &CubeTensor,
    residual: Option<&CubeTensor>,
    scale: &CubeTensor,
    shift: &CubeTensor,
    relu: bool,
) -> CubeTensor {
    let input = contiguous(input);
    let images = Images::of(&input, 0.0);
    let output = empty(&input, Shape::from(dims(&input)));
    let added = residual.map_or_else(|| input.clone(), contiguous);
    // SAFETY: as above.
    unsafe {
        scale_shift_kernel::launch_unchecked(
            &input.client,
            images.value_workgroups(),
            cube_dim(),
            input.clone().into_buffer_arg(),
            added.into_buffer_arg(),
            contiguous(scale).into_buffer_arg(),
            contiguous(shift).into_buffer_arg(),
            output.clone().into_buffer_arg(),
            images.sizes(),
            residual.is_some(),
            relu,
            storage_type(&input),
        );
    }
    output
}
