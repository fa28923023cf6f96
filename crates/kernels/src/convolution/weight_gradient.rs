//! The weight gradient: a sum over images and pixels of input by output gradient.

use std::ops::Range;

use rayon::prelude::*;

use super::geometry::Geometry;
use super::gradient_tile::{self, GradientTile};
use super::interleave::{Interleave, interleave};
use super::planes::{Planes, SLACK};
use super::tile::widest;
use super::weights::Block;
use crate::memory::{Target, with_scratch};
use crate::simd::InstructionSet;

/// Values of the working copy of one image that stay in the cache.
const CACHED: usize = 1 << 17;

/// Pixels that one visit of the sums should cover.
const PIXELS: usize = 96;

/// A block of output channels and how its inner loop is laid out.
struct BlockPlan {
    block: Block,
    /// Pixels of a group.
    group: usize,
    /// Taps of one call of the kernel.
    taps: usize,
    /// Pixels of a run, rounded up to whole groups.
    padded: usize,
    /// Offsets of the taps, rounded up to whole calls.
    offsets: Vec<usize>,
    /// Where the block's sums (tap, lane) start.
    sums: usize,
    /// Where the block's part of one image's output gradient starts.
    gradient: usize,
}

/// What all tasks share.
struct Plan {
    set: InstructionSet,
    geometry: Geometry,
    planes: Planes,
    /// Rows of the output in one band.
    rows: usize,
    /// Images that one visit of the sums covers.
    images: usize,
    blocks: Vec<BlockPlan>,
    /// Values of the sums.
    sums: usize,
    /// Values of one image's output gradient.
    gradient: usize,
}

/// Gradient of a convolution with respect to its weight: input (B, I, H, W), output gradient
/// (B, O, HO, WO), result (O, I, KH, KW). The images are summed in fixed groups, and these in order, so that
/// the result does not depend on the number of threads.
pub(crate) fn convolve_weight_gradient(
    set: InstructionSet,
    geometry: &Geometry,
    input: &[f32],
    output_gradient: &[f32],
) -> Vec<f32> {
    let plan = Plan::new(set, *geometry);
    let depth = geometry.forward().depth();
    let chunks = ((1 << 22) / plan.sums.max(1)).clamp(8, 32).min(geometry.batch.max(1));
    let mut partial = vec![0.0; chunks * plan.sums];
    partial.par_chunks_exact_mut(plan.sums.max(1)).enumerate().for_each(|(chunk, sums)| {
        let images = chunk * geometry.batch / chunks..(chunk + 1) * geometry.batch / chunks;
        plan.accumulate(input, output_gradient, images, sums);
    });
    let mut gradient = vec![0.0; geometry.out_channels * depth];
    gradient.par_chunks_exact_mut(depth.max(1)).enumerate().for_each(|(channel, values)| {
        let Some(plan_of_block) = plan.blocks.iter().rfind(|plan| plan.block.start <= channel) else { return };
        let lane = plan_of_block.sums + channel - plan_of_block.block.start;
        let lanes = plan_of_block.block.lanes();
        for sums in partial.chunks_exact(plan.sums) {
            for (value, sum) in values.iter_mut().zip(sums[lane..].iter().step_by(lanes)) {
                *value += sum;
            }
        }
    });
    gradient
}

impl Plan {
    fn new(set: InstructionSet, geometry: Geometry) -> Self {
        let correlation = geometry.forward();
        let [height, width] = geometry.output;
        let all = Planes::new(correlation, height).len();
        let rows = height.div_ceil(all.div_ceil(CACHED).clamp(1, height.max(1))).max(1);
        let planes = Planes::new(correlation, rows);
        let offsets = planes.offsets();
        let (runs, length) = if planes.narrow() { (1, rows * width) } else { (rows, width) };
        let mut plan = Self {
            set,
            geometry,
            planes,
            rows,
            images: if planes.narrow() { PIXELS.div_ceil(length.max(1)).min(8) } else { 1 },
            blocks: Vec::new(),
            sums: 0,
            gradient: 0,
        };
        for block in Block::split(geometry.out_channels, widest(set)) {
            let group = gradient_tile::group(set, block.vectors, length);
            let taps = gradient_tile::taps(set, block.vectors);
            let padded = length.next_multiple_of(group);
            let mut offsets = offsets.clone();
            offsets.resize(offsets.len().next_multiple_of(taps), 0);
            let sums = offsets.len() * block.lanes();
            plan.blocks.push(BlockPlan {
                block,
                group,
                taps,
                padded,
                offsets,
                sums: plan.sums,
                gradient: plan.gradient,
            });
            plan.sums += sums;
            plan.gradient += runs * padded * block.lanes();
        }
        plan
    }

    /// Adds the products of `images` to `sums`.
    fn accumulate(&self, input: &[f32], output_gradient: &[f32], images: Range<usize>, sums: &mut [f32]) {
        let Geometry { in_channels, out_channels, input: [height, width], .. } = self.geometry;
        let pixels = self.geometry.output[0] * self.geometry.output[1];
        let source = self.planes.len() + SLACK;
        with_scratch(self.images * (source + self.gradient), |scratch| {
            let (sources, gradients) = scratch.split_at_mut(self.images * source);
            for first in images.clone().step_by(self.images) {
                let images = first..(first + self.images).min(images.end);
                for row in (0..self.geometry.output[0]).step_by(self.rows) {
                    let rows = row..(row + self.rows).min(self.geometry.output[0]);
                    for (slot, image) in images.clone().enumerate() {
                        let values = in_channels * height * width;
                        self.planes.gather(
                            &input[image * values..(image + 1) * values],
                            row,
                            &mut sources[slot * source..(slot + 1) * source],
                        );
                        self.interleave(
                            &output_gradient[image * out_channels * pixels..(image + 1) * out_channels * pixels],
                            rows.clone(),
                            &mut gradients[slot * self.gradient..(slot + 1) * self.gradient],
                        );
                    }
                    self.multiply(sources, gradients, images.len(), rows.len(), sums);
                }
            }
        });
    }

    /// Brings the channels of each block side by side: (block, run, pixel, lane).
    fn interleave(&self, image: &[f32], rows: Range<usize>, gradient: &mut [f32]) {
        let [height, width] = self.geometry.output;
        let (runs, length) = match self.planes.narrow() {
            true => (1, rows.len() * width),
            false => (rows.len(), width),
        };
        for BlockPlan { block, padded, gradient: start, .. } in &self.blocks {
            for run in 0..runs {
                for vector in 0..block.vectors {
                    let source = (block.start + 16 * vector) * height * width + rows.start * width + run * length;
                    let target = start + run * padded * block.lanes() + 16 * vector;
                    let run = Interleave {
                        source: image[source..].as_ptr(),
                        source_plane: height * width,
                        channels: (block.channels - 16 * vector).min(16),
                        pixels: length,
                        padded: *padded,
                        target: gradient[target..].as_mut_ptr(),
                        target_step: block.lanes(),
                    };
                    // SAFETY: the run lies inside the image's channels, and its padded pixels
                    // inside the block's part of the gradient.
                    unsafe { interleave(self.set, run) };
                }
            }
        }
    }

    /// Adds the products of the copied images to `sums`.
    fn multiply(&self, sources: &[f32], gradients: &[f32], images: usize, rows: usize, sums: &mut [f32]) {
        let source = self.planes.len() + SLACK;
        let width = self.geometry.output[1];
        let sums = Target::of(sums);
        for BlockPlan { block, group, taps, padded, offsets, sums: block_sums, gradient } in &self.blocks {
            let kernel = gradient_tile::kernel(self.set, block.vectors, *group);
            let groups = if self.planes.narrow() { (rows * width).div_ceil(*group) } else { padded / group };
            for (index, offsets) in offsets.chunks_exact(*taps).enumerate() {
                // SAFETY: the sums of the task's own chunk, whole calls of `taps x lanes`. Groups end at
                // most one group behind their run: in the working copy that is at most the slack
                // behind it, in the gradient the padding of the run.
                unsafe {
                    let tile = GradientTile {
                        source: sources.as_ptr(),
                        source_step: if self.planes.narrow() { source } else { self.planes.pitch() },
                        gradient: gradients[*gradient..].as_ptr(),
                        gradient_step: match self.planes.narrow() {
                            true => self.gradient,
                            false => padded * block.lanes(),
                        },
                        runs: if self.planes.narrow() { images } else { rows },
                        groups,
                        offsets: offsets.as_ptr(),
                        sums: sums.at(block_sums + index * taps * block.lanes()),
                    };
                    kernel(self.set, tile);
                }
            }
        }
    }
}
