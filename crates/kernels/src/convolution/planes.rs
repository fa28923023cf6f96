//! Working copy of an image in which every tap of a kernel is a plain offset.
//!
//! Rows and columns are sorted by their remainder modulo the stride, so that neighbouring targets read
//! neighbouring values whatever the stride is; the zero padding is written out. Narrow targets get one
//! copy for each kernel column instead, so that their rows follow each other without a gap and a tile of
//! pixels may run over the end of a row.

use super::gather::{Gather, copy, pick};
use super::geometry::Correlation;
use crate::simd::InstructionSet;

/// Targets narrower than this are read as one run of pixels across rows.
const NARROW: usize = 12;

/// Values behind the planes that may be written with the last row, and that a kernel may read and multiply by
/// zero.
pub(crate) const SLACK: usize = 16;

/// Layout of the working copy for a band of target rows: for each channel, row remainder and column
/// shift a plane of `plane_rows x pitch`.
#[derive(Clone, Debug)]
pub(crate) struct Planes {
    pub(super) correlation: Correlation,
    pub(super) row_phases: usize,
    pub(super) shifts: usize,
    pub(super) plane_rows: usize,
    pub(super) pitch: usize,
    /// From one plane to the next.
    pub(super) plane: usize,
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

    /// Places of each of one channel's planes in the band that starts at `first_row`, rounded up to whole
    /// vectors.
    pub(super) fn places(&self, first_row: usize) -> impl Iterator<Item = &[i32]> + Clone {
        let plane = (self.plane_rows * self.pitch).next_multiple_of(16);
        let planes = self.row_phases * self.shifts;
        let start = first_row / self.rows.max(1) * planes * plane;
        self.places[start..].chunks_exact(plane.max(1)).take(planes)
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
