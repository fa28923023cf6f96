//! Working copy of an image in which every tap of a kernel is a plain offset.
//!
//! Rows and columns are sorted by their remainder modulo the stride, so that neighbouring targets read
//! neighbouring values whatever the stride is; the zero padding is written out. Narrow targets get one
//! copy for each kernel column instead, so that their rows follow each other without a gap and a tile of
//! pixels may run over the end of a row.

use super::geometry::Correlation;
use crate::simd::{InstructionSet, Lanes, for_instruction_set};

/// Targets narrower than this are read as one run of pixels across rows.
const NARROW: usize = 12;

/// Values behind the planes that may be written with the last row, and that a kernel may read and multiply by
/// zero.
pub(crate) const SLACK: usize = 16;

/// Layout of the working copy for a band of target rows: for each channel, row remainder and column
/// shift a plane of `plane_rows x pitch`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planes {
    correlation: Correlation,
    row_phases: usize,
    shifts: usize,
    plane_rows: usize,
    pitch: usize,
    narrow: bool,
}

impl Planes {
    /// Layout for `rows` rows of the target.
    pub(crate) fn new(correlation: Correlation, rows: usize) -> Self {
        let Correlation { target, kernel, stride, .. } = correlation;
        let narrow = target[1] < NARROW || kernel[1] <= 1;
        let extra = |axis: usize| kernel[axis].saturating_sub(1) / stride[axis];
        Self {
            correlation,
            row_phases: stride[0].min(kernel[0]),
            shifts: if narrow { kernel[1] } else { stride[1].min(kernel[1]) },
            plane_rows: rows + extra(0),
            pitch: target[1] + if narrow { 0 } else { extra(1) },
            narrow,
        }
    }

    /// Values of the working copy of one image.
    pub(crate) fn len(&self) -> usize {
        self.correlation.channels * self.row_phases * self.shifts * self.plane_rows * self.pitch
    }

    /// Distance between vertically neighbouring pixels of the target.
    pub(crate) fn pitch(&self) -> usize {
        self.pitch
    }

    /// Whether the rows of a band are one run of pixels.
    pub(crate) fn narrow(&self) -> bool {
        self.narrow
    }

    /// Where the tap (channel, ky, kx) of the band's first pixel lies, in this order.
    pub(crate) fn offsets(&self) -> Vec<usize> {
        let Correlation { channels, kernel, stride, .. } = self.correlation;
        let mut offsets = Vec::with_capacity(self.correlation.depth());
        for channel in 0..channels {
            for ky in 0..kernel[0] {
                for kx in 0..kernel[1] {
                    let (shift, column) =
                        if self.narrow { (kx, 0) } else { (kx % stride[1], kx / stride[1]) };
                    let plane = (channel * self.row_phases + ky % stride[0]) * self.shifts + shift;
                    offsets.push((plane * self.plane_rows + ky / stride[0]) * self.pitch + column);
                }
            }
        }
        offsets
    }

    /// Values that lie next to each other in a row for one kernel row: all its columns where the copy has no
    /// gaps to jump over, else one.
    pub(crate) fn adjacent_taps(&self) -> usize {
        if self.narrow || self.correlation.stride[1] > 1 { 1 } else { self.correlation.kernel[1] }
    }

    /// Copies `image` (C, H, W) for the band that starts at target row `first_row` and clears the slack
    /// behind it. `planes` has `len() + SLACK` values.
    pub(crate) fn gather(&self, set: InstructionSet, image: &[f32], first_row: usize, planes: &mut [f32]) {
        let Correlation { channels, source, .. } = self.correlation;
        assert!(image.len() >= channels * source[0] * source[1] && planes.len() >= self.len() + SLACK);
        if self.len() > 0 {
            let target = planes.as_mut_ptr();
            // SAFETY: image and target have the sizes of the layout.
            unsafe { gather(set, Gather { layout: *self, image: image.as_ptr(), first_row, target }) };
        }
        planes[self.len()..][..SLACK].fill(0.0);
    }
}

#[derive(Clone, Copy)]
struct Gather {
    layout: Planes,
    image: *const f32,
    first_row: usize,
    target: *mut f32,
}

for_instruction_set! {
    /// Writes all planes.
    ///
    /// # Safety
    /// `image` has the values of the correlation's source; `target` has room for the planes and the slack.
    unsafe fn gather(task: Gather) = gather_body;
}

/// Runs of 16 columns whose choice of lanes is worked out before the rows.
const CHOICES: usize = 4;

#[inline(always)]
unsafe fn gather_body<L: Lanes>(task: Gather) {
    let Gather { layout, image, first_row, mut target } = task;
    let Correlation { channels, source: [height, width], stride, padding, .. } = layout.correlation;
    // Index of the first of `count` positions `start`, `start + step`, .. that is not below `bound`.
    let reach = |bound: usize, start: isize, step: usize, count: usize| {
        let steps = (bound as isize - start + step as isize - 1).div_euclid(step as isize);
        steps.clamp(0, count as isize) as usize
    };
    for channel in 0..channels {
        let plane = image.wrapping_add(channel * height * width);
        for row_phase in 0..layout.row_phases {
            let top = (first_row * stride[0] + row_phase) as isize - padding[0];
            let (above, below) = (
                reach(0, top, stride[0], layout.plane_rows),
                reach(height, top, stride[0], layout.plane_rows),
            );
            for shift in 0..layout.shifts {
                let left = shift as isize - padding[1];
                let (from, to) =
                    (reach(0, left, stride[1], layout.pitch), reach(width, left, stride[1], layout.pitch));
                let choose = |column: usize| {
                    let (from, to) = (from.max(column) - column, to.max(column) - column);
                    // SAFETY: the function's contract.
                    unsafe { L::mask(from.min(16), to.min(16)) }
                };
                let choices: [L::Mask; CHOICES] = std::array::from_fn(|run| choose(16 * run));
                for row in 0..layout.plane_rows {
                    let inside = row >= above && row < below;
                    let y = top + (row * stride[0]) as isize;
                    let line = plane.wrapping_offset(y * width as isize + left);
                    let mut column = 0;
                    while column < layout.pitch {
                        // SAFETY: the chosen lanes are columns of row `y` inside the source. What is written
                        // past the end of the row is overwritten by the next one, or is slack.
                        unsafe {
                            let mut values = L::zero();
                            if inside {
                                let chosen = match choices.get(column / 16) {
                                    Some(chosen) => *chosen,
                                    None => choose(column),
                                };
                                values = match stride[1] {
                                    1 => L::load_chosen(line.wrapping_add(column), chosen),
                                    2 => L::load_even(line.wrapping_add(2 * column), chosen),
                                    step => {
                                        let mut lanes = [0f32; 16];
                                        for (lane, value) in lanes.iter_mut().enumerate() {
                                            if (from..to).contains(&(column + lane)) {
                                                *value = *line.wrapping_add((column + lane) * step);
                                            }
                                        }
                                        L::load(lanes.as_ptr())
                                    }
                                };
                            }
                            values.store(target.add(column));
                        }
                        column += 16;
                    }
                    // SAFETY: one row further, at most the end of the planes.
                    target = unsafe { target.add(layout.pitch) };
                }
            }
        }
    }
}
