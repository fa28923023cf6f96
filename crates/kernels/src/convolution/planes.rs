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
#[derive(Clone, Debug)]
pub(crate) struct Planes {
    correlation: Correlation,
    row_phases: usize,
    shifts: usize,
    plane_rows: usize,
    pitch: usize,
    /// From one plane to the next.
    plane: usize,
    /// Whether rows follow each other without a gap.
    linear: bool,
    /// Whether the copy is made place by place.
    narrow: bool,
    /// For each band of a narrow target, row remainder, column shift and place in a plane: the place in the
    /// source's channel, or -1.
    places: Vec<i32>,
    /// Target rows of a band.
    rows: usize,
}

impl Planes {
    /// Layout for bands of `rows` rows of the target.
    pub(crate) fn new(correlation: Correlation, rows: usize) -> Self {
        let Correlation { target, kernel, stride, .. } = correlation;
        let narrow = target[1] < NARROW;
        let linear = narrow || kernel[1] <= 1;
        let extra = |axis: usize| kernel[axis].saturating_sub(1) / stride[axis];
        let plane_rows = rows + extra(0);
        let (pitch, plane) = if linear {
            (target[1], (plane_rows * target[1]).next_multiple_of(8))
        } else {
            // Whole vectors are written fastest, unless too much of them is empty; planes an odd number of
            // cache lines apart do not compete for the same places in the cache.
            let columns = target[1] + extra(1);
            let whole = columns.next_multiple_of(16);
            let pitch = if 5 * whole <= 6 * columns { whole } else { columns.next_multiple_of(4) };
            (pitch, (plane_rows * pitch).next_multiple_of(32) + 16)
        };
        let mut planes = Self {
            correlation,
            row_phases: stride[0].min(kernel[0]),
            shifts: if linear { kernel[1] } else { stride[1].min(kernel[1]) },
            plane_rows,
            pitch,
            plane,
            linear,
            narrow,
            places: Vec::new(),
            rows,
        };
        if narrow {
            for band in 0..target[0].div_ceil(rows.max(1)) {
                planes.add_places(band * rows);
            }
        }
        planes
    }

    /// Places of one channel's planes, each rounded up to whole vectors.
    fn places_per_band(&self) -> usize {
        self.row_phases * self.shifts * (self.plane_rows * self.pitch).next_multiple_of(16)
    }

    fn add_places(&mut self, first_row: usize) {
        let Correlation { source: [height, width], stride, padding, .. } = self.correlation;
        for row_phase in 0..self.row_phases {
            for shift in 0..self.shifts {
                for place in 0..(self.plane_rows * self.pitch).next_multiple_of(16) {
                    let (row, column) = (place / self.pitch, place % self.pitch);
                    let y = ((first_row + row) * stride[0] + row_phase) as isize - padding[0];
                    let x = (column * stride[1] + shift) as isize - padding[1];
                    let inside = (0..height as isize).contains(&y) && (0..width as isize).contains(&x);
                    let inside = inside && row < self.plane_rows;
                    self.places.push(if inside { (y * width as isize + x) as i32 } else { -1 });
                }
            }
        }
    }

    /// Values of the working copy of one image.
    pub(crate) fn len(&self) -> usize {
        self.correlation.channels * self.row_phases * self.shifts * self.plane
    }

    /// Distance between vertically neighbouring pixels of the target.
    pub(crate) fn pitch(&self) -> usize {
        self.pitch
    }

    /// Whether the rows of a band are one run of pixels.
    pub(crate) fn linear(&self) -> bool {
        self.linear
    }

    /// Where the tap (channel, ky, kx) of the band's first pixel lies, in this order.
    pub(crate) fn offsets(&self) -> Vec<usize> {
        let Correlation { channels, kernel, stride, .. } = self.correlation;
        let mut offsets = Vec::with_capacity(self.correlation.depth());
        for channel in 0..channels {
            for ky in 0..kernel[0] {
                for kx in 0..kernel[1] {
                    let (shift, column) =
                        if self.linear { (kx, 0) } else { (kx % stride[1], kx / stride[1]) };
                    let plane = (channel * self.row_phases + ky % stride[0]) * self.shifts + shift;
                    offsets.push(plane * self.plane + ky / stride[0] * self.pitch + column);
                }
            }
        }
        offsets
    }

    /// Values that lie next to each other in a row for one kernel row: all its columns where the copy has no
    /// gaps to jump over, else one.
    pub(crate) fn adjacent_taps(&self) -> usize {
        if self.linear || self.correlation.stride[1] > 1 { 1 } else { self.correlation.kernel[1] }
    }

    /// Copies `image` (C, H, W) for the band that starts at target row `first_row` and clears the slack
    /// behind it. `planes` has `len() + SLACK` values.
    pub(crate) fn gather(&self, set: InstructionSet, image: &[f32], first_row: usize, planes: &mut [f32]) {
        let Correlation { channels, source, stride, .. } = self.correlation;
        assert!(image.len() >= channels * source[0] * source[1] && planes.len() >= self.len() + SLACK);
        let task = Gather { layout: self, image: image.as_ptr(), first_row, target: planes.as_mut_ptr() };
        // SAFETY: image and target have the sizes of the layout.
        unsafe {
            match (self.narrow, stride[1]) {
                (true, _) => pick(set, task),
                (false, 1) => copy::<1>(set, task),
                (false, 2) => copy::<2>(set, task),
                (false, _) => copy::<0>(set, task),
            }
        }
        planes[self.len()..][..SLACK].fill(0.0);
    }
}

#[derive(Clone, Copy)]
struct Gather<'a> {
    layout: &'a Planes,
    image: *const f32,
    first_row: usize,
    target: *mut f32,
}

for_instruction_set! {
    /// Writes the planes of a narrow target, place by place.
    ///
    /// # Safety
    /// `image` has the values of the correlation's source; `target` has room for the planes and the slack.
    unsafe fn pick(task: Gather<'_>) = pick_body;
}

#[inline(always)]
unsafe fn pick_body<L: Lanes>(task: Gather<'_>) {
    let Gather { layout, image, first_row, mut target } = task;
    let Correlation { channels, source: [height, width], .. } = layout.correlation;
    let used = layout.plane_rows * layout.pitch;
    let places = &layout.places[first_row / layout.rows.max(1) * layout.places_per_band()..];
    for channel in 0..channels {
        let source = image.wrapping_add(channel * height * width);
        for places in
            places.chunks_exact(used.next_multiple_of(16).max(1)).take(layout.row_phases * layout.shifts)
        {
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
    unsafe fn copy<const STRIDE: usize>(task: Gather<'_>) = copy_body;
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
                    target = target.add(layout.plane);
                }
            }
        }
    }
}
