//! Columns of several phases merged into the rows of an image.

use crate::simd::{Lanes, for_instruction_set};

/// Two rows of which every second column of the target is made.
#[derive(Clone, Copy)]
pub(crate) struct Pair {
    /// Columns 0, 2, 4, ..
    pub(crate) even: *const f32,
    /// Columns 1, 3, 5, ..
    pub(crate) odd: *const f32,
    /// Columns of the target.
    pub(crate) columns: usize,
    /// The target.
    pub(crate) target: *mut f32,
}

for_instruction_set! {
    /// Writes the columns of the two in turn.
    ///
    /// # Safety
    /// `even` and `odd` have half the columns (rounded up and down), `target` has room for all.
    pub(crate) unsafe fn merge(pair: Pair) = body;
}

#[inline(always)]
unsafe fn body<L: Lanes>(pair: Pair) {
    let Pair { even, odd, columns, target } = pair;
    let mut column = 0;
    while column < columns {
        let rest = (columns - column).min(32);
        // SAFETY: the function's contract.
        unsafe {
            let even = L::load_first(even.add(column / 2), rest.div_ceil(2));
            let odd = L::load_first(odd.add(column / 2), rest / 2);
            let (low, high) = even.zip(odd);
            low.store_first(target.add(column), rest.min(16));
            high.store_first(target.add(column + 16 * usize::from(rest > 16)), rest.saturating_sub(16));
        }
        column += 32;
    }
}
