//! Correlations of a batch of images: the forward pass and the input gradient.

use std::ops::Range;

use rayon::prelude::*;

use super::geometry::{Correlation, Geometry, Phase};
use super::planes::{Planes, SLACK};
use super::tile::{self, Tile};
use super::weights::{Block, PackedWeights};
use crate::memory::{Output, Target, with_scratch};
use crate::simd::InstructionSet;

/// Values of the working copy that a task keeps in the cache.
const CACHED: usize = 1 << 17;

/// One correlation and where its result goes.
struct Job {
    planes: Planes,
    offsets: Vec<usize>,
    weights: PackedWeights,
    /// Height and width of the result.
    size: [usize; 2],
    /// First row and column in the output.
    origin: [usize; 2],
    /// Whether taps can be read from the image itself.
    direct: bool,
}

impl Job {
    fn new(correlation: Correlation, origin: [usize; 2], rows: usize, weights: PackedWeights) -> Self {
        let planes = Planes::new(correlation, rows);
        let Correlation { channels, source, target, kernel, stride, padding } = correlation;
        let direct = kernel == [1, 1] && stride == [1, 1] && padding == [0, 0] && source == target;
        let offsets = match direct {
            true => (0..channels).map(|channel| channel * source[0] * source[1]).collect(),
            false => planes.offsets(),
        };
        Self { planes, offsets, weights, size: target, origin, direct }
    }
}

/// Rows of a correlation's target that one task computes at a time.
fn band_rows(correlation: &Correlation) -> usize {
    let all = Planes::new(*correlation, correlation.target[0]).len();
    let bands = all.div_ceil(CACHED).clamp(1, correlation.target[0].max(1));
    correlation.target[0].div_ceil(bands).max(1)
}

/// `output[b, o] = sum over i of input[b, i] * weight[o, i]`: input (B, I, H, W), weight (O, I, KH, KW).
pub(crate) fn convolve(
    set: InstructionSet,
    geometry: &Geometry,
    input: &[f32],
    weight: &[f32],
) -> Vec<f32> {
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

/// Sizes that the jobs of one call share.
struct Shape {
    batch: usize,
    /// Values of one source image.
    source: usize,
    /// Channels of the output.
    channels: usize,
    /// Height and width of the output.
    size: [usize; 2],
    /// Rows and columns of the output from one of a job's results to the next.
    step: [usize; 2],
    /// Rows of a job's result in one band.
    rows: usize,
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
        let first_row = band * shape.rows;
        let source = &source[index * shape.source..(index + 1) * shape.source];
        for job in jobs {
            let rows = first_row..(first_row + shape.rows).min(job.size[0]);
            if !rows.is_empty() && job.size[1] > 0 {
                // SAFETY: the task alone writes these rows and channels of image `index`.
                unsafe { run_band(set, job, shape, source, rows, blocks.clone(), target, index * image) };
            }
        }
    });
    // SAFETY: the phases of a correlation cover every row and column of the output, the bands every
    // row of a phase and the blocks every channel.
    unsafe { output.finish() }
}

/// Computes the rows `rows` of a job for the channels of `blocks`.
///
/// # Safety
/// `target` has `channels x height x width` values behind `image`, of which the caller's task alone uses
/// those of the given rows and channels.
#[allow(clippy::too_many_arguments)]
unsafe fn run_band(
    set: InstructionSet,
    job: &Job,
    shape: &Shape,
    source: &[f32],
    rows: Range<usize>,
    blocks: Range<usize>,
    target: Target,
    image: usize,
) {
    let [height, width] = shape.size;
    let plane = height * width;
    let strided = shape.step != [1, 1];
    let pixels = rows.len() * job.size[1];
    let copy = if job.direct { 0 } else { job.planes.len() + SLACK };
    let widest = job.weights.blocks.iter().map(Block::lanes).max().unwrap_or(0);
    with_scratch(copy + if strided { widest * pixels } else { 0 }, |scratch| {
        let (planes, dense) = scratch.split_at_mut(copy);
        let taps = if job.direct {
            source[rows.start * job.size[1]..].as_ptr()
        } else {
            job.planes.gather(source, rows.start, planes);
            planes.as_ptr()
        };
        for block in &job.weights.blocks[blocks] {
            if strided {
                let base = Target::of(dense);
                // SAFETY: `dense` has room for the block's channels of `pixels` values.
                unsafe { run_block(set, job, block, taps, rows.len(), base.at(0), pixels) };
                // SAFETY: the caller's contract.
                unsafe { spread(job, shape, &rows, block, dense, target.at(image)) };
            } else {
                // SAFETY: the caller's contract; without a stride a job's rows are the output's.
                unsafe {
                    let base = target.at(image + block.start * plane + rows.start * width);
                    run_block(set, job, block, taps, rows.len(), base, plane);
                }
            }
        }
    });
}

/// Computes `rows` rows of a block's channels into `target`, whose channels are `plane` values apart and
/// whose rows follow each other.
///
/// # Safety
/// `taps` is the working copy that the job's offsets refer to, with `rows` rows; `target` can be
/// written for each channel of the block.
unsafe fn run_block(
    set: InstructionSet,
    job: &Job,
    block: &Block,
    taps: *const f32,
    rows: usize,
    target: *mut f32,
    plane: usize,
) {
    let weights = job.weights.of(block).as_ptr();
    let (lines, length) = match job.planes.narrow() {
        true => (1, rows * job.size[1]),
        false => (rows, job.size[1]),
    };
    let tiles = length.div_ceil(tile::largest(set, block.vectors));
    for line in 0..lines {
        for index in 0..tiles {
            // Tiles of nearly equal size are faster than full ones and a small rest.
            let pixels = index * length / tiles..(index + 1) * length / tiles;
            let kernel = tile::kernel(block.vectors, pixels.len());
            // SAFETY: the tile lies inside the line, the line inside the copy and the target.
            unsafe {
                let tile = Tile {
                    source: taps.add(line * job.planes.pitch() + pixels.start),
                    offsets: &job.offsets,
                    weights,
                    target: target.add(line * length + pixels.start),
                    target_plane: plane,
                    channels: block.channels,
                };
                kernel(set, tile);
            }
        }
    }
}

/// Writes a phase's rows to every `step`-th row and column of the output image at `image`.
///
/// # Safety
/// As for `run_band`.
unsafe fn spread(job: &Job, shape: &Shape, rows: &Range<usize>, block: &Block, dense: &[f32], image: *mut f32) {
    let [height, width] = shape.size;
    let columns = job.size[1];
    for channel in 0..block.channels {
        for (line, row) in rows.clone().enumerate() {
            let values = &dense[(channel * rows.len() + line) * columns..][..columns];
            let y = job.origin[0] + row * shape.step[0];
            let start = ((block.start + channel) * height + y) * width + job.origin[1];
            for (column, value) in values.iter().enumerate() {
                // SAFETY: row `y` and column `origin + column * step` lie inside the output.
                unsafe { *image.add(start + column * shape.step[1]) = *value };
            }
        }
    }
}
