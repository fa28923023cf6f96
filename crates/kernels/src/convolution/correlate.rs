//! Correlations of a batch of images: the forward pass and the input gradient.

use rayon::prelude::*;

use super::band::Band;
use super::geometry::{Correlation, Geometry, Phase};
use super::job::{Job, Shape};
use super::planes::Planes;
use super::tile;
use super::weights::{Block, PackedWeights};
use crate::memory::Output;
use crate::simd::InstructionSet;

/// Values of the working copy that a task keeps in the cache.
const CACHED: usize = 1 << 17;

/// Rows of a correlation's target that one task computes at a time.
fn band_rows(correlation: &Correlation) -> usize {
    let all = Planes::new(*correlation, correlation.target[0]).len();
    let bands = all.div_ceil(CACHED).clamp(1, correlation.target[0].max(1));
    correlation.target[0].div_ceil(bands).max(1)
}

/// `output[b, o] = sum over i of input[b, i] * weight[o, i]`: input (B, I, H, W), weight (O, I, KH, KW).
pub(crate) fn convolve(set: InstructionSet, geometry: &Geometry, input: &[f32], weight: &[f32]) -> Vec<f32> {
    let correlation = geometry.forward();
    let depth = correlation.depth();
    let blocks = Block::split(geometry.out_channels, tile::widest(set));
    let packed = PackedWeights::new(blocks, depth, |channel, index| weight[channel * depth + index]);
    let rows = band_rows(&correlation);
    let job = Job::new(correlation, [0, 0], rows, packed);
    let shape = Shape {
        batch: geometry.batch,
        source: geometry.in_channels * geometry.input[0] * geometry.input[1],
        channels: geometry.out_channels,
        size: geometry.output,
        step: [1, 1],
        rows,
    };
    correlate(set, &[job], &shape, input)
}

/// Gradient of [`convolve`] with respect to its input: output gradient (B, O, HO, WO), weight
/// (O, I, KH, KW), result (B, I, H, W).
pub(crate) fn convolve_input_gradient(
    set: InstructionSet,
    geometry: &Geometry,
    output_gradient: &[f32],
    weight: &[f32],
) -> Vec<f32> {
    let [kernel_y, kernel_x] = geometry.kernel;
    let phases = geometry.input_gradient();
    let rows = phases.iter().map(|phase| band_rows(&phase.correlation)).min().unwrap_or(1);
    let job = |phase: Phase| {
        let [taps_y, taps_x] = phase.correlation.kernel;
        let blocks = Block::split(geometry.in_channels, tile::widest(set));
        let packed = PackedWeights::new(blocks, phase.correlation.depth(), |channel, index| {
            let (out_channel, tap) = (index / (taps_y * taps_x), index % (taps_y * taps_x));
            let ky = phase.tap[0] + geometry.stride[0] * (taps_y - 1 - tap / taps_x);
            let kx = phase.tap[1] + geometry.stride[1] * (taps_x - 1 - tap % taps_x);
            weight[((out_channel * geometry.in_channels + channel) * kernel_y + ky) * kernel_x + kx]
        });
        Job::new(phase.correlation, phase.origin, rows, packed)
    };
    let jobs: Vec<Job> = phases.into_iter().map(job).collect();
    let shape = Shape {
        batch: geometry.batch,
        source: geometry.out_channels * geometry.output[0] * geometry.output[1],
        channels: geometry.in_channels,
        size: geometry.input,
        step: geometry.stride,
        rows,
    };
    correlate(set, &jobs, &shape, output_gradient)
}

fn correlate(set: InstructionSet, jobs: &[Job], shape: &Shape, source: &[f32]) -> Vec<f32> {
    let image = shape.channels * shape.size[0] * shape.size[1];
    let mut output = Output::new(shape.batch * image);
    let target = output.target();
    let bands = jobs.iter().map(|job| job.size[0]).max().unwrap_or(0).div_ceil(shape.rows);
    // Few images: several tasks share a band, each computing some of its channels. How the work is
    // split does not touch the order in which anything is summed.
    let blocks = jobs.first().map_or(0, |job| job.weights.blocks.len());
    let wanted = (2 * rayon::current_num_threads()).div_ceil((shape.batch * bands).max(1));
    let parts = wanted.clamp(1, blocks.max(1));
    (0..shape.batch * bands * parts).into_par_iter().for_each(|task| {
        let (part, band, index) = (task % parts, task / parts % bands, task / parts / bands);
        let blocks = blocks * part / parts..blocks * (part + 1) / parts;
        let source = &source[index * shape.source..(index + 1) * shape.source];
        // The phases of a row of the output are computed together.
        for jobs in jobs.chunks(shape.step[1]) {
            let band = Band { set, jobs, shape, first_row: band * shape.rows, blocks: blocks.clone() };
            // SAFETY: the task alone writes the band's rows and channels of image `index`.
            unsafe { band.run(source, target, index * image) };
        }
    });
    // SAFETY: the phases of a correlation cover every row and column of the output, the bands every
    // row of a phase and the blocks every channel.
    unsafe { output.finish() }
}
