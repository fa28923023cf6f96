//! Images cut into planes of one channel, and the planes into parts that tasks work on.

use std::ops::Range;

use crate::simd::Lanes;

/// Parts that the planes of a tensor are cut into. Sums over a part are added in the order of the parts: the
/// number is fixed so that results do not depend on the number of threads.
const PARTS: usize = 32;

/// A tensor (B, C, H, W) as `B * C` planes of `length = H * W` values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ImageSize {
    /// Images.
    pub(crate) batch: usize,
    /// Channels.
    pub(crate) channels: usize,
    /// Values of a plane.
    pub(crate) length: usize,
}

impl ImageSize {
    /// Values of the tensor.
    pub(crate) fn len(&self) -> usize {
        self.batch * self.channels * self.length
    }

    /// Values of one channel in the whole batch.
    pub(crate) fn per_channel(&self) -> usize {
        self.batch * self.length
    }

    /// The parts: ranges of planes.
    pub(crate) fn parts(&self) -> Vec<Range<usize>> {
        let planes = self.batch * self.channels;
        let parts = planes.min(PARTS);
        (0..parts).map(|part| part * planes / parts..(part + 1) * planes / parts).collect()
    }
}

/// Runs a block for each run of 16 values: `start`, `count` (16 but for the last) and `turn`, 0 or 1, which
/// picks one of two sums so that one does not wait for the other. A macro, because a closure would not be
/// compiled for the instruction set of the function around it.
macro_rules! for_lanes {
    ($length:expr, |$start:ident, $count:ident, $turn:ident| $work:block) => {{
        let length: usize = $length;
        let mut first = 0;
        while first + 32 <= length {
            {
                let ($start, $count, $turn) = (first, 16usize, 0usize);
                $work
            }
            {
                let ($start, $count, $turn) = (first + 16, 16usize, 1usize);
                $work
            }
            first += 32;
        }
        while first < length {
            let ($start, $count, $turn) = (first, (length - first).min(16), 0usize);
            $work
            first += 16;
        }
    }};
}
pub(crate) use for_lanes;

/// Loads `count` values, fast where all 16 are there.
///
/// # Safety
/// As [`Lanes::load_first`].
#[inline(always)]
pub(crate) unsafe fn load<L: Lanes>(source: *const f32, count: usize) -> L {
    // SAFETY: the function's contract.
    unsafe { if count == 16 { L::load(source) } else { L::load_first(source, count) } }
}

/// Stores `count` values, fast where all 16 are there.
///
/// # Safety
/// As [`Lanes::store_first`].
#[inline(always)]
pub(crate) unsafe fn store<L: Lanes>(values: L, target: *mut f32, count: usize) {
    // SAFETY: the function's contract.
    unsafe { if count == 16 { values.store(target) } else { values.store_first(target, count) } }
}

/// Sum of the lanes.
///
/// # Safety
/// That of the instruction set.
#[inline(always)]
pub(crate) unsafe fn sum<L: Lanes>(values: L) -> f64 {
    let mut lanes = [0f32; 16];
    // SAFETY: room for 16 values.
    unsafe { values.store(lanes.as_mut_ptr()) };
    let mut four = [0f64; 4];
    for (lane, value) in lanes.iter().enumerate() {
        four[lane % 4] += f64::from(*value);
    }
    (four[0] + four[1]) + (four[2] + four[3])
}
