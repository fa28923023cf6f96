//! The kernels of [`super`]. Sums are kept in 32 bits whatever the images hold, and added in a fixed order.

use cubecl::ir::ElemType;
use cubecl::prelude::*;

/// Units of a workgroup.
pub(super) const UNITS: usize = 256;
/// Which output values let a gradient through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Rectifier {
    /// All.
    None,
    /// Those above zero, computed again from the input.
    Recomputed,
    /// Those above zero, as kept from the forward pass.
    Output,
}

#[derive(CubeLaunch, CubeType, Clone, Copy)]
pub(super) struct Sizes {
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
pub(super) fn value_sums_kernel<F: Float>(
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
pub(super) fn statistics_kernel<F: Float>(
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
pub(super) fn normalize_kernel<F: Float>(
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
pub(super) fn gradient_sums_kernel<F: Float>(
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
pub(super) fn parameter_gradients_kernel(
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
pub(super) fn input_gradient_kernel<F: Float>(
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
pub(super) fn scale_shift_kernel<F: Float>(
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
