//! The weight gradient: a sum over images and pixels of input by output gradient.

use std::ops::Range;

use rayon::prelude::*;

use super::geometry::Geometry;
use super::gradient_tile::{GradientKernel, GradientTile, STEP};
use super::interleave::{Interleave, interleave};
use super::planes::{Planes, SLACK};
use super::tile::widest;
use super::weights::Block;
use crate::memory::with_scratch;
use crate::simd::InstructionSet;

/// Values of the working copy of one image that stay in the cache.
const CACHED: usize = 1 << 17;

/// Pixels that one visit of the sums should cover.
const PIXELS: usize = 96;

/// Tasks that the sum is split into (some blocks of channels by groups of images).
const TASKS: usize = 32;

/// Channels of a task's blocks, which share the working copies of the images.
const LANES: usize = 32;

/// Sums that one task adds up over the groups of images.
const PIECE: usize = 4096;

/// A block of output channels and how its inner loop is laid out.
struct BlockPlan {
    block: Block,
    kernel: GradientKernel,
    /// Offsets of the first tap of each group, rounded up to whole calls of the kernel.
    offsets: Vec<usize>,
    /// Values of the output gradient of one image: (run, pixel, lane).
    gradient: usize,
}

impl BlockPlan {
    /// Values of the sums (tap, lane).
    fn sums(&self) -> usize {
        self.offsets.len() * self.kernel.taps * self.block.lanes()
    }
}

/// What all tasks share.
struct Plan {
    set: InstructionSet,
    geometry: Geometry,
    planes: Planes,
    /// Rows of the output in one band.
    rows: usize,
    /// Pixels of a run of the output gradient, rounded up to whole turns of the kernel.
    padded: usize,
    /// Images that one visit of the sums covers.
    images: usize,
    blocks: Vec<BlockPlan>,
    /// Values of the sums (block, tap, lane).
    sums: usize,
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
    let together = plan.blocks.chunks((LANES / (16 * widest(set))).max(1));
    let chunks = TASKS.div_ceil(together.len().max(1)).max(4).min(geometry.batch.max(1));
    let mut partial = vec![0.0; chunks * plan.sums];
    let mut tasks = Vec::with_capacity(chunks * together.len());
    let mut rest = partial.as_mut_slice();
    for chunk in 0..chunks {
        let images = chunk * geometry.batch / chunks..(chunk + 1) * geometry.batch / chunks;
        for blocks in together.clone() {
            let (sums, behind) = rest.split_at_mut(blocks.iter().map(BlockPlan::sums).sum());
            tasks.push((images.clone(), blocks, sums));
            rest = behind;
        }
    }
    tasks.into_par_iter().for_each(|(images, blocks, sums)| {
        plan.accumulate(blocks, input, output_gradient, images, sums);
    });
    plan.collect(&mut partial)
}

impl Plan {
    fn new(set: InstructionSet, geometry: Geometry) -> Self {
        let correlation = geometry.forward();
        let [height, width] = geometry.output;
        let all = Planes::new(correlation, height).len();
        let rows = height.div_ceil(all.div_ceil(CACHED).clamp(1, height.max(1))).max(1);
        let planes = Planes::new(correlation, rows);
        let offsets = planes.offsets();
        let (runs, length) = if planes.linear() { (1, rows * width) } else { (rows, width) };
        let mut plan = Self {
            set,
            geometry,
            rows,
            padded: length.next_multiple_of(STEP),
            images: if planes.linear() { PIXELS.div_ceil(length.max(1)).min(8) } else { 1 },
            planes,
            blocks: Vec::new(),
            sums: 0,
        };
        for block in Block::split(geometry.out_channels, widest(set)) {
            let kernel = GradientKernel::new(set, block.vectors, plan.planes.adjacent_taps());
            let mut offsets: Vec<usize> = offsets.iter().copied().step_by(kernel.taps).collect();
            offsets.resize(offsets.len().next_multiple_of(kernel.groups), 0);
            let gradient = runs * plan.padded * block.lanes();
            let block = BlockPlan { block, kernel, offsets, gradient };
            plan.sums += block.sums();
            plan.blocks.push(block);
        }
        plan
    }

    /// Adds the products of `images` and the channels of `blocks` to `sums`.
    fn accumulate(
        &self,
        blocks: &[BlockPlan],
        input: &[f32],
        output_gradient: &[f32],
        images: Range<usize>,
        sums: &mut [f32],
    ) {
        let Geometry { in_channels, out_channels, input: [height, width], output, .. } = self.geometry;
        let (values, gradients) = (in_channels * height * width, out_channels * output[0] * output[1]);
        let source = self.planes.len() + SLACK;
        let largest = blocks.iter().map(|block| block.gradient).max().unwrap_or(0);
        with_scratch(self.images * (source + largest), |scratch| {
            let (sources, scratch) = scratch.split_at_mut(self.images * source);
            for first in images.clone().step_by(self.images) {
                let images = first..(first + self.images).min(images.end);
                for row in (0..output[0]).step_by(self.rows) {
                    let rows = row..(row + self.rows).min(output[0]);
                    for (image, source) in images.clone().zip(sources.chunks_exact_mut(source)) {
                        let image = &input[image * values..(image + 1) * values];
                        self.planes.gather(self.set, image, row, source);
                    }
                    let mut sums = &mut *sums;
                    for block in blocks {
                        for (image, gradient) in images.clone().zip(scratch.chunks_exact_mut(block.gradient))
                        {
                            let image = &output_gradient[image * gradients..(image + 1) * gradients];
                            self.interleave(block, image, rows.clone(), gradient);
                        }
                        let (of_block, behind) = std::mem::take(&mut sums).split_at_mut(block.sums());
                        self.multiply(block, sources, scratch, images.len(), rows.len(), of_block);
                        sums = behind;
                    }
                }
            }
        });
    }

    /// Brings the channels of the block side by side: (run, pixel, lane).
    fn interleave(&self, plan: &BlockPlan, image: &[f32], rows: Range<usize>, gradient: &mut [f32]) {
        let [height, width] = self.geometry.output;
        let (runs, length) = match self.planes.linear() {
            true => (1, rows.len() * width),
            false => (rows.len(), width),
        };
        let BlockPlan { block, .. } = plan;
        for run in 0..runs {
            for vector in 0..block.vectors {
                let source = (block.start + 16 * vector) * height * width + rows.start * width + run * length;
                let target = run * self.padded * block.lanes() + 16 * vector;
                let run = Interleave {
                    source: image[source..].as_ptr(),
                    source_plane: height * width,
                    channels: (block.channels - 16 * vector).min(16),
                    pixels: length,
                    padded: self.padded,
                    target: gradient[target..].as_mut_ptr(),
                    target_step: block.lanes(),
                };
                // SAFETY: the run lies inside the image's channels, and its padded pixels inside the
                // gradient.
                unsafe { interleave(self.set, run) };
            }
        }
    }

    /// Adds the products of the copied images to `sums`.
    fn multiply(
        &self,
        plan: &BlockPlan,
        sources: &[f32],
        gradients: &[f32],
        images: usize,
        rows: usize,
        sums: &mut [f32],
    ) {
        let BlockPlan { block, kernel, offsets, gradient } = plan;
        let linear = self.planes.linear();
        let length = if linear { rows * self.geometry.output[1] } else { self.padded };
        let sums = sums.chunks_exact_mut(kernel.groups * kernel.taps * block.lanes());
        for (offsets, sums) in offsets.chunks_exact(kernel.groups).zip(sums) {
            let tile = GradientTile {
                source: sources.as_ptr(),
                source_step: if linear { self.planes.len() + SLACK } else { self.planes.pitch() },
                gradient: gradients.as_ptr(),
                gradient_step: if linear { *gradient } else { self.padded * block.lanes() },
                runs: if linear { images } else { rows },
                turns: length.div_ceil(STEP),
                offsets: offsets.as_ptr(),
                sums: sums.as_mut_ptr(),
            };
            // SAFETY: turns end at most one pixel behind their run: in the working copy that is at most the
            // slack behind it, in the gradient the padding of the run.
            unsafe { kernel.run(self.set, tile) };
        }
    }

    /// Adds up the chunks in order and brings the sums (block, tap, lane) into the order of the weight.
    fn collect(&self, partial: &mut [f32]) -> Vec<f32> {
        let depth = self.geometry.forward().depth();
        let mut gradient = vec![0.0; self.geometry.out_channels * depth];
        if self.sums == 0 || gradient.is_empty() {
            return gradient;
        }
        let (total, others) = partial.split_at_mut(self.sums);
        total.par_chunks_mut(PIECE).enumerate().for_each(|(piece, total)| {
            for sums in others.chunks_exact(self.sums) {
                for (total, sum) in total.iter_mut().zip(&sums[piece * PIECE..]) {
                    *total += sum;
                }
            }
        });
        let mut sums = &*total;
        let mut channels = gradient.as_mut_slice();
        for plan in &self.blocks {
            let block = plan.block;
            let (of_block, rest) = std::mem::take(&mut channels).split_at_mut(block.channels * depth);
            let lanes = block.lanes();
            // Some taps at a time, so that their sums stay in the cache while each lane is picked out.
            for first in (0..depth).step_by(16) {
                let taps = first..(first + 16).min(depth);
                for (lane, values) in of_block.chunks_exact_mut(depth).enumerate() {
                    for tap in taps.clone() {
                        values[tap] = sums[tap * lanes + lane];
                    }
                }
            }
            sums = &sums[plan.sums()..];
            channels = rest;
        }
        gradient
    }
}
