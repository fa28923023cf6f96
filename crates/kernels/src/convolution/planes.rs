//! Working copy of an image in which every tap of a kernel is a plain offset.
//!
//! Rows and columns are sorted by their remainder modulo the stride, so that neighbouring targets read
//! neighbouring values whatever the stride is; the zero padding is written out. Narrow targets get one
//! copy for each kernel column instead, so that their rows follow each other without a gap and a tile of
//! pixels may run over the end of a row.

use super::geometry::Correlation;

/// Targets narrower than this are read as one run of pixels across rows.
const NARROW: usize = 12;

/// Values behind the planes that a kernel may read (and multiply by zero).
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
                    let (shift, column) = if self.narrow { (kx, 0) } else { (kx % stride[1], kx / stride[1]) };
                    let plane = (channel * self.row_phases + ky % stride[0]) * self.shifts + shift;
                    offsets.push((plane * self.plane_rows + ky / stride[0]) * self.pitch + column);
                }
            }
        }
        offsets
    }

    /// Copies `image` (C, H, W) for the band that starts at target row `first_row` and clears the slack
    /// behind it. `planes` has `len() + SLACK` values.
    pub(crate) fn gather(&self, image: &[f32], first_row: usize, planes: &mut [f32]) {
        let Correlation { source: [height, width], stride, padding, .. } = self.correlation;
        let (planes, slack) = planes.split_at_mut(self.len());
        slack[..SLACK].fill(0.0);
        if planes.is_empty() {
            return;
        }
        for (plane, values) in planes.chunks_exact_mut(self.plane_rows * self.pitch).enumerate() {
            let shift = plane % self.shifts;
            let row_phase = plane / self.shifts % self.row_phases;
            let channel = plane / self.shifts / self.row_phases;
            let left = shift as isize - padding[1];
            // Columns from..to of the plane lie inside the source.
            let inside = |size: usize| {
                let steps = (size as isize - left + stride[1] as isize - 1).div_euclid(stride[1] as isize);
                steps.clamp(0, self.pitch as isize) as usize
            };
            let (from, to) = (inside(0), inside(width));
            for (row, values) in values.chunks_exact_mut(self.pitch).enumerate() {
                let y = ((first_row + row) * stride[0] + row_phase) as isize - padding[0];
                if y < 0 || y >= height as isize || from >= to {
                    values.fill(0.0);
                    continue;
                }
                let start = (channel * height + y as usize) * width;
                let line = &image[start..start + width];
                values[..from].fill(0.0);
                values[to..].fill(0.0);
                let first = (left + (from * stride[1]) as isize) as usize;
                if stride[1] == 1 {
                    values[from..to].copy_from_slice(&line[first..first + to - from]);
                } else {
                    for (value, read) in values[from..to].iter_mut().zip(line[first..].iter().step_by(stride[1])) {
                        *value = *read;
                    }
                }
            }
        }
    }
}
