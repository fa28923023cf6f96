//! `output = (input - mean) * scale + bias`, plus a residual, then rectified: one pass.

use rayon::prelude::*;

use super::planes::{ImageSize, for_lanes, load, store};
use crate::memory::{Output, Target};
use crate::simd::{InstructionSet, Lanes, for_instruction_set};

/// What the pass applies to each channel (C each).
#[derive(Clone, Copy)]
pub(crate) struct Affine<'a> {
    /// Subtracted first.
    pub(crate) mean: &'a [f32],
    /// Factor.
    pub(crate) scale: &'a [f32],
    /// Added last.
    pub(crate) bias: &'a [f32],
}

struct Part<'a> {
    input: &'a [f32],
    residual: &'a [f32],
    output: Target,
    length: usize,
    channel: usize,
    affine: Affine<'a>,
}

/// Applies `affine` to `input`, adds `residual`, and takes the larger of the sum and zero if `relu`.
pub(crate) fn apply(
    set: InstructionSet,
    size: ImageSize,
    input: &[f32],
    residual: Option<&[f32]>,
    affine: Affine<'_>,
    relu: bool,
) -> Vec<f32> {
    let kernel = match (residual.is_some(), relu) {
        (false, false) => part::<0, 0>,
        (false, true) => part::<0, 1>,
        (true, false) => part::<1, 0>,
        (true, true) => part::<1, 1>,
    };
    let mut output = Output::new(size.len());
    let target = output.target();
    size.parts().into_par_iter().for_each(|planes| {
        let values = planes.start * size.length..planes.end * size.length;
        // SAFETY: the part's own planes of input, residual and output, which have one size.
        unsafe {
            let part = Part {
                input: &input[values.clone()],
                residual: residual.map_or(&[], |residual| &residual[values.clone()]),
                output: Target::from_address(target.at(values.start)),
                length: size.length,
                channel: planes.start % size.channels,
                affine,
            };
            kernel(set, part);
        }
    });
    // SAFETY: the parts are all planes.
    unsafe { output.finish() }
}

for_instruction_set! {
    /// Applies the affine map to the planes of a part.
    ///
    /// # Safety
    /// `output` has room for what `input` has, and so has `residual` if it is used.
    unsafe fn part<const RESIDUAL: usize, const RELU: usize>(part: Part<'_>) = body;
}

#[inline(always)]
unsafe fn body<L: Lanes, const RESIDUAL: usize, const RELU: usize>(part: Part<'_>) {
    let Part { input, residual, output, length, mut channel, affine } = part;
    let channels = affine.mean.len();
    for first in (0..input.len() / length.max(1)).map(|plane| plane * length) {
        // SAFETY: the function's contract; `for_lanes` stays inside the plane.
        unsafe {
            let (mean, scale) = (L::splat(affine.mean[channel]), L::splat(affine.scale[channel]));
            let bias = L::splat(affine.bias[channel]);
            for_lanes!(length, |start, count, _turn| {
                let at = first + start;
                let value = load::<L>(input.as_ptr().add(at), count).minus(mean);
                let mut value = bias.add_product(value, scale);
                if RESIDUAL == 1 {
                    value = value.plus(load::<L>(residual.as_ptr().add(at), count));
                }
                if RELU == 1 {
                    value = value.or_zero();
                }
                store(value, output.at(at), count);
            });
        }
        channel = if channel + 1 == channels { 0 } else { channel + 1 };
    }
}
