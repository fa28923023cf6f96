//! The work of one task: some rows and channels of one image.

use std::ops::Range;

use super::job::{Job, Shape};
use super::spread::{Merge, merge};
use super::tile::{self, Tile};
use super::weights::Block;
use crate::memory::{Target, with_scratch};
use crate::simd::InstructionSet;

/// Some rows and channels of some jobs: the unit of work of one task.
pub(super) struct Band<'a> {
    /// Instructions to use.
    pub(super) set: InstructionSet,
    /// The phases whose columns make up the same rows of the output.
    pub(super) jobs: &'a [Job],
    /// Sizes of the call.
    pub(super) shape: &'a Shape,
    /// First row of the jobs' results.
    pub(super) first_row: usize,
    /// Blocks of channels.
    pub(super) blocks: Range<usize>,
}

impl Band<'_> {
    /// Computes the band from one image.
    ///
    /// # Safety
    /// `target` has `channels x height x width` values behind `image`, of which the caller's task alone uses
    /// those of the band's rows and channels.
    pub(super) unsafe fn run(&self, source: &[f32], target: Target, image: usize) {
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
        let target =
            unsafe { image.add((block.start * height + first.origin[0] + rows.start * step[0]) * width) };
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
                merge(
                    self.set,
                    Merge { even, odd, channels, rows, columns, target, target_row, target_plane },
                );
            }
            return;
        }
        for job in self.jobs {
            let (columns, rest) = values.split_at(widest * rows.len() * job.size[1]);
            for (line, columns) in
                columns.chunks_exact(job.size[1].max(1)).enumerate().take(block.channels * rows.len())
            {
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
