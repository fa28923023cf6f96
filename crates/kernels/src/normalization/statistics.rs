//! Mean and variance of each channel.

use rayon::prelude::*;

use super::planes::{ImageSize, for_lanes, load, sum};
use crate::simd::{InstructionSet, Lanes, for_instruction_set};

/// Mean and biased variance of each channel over batch, rows and columns.
#[derive(Clone, Debug)]
pub(crate) struct Statistics {
    /// Mean (C).
    pub(crate) mean: Vec<f32>,
    /// Mean squared deviation (C).
    pub(crate) variance: Vec<f32>,
}

/// Sum and sum of squares of one channel.
#[derive(Clone, Copy, Default)]
struct Moments {
    sum: f64,
    squares: f64,
}

/// Consecutive planes whose moments are added to those of their channels.
struct Part<'a> {
    input: &'a [f32],
    length: usize,
    /// Channel of the first plane.
    channel: usize,
    moments: &'a mut [Moments],
}

/// Statistics of `input`.
pub(crate) fn statistics(set: InstructionSet, size: ImageSize, input: &[f32]) -> Statistics {
    let partial: Vec<Vec<Moments>> = size
        .parts()
        .into_par_iter()
        .map(|planes| {
            let mut moments = vec![Moments::default(); size.channels];
            let part = Part {
                input: &input[planes.start * size.length..planes.end * size.length],
                length: size.length,
                channel: planes.start % size.channels,
                moments: &mut moments,
            };
            // SAFETY: the body needs nothing but the instruction set.
            unsafe { add_moments(set, part) };
            moments
        })
        .collect();
    let count = size.per_channel().max(1) as f64;
    let (mut mean, mut variance) = (Vec::with_capacity(size.channels), Vec::with_capacity(size.channels));
    for channel in 0..size.channels {
        let sum: f64 = partial.iter().map(|part| part[channel].sum).sum();
        let squares: f64 = partial.iter().map(|part| part[channel].squares).sum();
        let channel_mean = sum / count;
        mean.push(channel_mean as f32);
        variance.push((squares / count - channel_mean * channel_mean).max(0.0) as f32);
    }
    Statistics { mean, variance }
}

for_instruction_set! {
    /// Adds the moments of a part's planes.
    ///
    /// # Safety
    /// None beyond that of the instruction set.
    unsafe fn add_moments(part: Part<'_>) = body;
}

#[inline(always)]
unsafe fn body<L: Lanes>(part: Part<'_>) {
    let Part { input, length, mut channel, moments } = part;
    for plane in input.chunks_exact(length.max(1)) {
        let pointer = plane.as_ptr();
        // SAFETY: `for_lanes` stays inside the plane.
        let (total, deviation) = unsafe {
            let mut total = [L::zero(); 2];
            for_lanes!(length, |start, count, turn| {
                total[turn] = total[turn].plus(load::<L>(pointer.add(start), count));
            });
            let total = sum(total[0].plus(total[1]));
            // Squares about the plane's own mean, while the plane is in the cache: squares about
            // zero would lose the variance of a channel that lies far from zero.
            let mean = L::splat((total / length as f64) as f32);
            let mut squares = [L::zero(); 2];
            for_lanes!(length / 16 * 16, |start, _count, turn| {
                let deviation = L::load(pointer.add(start)).minus(mean);
                squares[turn] = squares[turn].add_product(deviation, deviation);
            });
            let mut deviation = sum(squares[0].plus(squares[1]));
            let mean = (total / length as f64) as f32;
            for value in &plane[length / 16 * 16..] {
                deviation += f64::from((value - mean) * (value - mean));
            }
            (total, deviation)
        };
        // Sum of (x - m)^2 about m = float(mean) to the sum of x^2: + 2 m total - n m^2.
        let about = f64::from((total / length as f64) as f32);
        moments[channel].sum += total;
        moments[channel].squares += deviation + about * (2.0 * total - length as f64 * about);
        channel = if channel + 1 == moments.len() { 0 } else { channel + 1 };
    }
}
