//! The inner loop of the weight gradient: products of some taps by output channels, summed over pixels in
//! registers.

use crate::simd::{InstructionSet, Lanes, for_instruction_set};

/// Pixels that one turn of the loop takes; runs are rounded up to a whole number of turns.
pub(crate) const STEP: usize = 2;

/// Runs of pixels over which the products of some taps and `16 * VECTORS` channels are summed. The taps are
/// `GROUPS` groups of `TAPS` neighbouring ones, whose values are loaded once for the group.
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
    /// Turns of [`STEP`] pixels in a run.
    pub(crate) turns: usize,
    /// Where the first tap of each group lies, from a pixel of the working copy.
    pub(crate) offsets: *const usize,
    /// Sums (tap, lane), added to.
    pub(crate) sums: *mut f32,
}

/// A kernel and the taps that it takes at a time.
#[derive(Clone, Copy)]
pub(crate) struct GradientKernel {
    /// Groups of taps.
    pub(crate) groups: usize,
    /// Neighbouring taps in a group.
    pub(crate) taps: usize,
    run: unsafe fn(InstructionSet, GradientTile),
}

impl GradientKernel {
    /// The kernel for blocks of `vectors` vectors where `adjacent` taps lie next to each other: as many sums as
    /// there are registers for, and few enough addresses.
    pub(crate) fn new(set: InstructionSet, vectors: usize, adjacent: usize) -> Self {
        match (set, vectors, adjacent) {
            #[cfg(target_arch = "x86_64")]
            (InstructionSet::Avx512, 1, 3) => Self { groups: 6, taps: 3, run: tile::<1, 6, 3> },
            #[cfg(target_arch = "x86_64")]
            (InstructionSet::Avx512, 1, _) => Self { groups: 8, taps: 1, run: tile::<1, 8, 1> },
            #[cfg(target_arch = "x86_64")]
            (InstructionSet::Avx512, ..) => Self { groups: 8, taps: 1, run: tile::<2, 8, 1> },
            _ => Self { groups: 5, taps: 1, run: tile::<1, 5, 1> },
        }
    }

    /// Adds the products of all runs to the sums.
    ///
    /// # Safety
    /// All addresses that the fields imply can be read, and `sums` written.
    pub(crate) unsafe fn run(&self, set: InstructionSet, tile: GradientTile) {
        // SAFETY: the caller's contract.
        unsafe { (self.run)(set, tile) }
    }
}

for_instruction_set! {
    unsafe fn tile<const VECTORS: usize, const GROUPS: usize, const TAPS: usize>(tile: GradientTile) = body;
}

#[inline(always)]
unsafe fn body<L: Lanes, const VECTORS: usize, const GROUPS: usize, const TAPS: usize>(tile: GradientTile) {
    // SAFETY: the contract of `GradientKernel::run`.
    unsafe {
        let place = |group: usize, tap: usize, vector: usize| 16 * ((group * TAPS + tap) * VECTORS + vector);
        let mut sums = [[[L::zero(); VECTORS]; TAPS]; GROUPS];
        for group in 0..GROUPS {
            for tap in 0..TAPS {
                for vector in 0..VECTORS {
                    sums[group][tap][vector] = L::load(tile.sums.add(place(group, tap, vector)));
                }
            }
        }
        for run in 0..tile.runs {
            let source = tile.source.add(run * tile.source_step);
            let sources: [*const f32; GROUPS] =
                std::array::from_fn(|group| source.add(*tile.offsets.add(group)));
            let mut gradient = tile.gradient.add(run * tile.gradient_step);
            for first in (0..tile.turns).map(|turn| STEP * turn) {
                let mut gradients = [[L::zero(); VECTORS]; STEP];
                for (pixel, gradients) in gradients.iter_mut().enumerate() {
                    for (vector, value) in gradients.iter_mut().enumerate() {
                        *value = L::load(gradient.add(16 * (pixel * VECTORS + vector)));
                    }
                }
                for (source, sums) in sources.iter().zip(&mut sums) {
                    for (pixel, gradients) in gradients.iter().enumerate() {
                        for (tap, sums) in sums.iter_mut().enumerate() {
                            let value = L::splat(*source.add(first + pixel + tap));
                            for (sum, gradient) in sums.iter_mut().zip(gradients) {
                                *sum = sum.add_product(value, *gradient);
                            }
                        }
                    }
                }
                gradient = gradient.add(16 * VECTORS * STEP);
            }
        }
        for group in 0..GROUPS {
            for tap in 0..TAPS {
                for vector in 0..VECTORS {
                    sums[group][tap][vector].store(tile.sums.add(place(group, tap, vector)));
                }
            }
        }
    }
}
