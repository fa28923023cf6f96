//! Copying an image into its planes.

use super::geometry::Correlation;
use super::planes::Planes;
use crate::simd::{Lanes, for_instruction_set};

/// The copy of one image.
#[derive(Clone, Copy)]
pub(super) struct Gather<'a> {
    /// Where the values go.
    pub(super) layout: &'a Planes,
    /// The image (C, H, W).
    pub(super) image: *const f32,
    /// First target row of the band.
    pub(super) first_row: usize,
    /// The planes.
    pub(super) target: *mut f32,
}

for_instruction_set! {
    /// Writes the planes of a narrow target, place by place.
    ///
    /// # Safety
    /// `image` has the values of the correlation's source; `target` has room for the planes and the slack.
    pub(super) unsafe fn pick(task: Gather<'_>) = pick_body;
}

#[inline(always)]
unsafe fn pick_body<L: Lanes>(task: Gather<'_>) {
    let Gather { layout, image, first_row, mut target } = task;
    let Correlation { channels, source: [height, width], .. } = layout.correlation;
    let used = layout.plane_rows * layout.pitch;
    let places = layout.places(first_row);
    for channel in 0..channels {
        let source = image.wrapping_add(channel * height * width);
        for places in places.clone() {
            // SAFETY: the places lie inside the channel. What is written past the end of the plane is
            // overwritten by the next one, or is slack.
            unsafe {
                L::pick(source, height * width, places.as_ptr(), target, used);
                target = target.add(layout.plane);
            }
        }
    }
}

/// Vectors whose choice of columns is worked out before the rows.
const CHOICES: usize = 4;

for_instruction_set! {
    /// Writes the planes of a wide target row by row; `STRIDE` is the horizontal step, 0 if neither 1 nor 2.
    ///
    /// # Safety
    /// `image` has the values of the correlation's source; `target` has room for the planes and the slack.
    pub(super) unsafe fn copy<const STRIDE: usize>(task: Gather<'_>) = copy_body;
}

#[inline(always)]
unsafe fn copy_body<L: Lanes, const STRIDE: usize>(task: Gather<'_>) {
    let Gather { layout, image, first_row, mut target } = task;
    let Correlation { channels, source: [height, width], stride, padding, .. } = layout.correlation;
    // Index of the first of `count` positions `start`, `start + step`, .. that is not below `bound`.
    let reach = |bound: usize, start: isize, step: usize, count: usize| {
        let steps = (bound as isize - start + step as isize - 1).div_euclid(step as isize);
        steps.clamp(0, count as isize) as usize
    };
    let vectors = layout.pitch.div_ceil(16);
    for channel in 0..channels {
        let plane = image.wrapping_add(channel * height * width);
        for row_phase in 0..layout.row_phases {
            let top = (first_row * stride[0] + row_phase) as isize - padding[0];
            let above = reach(0, top, stride[0], layout.plane_rows);
            let below = reach(height, top, stride[0], layout.plane_rows).max(above);
            for shift in 0..layout.shifts {
                let left = shift as isize - padding[1];
                let (from, to) =
                    (reach(0, left, stride[1], layout.pitch), reach(width, left, stride[1], layout.pitch));
                let choose = |vector: usize| {
                    let column = 16 * vector;
                    let (from, to) = (from.max(column) - column, to.max(column) - column);
                    // SAFETY: the function's contract.
                    unsafe { L::mask(from.min(16), to.min(16)) }
                };
                let choices: [L::Mask; CHOICES] = std::array::from_fn(choose);
                // SAFETY: rows and columns lie inside the plane, the chosen lanes inside the source. What is
                // written past the end of a row is overwritten by the next one, or is slack.
                unsafe {
                    for row in (0..above).chain(below..layout.plane_rows) {
                        for vector in 0..vectors {
                            L::zero().store(target.add(row * layout.pitch + 16 * vector));
                        }
                    }
                    for row in above..below {
                        let y = top + (row * stride[0]) as isize;
                        let line = plane.wrapping_offset(y * width as isize + left);
                        for vector in 0..vectors {
                            let chosen = if vector < CHOICES { choices[vector] } else { choose(vector) };
                            let values = match STRIDE {
                                1 => L::load_chosen(line.wrapping_add(16 * vector), chosen),
                                2 => L::load_even(line.wrapping_add(32 * vector), chosen),
                                _ => {
                                    let mut lanes = [0f32; 16];
                                    for (lane, value) in lanes.iter_mut().enumerate() {
                                        let column = 16 * vector + lane;
                                        if (from..to).contains(&column) {
                                            *value = *line.wrapping_add(column * stride[1]);
                                        }
                                    }
                                    L::load(lanes.as_ptr())
                                }
                            };
                            values.store(target.add(row * layout.pitch + 16 * vector));
                        }
                    }
                    // A turn may read one pixel behind the last row, times a gradient of zero: it has to be a number.
                    L::zero().store(target.add(layout.plane_rows * layout.pitch));
                    target = target.add(layout.plane);
                }
            }
        }
    }
}
