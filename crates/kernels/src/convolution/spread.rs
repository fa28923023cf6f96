//! Columns of two phases merged into the rows of an image.

use crate::simd::{Lanes, for_instruction_set};

/// Results (channel, row, column) of two phases, and the rows whose columns they are in turn.
#[derive(Clone, Copy)]
pub(crate) struct Merge {
    /// Columns 0, 2, 4, .. of all rows.
    pub(crate) even: *const f32,
    /// Columns 1, 3, 5, .. of all rows.
    pub(crate) odd: *const f32,
    /// Channels.
    pub(crate) channels: usize,
    /// Rows of a channel.
    pub(crate) rows: usize,
    /// Columns of the target.
    pub(crate) columns: usize,
    /// First row of the first channel in the target.
    pub(crate) target: *mut f32,
    /// From one of the rows to the next in the target.
    pub(crate) target_row: usize,
    /// From a channel to the next in the target.
    pub(crate) target_plane: usize,
}

for_instruction_set! {
    /// Writes the columns of the two in turn.
    ///
    /// # Safety
    /// `even` and `odd` have half the columns (rounded up and down) of all rows, which the target has.
    pub(crate) unsafe fn merge(task: Merge) = body;
}

#[inline(always)]
unsafe fn body<L: Lanes>(task: Merge) {
    let Merge { mut even, mut odd, channels, rows, columns, target, target_row, target_plane } = task;
    for channel in 0..channels {
        for row in 0..rows {
            // SAFETY: the function's contract.
            unsafe {
                let target = target.add(channel * target_plane + row * target_row);
                let mut column = 0;
                while column < columns {
                    let rest = (columns - column).min(32);
                    let low_half = L::load_chosen(even.add(column / 2), L::mask(0, rest.div_ceil(2)));
                    let high_half = L::load_chosen(odd.add(column / 2), L::mask(0, rest / 2));
                    let (low, high) = low_half.zip(high_half);
                    low.store_first(target.add(column), rest.min(16));
                    if rest > 16 {
                        high.store_first(target.add(column + 16), rest - 16);
                    }
                    column += 32;
                }
                even = even.add(columns.div_ceil(2));
                odd = odd.add(columns / 2);
            }
        }
    }
}
