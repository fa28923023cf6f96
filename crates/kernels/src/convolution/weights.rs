//! Weights in the order in which the inner loop reads them.

use rayon::prelude::*;

/// Channels of the target that one pass of the inner loop computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// First channel.
    pub(crate) start: usize,
    /// Channels that exist, at most `16 * vectors`; the other lanes are padding.
    pub(crate) channels: usize,
    /// Vectors of 16 lanes.
    pub(crate) vectors: usize,
}

impl Block {
    /// Splits `channels` into blocks of at most `widest` vectors.
    pub(crate) fn split(channels: usize, widest: usize) -> Vec<Self> {
        let mut blocks = Vec::new();
        let mut start = 0;
        while start < channels {
            let vectors = (channels - start).div_ceil(16).min(widest);
            let count = (channels - start).min(16 * vectors);
            blocks.push(Self { start, channels: count, vectors });
            start += count;
        }
        blocks
    }

    /// Lanes, padding included.
    pub(crate) fn lanes(&self) -> usize {
        16 * self.vectors
    }
}

/// For each block: for each product (depth), the weights of the block's lanes side by side.
pub(crate) struct PackedWeights {
    /// The blocks.
    pub(crate) blocks: Vec<Block>,
    depth: usize,
    values: Vec<f32>,
}

impl PackedWeights {
    /// Packs `weight(channel of the target, index of the product)`.
    pub(crate) fn new(blocks: Vec<Block>, depth: usize, weight: impl Fn(usize, usize) -> f32 + Sync) -> Self {
        let lanes: usize = blocks.iter().map(Block::lanes).sum();
        let mut values = vec![0.0; depth * lanes];
        let mut parts = Vec::with_capacity(blocks.len());
        let mut rest = values.as_mut_slice();
        for block in &blocks {
            let (part, behind) = rest.split_at_mut(depth * block.lanes());
            parts.push((block, part));
            rest = behind;
        }
        parts.into_par_iter().for_each(|(block, part)| {
            for (index, lanes) in part.chunks_exact_mut(block.lanes()).enumerate() {
                for (lane, value) in lanes[..block.channels].iter_mut().enumerate() {
                    *value = weight(block.start + lane, index);
                }
            }
        });
        Self { blocks, depth, values }
    }

    /// Weights of one block: (depth, lanes).
    pub(crate) fn of(&self, block: &Block) -> &[f32] {
        // Blocks before this one are full, so lanes and channels agree up to its start.
        let start = block.start * self.depth;
        &self.values[start..start + self.depth * block.lanes()]
    }
}
