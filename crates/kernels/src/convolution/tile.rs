//! The inner loop of the convolution: a tile of pixels by output channels that stays in registers.

use crate::simd::{InstructionSet, Lanes, for_instruction_set};

/// A tile of `PIXELS` neighbouring pixels by `VECTORS * 16` channels.
#[derive(Clone, Copy)]
pub(crate) struct Tile<'a> {
    /// The tile's first pixel in the working copy of the image.
    pub(crate) source: *const f32,
    /// Where the factors of the products lie, from `source`: with adjacent taps one for each group of these.
    pub(crate) offsets: &'a [usize],
    /// Weights (product, lane).
    pub(crate) weights: *const f32,
    /// The tile's first pixel in the first channel of the target.
    pub(crate) target: *mut f32,
    /// Distance between the channels of the target.
    pub(crate) target_plane: usize,
    /// Channels to write.
    pub(crate) channels: usize,
}

/// Computes one tile.
///
/// # Safety
/// `source + offsets[..] + 0..pixels + taps - 1` can be read, `weights` has `offsets.len() * taps * 16 *
/// vectors` values, and `target + channel * target_plane + 0..pixels` can be written for each of the channels.
pub(crate) type TileKernel = unsafe fn(InstructionSet, Tile<'_>);

/// Vectors of 16 channels in the widest tile: what is best held in the registers of the set.
pub(crate) fn widest(set: InstructionSet) -> usize {
    match set {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => 2,
        _ => 1,
    }
}

/// Pixels of the largest tile: as many as there are registers for.
pub(crate) fn largest(set: InstructionSet, vectors: usize, taps: usize) -> usize {
    match (set, vectors, taps) {
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx512, 1, 1) => 28,
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx512, 1, _) => 24,
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx512, ..) => 14,
        _ => 6,
    }
}

/// Neighbouring taps that tiles of `vectors` vectors take together, if the kernel has as many: each value then
/// is loaded once for all of them. Wider tiles use a loaded value for two vectors anyway and have no registers
/// left.
pub(crate) fn adjacent(set: InstructionSet, vectors: usize) -> usize {
    match (set, vectors) {
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx512, 1) => 3,
        _ => 1,
    }
}

/// The kernel for a tile of `pixels <= largest(set, vectors, taps)` that takes `taps` neighbouring taps together.
pub(crate) fn kernel(vectors: usize, taps: usize, pixels: usize) -> TileKernel {
    macro_rules! table {
        ($vectors:literal $taps:literal: $($pixels:literal)*) => {
            match pixels {
                $($pixels => tile::<$vectors, $taps, $pixels>,)*
                _ => unreachable!("no tile of {pixels} pixels"),
            }
        };
    }
    match (vectors, taps) {
        (1, 1) => table!(1 1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28),
        (1, _) => table!(1 3: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24),
        _ => table!(2 1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14),
    }
}

for_instruction_set! {
    unsafe fn tile<const VECTORS: usize, const TAPS: usize, const PIXELS: usize>(tile: Tile<'_>) = body;
}

#[inline(always)]
unsafe fn body<L: Lanes, const VECTORS: usize, const TAPS: usize, const PIXELS: usize>(tile: Tile<'_>) {
    // SAFETY: the contract of `TileKernel`.
    unsafe {
        let mut sums = [[L::zero(); VECTORS]; PIXELS];
        let mut weights = tile.weights;
        for &offset in tile.offsets {
            let source = tile.source.add(offset);
            let mut factors = [[L::zero(); VECTORS]; TAPS];
            for (tap, factors) in factors.iter_mut().enumerate() {
                for (vector, factor) in factors.iter_mut().enumerate() {
                    *factor = L::load(weights.add(16 * (tap * VECTORS + vector)));
                }
            }
            for (pixel, sums) in sums.iter_mut().enumerate() {
                for (tap, factors) in factors.iter().enumerate() {
                    // Neighbouring pixels share their values; the compiler loads each once.
                    let value = L::splat(*source.add(pixel + tap));
                    for (sum, factor) in sums.iter_mut().zip(factors) {
                        *sum = sum.add_product(value, *factor);
                    }
                }
            }
            weights = weights.add(16 * VECTORS * TAPS);
        }
        // Lanes are channels: transpose in squares of 16 pixels by 16 channels.
        for vector in 0..VECTORS {
            let channels = tile.channels.saturating_sub(16 * vector).min(16);
            for first in (0..PIXELS.div_ceil(16)).map(|square| 16 * square) {
                let pixels = (PIXELS - first).min(16);
                let mut square = [L::zero(); 16];
                for pixel in 0..pixels {
                    square[pixel] = sums[first + pixel][vector];
                }
                L::transpose(&mut square);
                let target = tile.target.add(16 * vector * tile.target_plane + first);
                for (channel, row) in square.iter().enumerate() {
                    if channel < channels {
                        row.store_first(target.add(channel * tile.target_plane), pixels);
                    }
                }
            }
        }
    }
}
