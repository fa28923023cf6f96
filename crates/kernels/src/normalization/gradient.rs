//! Gradients of batch normalisation in training mode.
//!
//! With `n` values per channel, `x^ = (x - mean) * inverse_std`, `y = x^ * weight + bias (+ residual)` and
//! the gradient `g` of `y` (zero where the rectifier cut it off):
//! `bias' = sum g`, `weight' = sum g x^`, `x' = weight * inverse_std * (g - bias' / n - x^ * weight' / n)`
//! (Ioffe and Szegedy 2015, section 3), and the residual's gradient is `g`.

use rayon::prelude::*;

use super::apply::Affine;
use super::planes::{ImageSize, for_lanes, load, store, sum};
use crate::memory::{Output, Target};
use crate::simd::{InstructionSet, Lanes, for_instruction_set};

/// Where the rectifier let the gradient through.
#[derive(Clone, Copy)]
pub(crate) enum Rectifier<'a> {
    /// There was none.
    None,
    /// Where the normalised input, computed again, is positive.
    Recomputed,
    /// Where this output is positive.
    Output(&'a [f32]),
}

/// Sums over a channel.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sums {
    /// Sum of the gradient.
    pub(crate) gradient: f64,
    /// Sum of the gradient times the deviation of the input from its mean.
    pub(crate) product: f64,
}

struct SumPart<'a> {
    input: &'a [f32],
    gradient: Target,
    output: &'a [f32],
    length: usize,
    channel: usize,
    affine: Affine<'a>,
    sums: &'a mut [Sums],
}

/// Sums of each channel. If the rectifier is given by its output, `gradient` becomes the rectified one.
pub(crate) fn sums(
    set: InstructionSet,
    size: ImageSize,
    input: &[f32],
    gradient: &mut [f32],
    rectifier: Rectifier<'_>,
    affine: Affine<'_>,
) -> Vec<Sums> {
    assert_eq!((input.len(), gradient.len()), (size.len(), size.len()));
    let (kernel, output): (unsafe fn(InstructionSet, SumPart<'_>), &[f32]) = match rectifier {
        Rectifier::None => (sum_part::<0>, &[]),
        Rectifier::Recomputed => (sum_part::<1>, &[]),
        Rectifier::Output(output) => (sum_part::<2>, output),
    };
    let target = Target::of(gradient);
    let partial: Vec<Vec<Sums>> = size
        .parts()
        .into_par_iter()
        .map(|planes| {
            let values = planes.start * size.length..planes.end * size.length;
            let mut sums = vec![Sums::default(); size.channels];
            // SAFETY: the part's own planes of tensors of one size.
            unsafe {
                let part = SumPart {
                    input: &input[values.clone()],
                    gradient: Target::from_address(target.at(values.start)),
                    output: if output.is_empty() { output } else { &output[values.clone()] },
                    length: size.length,
                    channel: planes.start % size.channels,
                    affine,
                    sums: &mut sums,
                };
                kernel(set, part);
            }
            sums
        })
        .collect();
    let mut total = vec![Sums::default(); size.channels];
    for part in &partial {
        for (total, sums) in total.iter_mut().zip(part) {
            total.gradient += sums.gradient;
            total.product += sums.product;
        }
    }
    total
}

for_instruction_set! {
    /// Adds the sums of a part's planes.
    ///
    /// # Safety
    /// All tensors of the part have the size of its input.
    unsafe fn sum_part<const RECTIFIER: usize>(part: SumPart<'_>) = sum_body;
}

#[inline(always)]
unsafe fn sum_body<L: Lanes, const RECTIFIER: usize>(part: SumPart<'_>) {
    let SumPart { input, gradient, output, length, mut channel, affine, sums } = part;
    for first in (0..input.len() / length.max(1)).map(|plane| plane * length) {
        // SAFETY: the function's contract; `for_lanes` stays inside the plane.
        unsafe {
            let (mean, scale) = (L::splat(affine.mean[channel]), L::splat(affine.scale[channel]));
            let bias = L::splat(affine.bias[channel]);
            let mut total = [[L::zero(); 2]; 2];
            for_lanes!(length, |start, count, turn| {
                let at = first + start;
                let deviation = load::<L>(input.as_ptr().add(at), count).minus(mean);
                let mut value = load::<L>(gradient.at(at), count);
                if RECTIFIER == 1 {
                    value = value.where_positive(bias.add_product(deviation, scale));
                }
                if RECTIFIER == 2 {
                    value = value.where_positive(load::<L>(output.as_ptr().add(at), count));
                    store(value, gradient.at(at), count);
                }
                // Lanes past the end hold a gradient of zero.
                total[turn][0] = total[turn][0].plus(value);
                total[turn][1] = total[turn][1].add_product(value, deviation);
            });
            sums[channel].gradient += sum(total[0][0].plus(total[1][0]));
            sums[channel].product += sum(total[0][1].plus(total[1][1]));
        }
        channel = if channel + 1 == sums.len() { 0 } else { channel + 1 };
    }
}

/// The last step: `x' = g * scale + (x - mean) * slope + offset` with these of each channel.
#[derive(Clone, Copy)]
pub(crate) struct InputStep<'a> {
    /// The forward pass's map.
    pub(crate) affine: Affine<'a>,
    /// Factor of the deviation (C).
    pub(crate) slope: &'a [f32],
    /// Added (C).
    pub(crate) offset: &'a [f32],
    /// Whether the gradient is still to be rectified.
    pub(crate) rectify: bool,
}

struct InputPart<'a> {
    input: &'a [f32],
    gradient: Target,
    target: Target,
    length: usize,
    channel: usize,
    step: InputStep<'a>,
}

/// Gradient of the input: a new tensor if `keep`, otherwise written over `gradient`.
pub(crate) fn input_gradient(
    set: InstructionSet,
    size: ImageSize,
    input: &[f32],
    gradient: &mut [f32],
    step: InputStep<'_>,
    keep: bool,
) -> Option<Vec<f32>> {
    assert_eq!((input.len(), gradient.len()), (size.len(), size.len()));
    let kernel = if step.rectify { input_part::<1> } else { input_part::<0> };
    let mut output = keep.then(|| Output::new(size.len()));
    let gradient = Target::of(gradient);
    let target = output.as_mut().map_or(gradient, Output::target);
    size.parts().into_par_iter().for_each(|planes| {
        let values = planes.start * size.length..planes.end * size.length;
        // SAFETY: the part's own planes of tensors of one size; a value is read before it is
        // overwritten.
        unsafe {
            let part = InputPart {
                input: &input[values.clone()],
                gradient: Target::from_address(gradient.at(values.start)),
                target: Target::from_address(target.at(values.start)),
                length: size.length,
                channel: planes.start % size.channels,
                step,
            };
            kernel(set, part);
        }
    });
    // SAFETY: the parts are all planes.
    output.map(|output| unsafe { output.finish() })
}

for_instruction_set! {
    /// Writes the input gradient of a part's planes.
    ///
    /// # Safety
    /// All tensors of the part have the size of its input.
    unsafe fn input_part<const RECTIFIER: usize>(part: InputPart<'_>) = input_body;
}

#[inline(always)]
unsafe fn input_body<L: Lanes, const RECTIFIER: usize>(part: InputPart<'_>) {
    let InputPart { input, gradient, target, length, mut channel, step } = part;
    let InputStep { affine, slope, offset, .. } = step;
    for first in (0..input.len() / length.max(1)).map(|plane| plane * length) {
        // SAFETY: the function's contract; `for_lanes` stays inside the plane.
        unsafe {
            let (mean, scale) = (L::splat(affine.mean[channel]), L::splat(affine.scale[channel]));
            let bias = L::splat(affine.bias[channel]);
            let (slope, offset) = (L::splat(slope[channel]), L::splat(offset[channel]));
            for_lanes!(length, |start, count, _turn| {
                let at = first + start;
                let deviation = load::<L>(input.as_ptr().add(at), count).minus(mean);
                let mut value = load::<L>(gradient.at(at), count);
                if RECTIFIER == 1 {
                    value = value.where_positive(bias.add_product(deviation, scale));
                }
                let value = offset.add_product(deviation, slope).add_product(value, scale);
                store(value, target.at(at), count);
            });
        }
        channel = if channel + 1 == affine.mean.len() { 0 } else { channel + 1 };
    }
}
