//! The inner loop of the weight gradient: products of some taps by output channels, summed over pixels in
//! registers.

use crate::simd::{InstructionSet, Lanes, for_instruction_set};

/// Runs of pixels over which the products of `TAPS` taps and `VECTORS * 16` channels are summed.
#[derive(Clone, Copy)]
pub(crate) struct GradientTile {
    /// First pixel of the first run in the working copy of the input.
    pub(crate) source: *const f32,
    /// From a run to the next in the working copy.
    pub(crate) source_step: usize,
    /// Output gradient (pixel, lane) of the first run.
    pub(crate) gradient: *const f32,
    /// From a run to the next in the output gradient.
    pub(crate) gradient_step: usize,
    /// Runs.
    pub(crate) runs: usize,
    /// Groups of `PIXELS` pixels in a run.
    pub(crate) groups: usize,
    /// Where the `TAPS` taps lie, from a pixel of the working copy.
    pub(crate) offsets: *const usize,
    /// Sums (tap, lane), added to.
    pub(crate) sums: *mut f32,
}

/// Adds the products of all runs to the sums.
///
/// # Safety
/// All addresses that the fields imply can be read, and `sums` written.
pub(crate) type GradientKernel = unsafe fn(InstructionSet, GradientTile);

/// Taps that a kernel for blocks of `vectors` vectors takes.
pub(crate) fn taps(set: InstructionSet, vectors: usize) -> usize {
    match (set, vectors) {
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx512, 1) => 16,
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx512, _) => 8,
        _ => 4,
    }
}

/// Number of pixels in a group that wastes least on runs of `length`.
pub(crate) fn group(set: InstructionSet, vectors: usize, length: usize) -> usize {
    let choices: &[usize] = match (set, vectors) {
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx512, 1) => &[14, 12, 10, 8, 7, 6, 5, 4],
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx512, _) => &[7, 6, 5, 4],
        _ => &[2, 1],
    };
    // Besides its pixels a group costs about one pixel of address arithmetic.
    let cost = |group: &usize| length.div_ceil(*group) * (group + 1);
    choices.iter().copied().min_by_key(cost).unwrap_or(1)
}

/// The kernel for blocks of `vectors` vectors and groups of `pixels` pixels.
pub(crate) fn kernel(set: InstructionSet, vectors: usize, pixels: usize) -> GradientKernel {
    macro_rules! table {
        ($vectors:literal $taps:literal: $($pixels:literal)*) => {
            match pixels {
                $($pixels => tile::<$vectors, $taps, $pixels>,)*
                _ => unreachable!("no group of {pixels} pixels"),
            }
        };
    }
    match (vectors, taps(set, vectors)) {
        (1, 16) => table!(1 16: 4 5 6 7 8 10 12 14),
        (2, 8) => table!(2 8: 4 5 6 7),
        _ => table!(1 4: 1 2),
    }
}

for_instruction_set! {
    unsafe fn tile<const VECTORS: usize, const TAPS: usize, const PIXELS: usize>(tile: GradientTile) = body;
}

#[inline(always)]
unsafe fn body<L: Lanes, const VECTORS: usize, const TAPS: usize, const PIXELS: usize>(tile: GradientTile) {
    // SAFETY: the contract of `GradientKernel`.
    unsafe {
        let mut sums = [[L::zero(); VECTORS]; TAPS];
        for (tap, sums) in sums.iter_mut().enumerate() {
            for (vector, sum) in sums.iter_mut().enumerate() {
                *sum = L::load(tile.sums.add(16 * (tap * VECTORS + vector)));
            }
        }
        for run in 0..tile.runs {
            let mut source = tile.source.add(run * tile.source_step);
            let mut gradient = tile.gradient.add(run * tile.gradient_step);
            for _ in 0..tile.groups {
                let mut gradients = [[L::zero(); VECTORS]; PIXELS];
                for (pixel, gradients) in gradients.iter_mut().enumerate() {
                    for (vector, value) in gradients.iter_mut().enumerate() {
                        *value = L::load(gradient.add(16 * (pixel * VECTORS + vector)));
                    }
                }
                for (tap, sums) in sums.iter_mut().enumerate() {
                    let taps = source.add(*tile.offsets.add(tap));
                    for (pixel, gradients) in gradients.iter().enumerate() {
                        let value = L::splat(*taps.add(pixel));
                        for (sum, gradient) in sums.iter_mut().zip(gradients) {
                            *sum = sum.add_product(value, *gradient);
                        }
                    }
                }
                source = source.add(PIXELS);
                gradient = gradient.add(16 * VECTORS * PIXELS);
            }
        }
        for (tap, sums) in sums.iter().enumerate() {
            for (vector, sum) in sums.iter().enumerate() {
                sum.store(tile.sums.add(16 * (tap * VECTORS + vector)));
            }
        }
    }
}
