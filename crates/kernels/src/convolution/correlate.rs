//! Correlations of a batch of images: the forward pass and the input gradient.

use std::ops::Range;

use rayon::prelude::*;

use super::geometry::{Correlation, Geometry, Phase};
use super::planes::{Planes, SLACK};
use super::spread::{Merge, merge};
use super::tile::{self, Tile};
use super::weights::{Block, PackedWeights};
use crate::memory::{Output, Target, with_scratch};
use crate::simd::InstructionSet;

/// Values of the working copy that a task keeps in the cache.
const CACHED: usize = 1 << 17;

/// One correlation and where its result goes.
struct Job {
    planes: Planes,
    /// Offset of each product's factor.
    offsets: Vec<usize>,
    /// Offset of each group of adjacent taps.
    grouped: Vec<usize>,
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
        let grouped = offsets.iter().copied().step_by(planes.adjacent_taps()).collect();
        Self { planes, offsets, grouped, weights, size: target, origin, direct }
    }

    /// Values of the working copy of one band.
    fn scratch(&self) -> usize {
        if self.direct { 0 } else { self.planes.len() + SLACK }
    }

    /// The rows of the result in the band that starts at `first_row`.
    fn rows(&self, first_row: usize, rows: usize) -> Range<usize> {
        first_row.min(self.size[0])..(first_row + rows).min(self.size[0])
    }
}

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

/// Some rows and channels of some jobs: the unit of work of one task.
struct Band<'a> {
    set: InstructionSet,
    jobs: &'a [Job],
    shape: &'a Shape,
    first_row: usize,
    blocks: Range<usize>,
}

impl Band<'_> {
    /// Computes the band from one image.
    ///
    /// # Safety
    /// `target` has `channels x height x width` values behind `image`, of which the caller's task alone uses
    /// those of the band's rows and channels.
    unsafe fn run(&self, source: &[f32], target: Target, image: usize) {
        let [height, width] = self.shape.size;
        let strided = self.shape.step != [1, 1];
        let blocks = self.jobs.first().map_or(&[][..], |job| &job.weights.blocks);
        let widest = blocks.iter().map(Block::lanes).max().unwrap_or(0);
        let copies: usize = self.jobs.iter().map(Job::scratch).sum();
        let pixels = |job: &Job| job.rows(self.first_row, self.shape.rows).len() * job.size[1];
        let dense: usize = if strided { self.jobs.iter().map(|job| widest * pixels(job)).sum() } else { 0 };
        with_scratch(copies + dense, |scratch| {
            let (mut copies, dense) = scratch.split_at_mut(copies);
            let mut taps = Vec::with_capacity(self.jobs.len());
            for job in self.jobs {
                if job.direct {
                    taps.push(source[self.first_row * job.size[1]..].as_ptr());
                    continue;
                }
                let (copy, rest) = std::mem::take(&mut copies).split_at_mut(job.scratch());
                job.planes.gather(self.set, source, self.first_row, copy);
                taps.push(copy.as_ptr());
                copies = rest;
            }
            for (index, block) in blocks.iter().enumerate().take(self.blocks.end).skip(self.blocks.start) {
                let mut start = 0;
                for (job, taps) in self.jobs.iter().zip(&taps) {
                    let rows = job.rows(self.first_row, self.shape.rows);
                    if strided && job.offsets.is_empty() {
                        // No tap reaches these pixels.
                        dense[start..start + block.channels * pixels(job)].fill(0.0);
                        start += widest * pixels(job);
                        continue;
                    }
                    // SAFETY: the caller's contract; without a stride a job's rows are the output's. `dense`
                    // has room for the channels and pixels of each job.
                    unsafe {
                        let (base, plane) = match strided {
                            true => (Target::of(dense).at(start), pixels(job)),
                            false => {
                                let base = image + block.start * height * width + rows.start * width;
                                (target.at(base), height * width)
                            }
                        };
                        self.run_block(job, index, *taps, rows.len(), base, plane);
                    }
                    start += widest * pixels(job);
                }
                if strided {
                    // SAFETY: the caller's contract.
                    unsafe { self.spread(block, widest, dense, target.at(image)) };
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
        &self,
        job: &Job,
        block: usize,
        taps: *const f32,
        rows: usize,
        target: *mut f32,
        plane: usize,
    ) {
        let block = &job.weights.blocks[block];
        let weights = job.weights.of(block).as_ptr();
        let (lines, length) = match job.planes.linear() {
            true => (1, rows * job.size[1]),
            false => (rows, job.size[1]),
        };
        let adjacent = tile::adjacent(self.set, block.vectors);
        let (adjacent, offsets) = match job.planes.adjacent_taps() {
            taps if taps == adjacent => (adjacent, &job.grouped),
            _ => (1, &job.offsets),
        };
        let tiles = length.div_ceil(tile::largest(self.set, block.vectors, adjacent));
        for line in 0..lines {
            for index in 0..tiles {
                // Tiles of nearly equal size are faster than full ones and a small rest.
                let pixels = index * length / tiles..(index + 1) * length / tiles;
                let kernel = tile::kernel(block.vectors, adjacent, pixels.len());
                // SAFETY: the tile lies inside the line, the line inside the copy and the target.
                unsafe {
                    let tile = Tile {
                        source: taps.add(line * job.planes.pitch() + pixels.start),
                        offsets,
                        weights,
                        target: target.add(line * length + pixels.start),
                        target_plane: plane,
                        channels: block.channels,
                    };
                    kernel(self.set, tile);
                }
            }
        }
    }

    /// Writes the rows of all phases to the output image at `image`, every `step`-th column from one phase.
    ///
    /// # Safety
    /// As for `run`.
    unsafe fn spread(&self, block: &Block, widest: usize, dense: &[f32], image: *mut f32) {
        let ([height, width], step) = (self.shape.size, self.shape.step);
        let Some(first) = self.jobs.first() else { return };
        let rows = first.rows(self.first_row, self.shape.rows);
        // SAFETY: the block's first channel and the rows of the phases lie inside the image.
        let target = unsafe {
            image.add((block.start * height + first.origin[0] + rows.start * step[0]) * width)
        };
        let (target_row, target_plane) = (step[0] * width, height * width);
        let mut values = dense;
        if let (2, [one, other]) = (step[1], self.jobs) {
            let (one_columns, other_columns) = dense.split_at(widest * rows.len() * one.size[1]);
            let (even, odd) = match one.origin[1] < other.origin[1] {
                true => (one_columns, other_columns),
                false => (other_columns, one_columns),
            };
            let (even, odd, channels) = (even.as_ptr(), odd.as_ptr(), block.channels);
            let (rows, columns) = (rows.len(), width);
            // SAFETY: the two phases are the even and odd columns of the rows.
            unsafe {
                merge(self.set, Merge { even, odd, channels, rows, columns, target, target_row, target_plane });
            }
            return;
        }
        for job in self.jobs {
            let (columns, rest) = values.split_at(widest * rows.len() * job.size[1]);
            for (line, columns) in columns.chunks_exact(job.size[1].max(1)).enumerate().take(block.channels * rows.len()) {
                let start = line / rows.len() * target_plane + line % rows.len() * target_row + job.origin[1];
                for (column, value) in columns.iter().enumerate() {
                    // SAFETY: column `origin + column * step` of the row lies inside the output.
                    unsafe { *target.add(start + column * step[1]) = *value };
                }
            }
            values = rest;
        }
    }
}
