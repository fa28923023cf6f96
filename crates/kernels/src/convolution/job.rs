//! The correlations that one call computes.

use std::ops::Range;

use super::geometry::Correlation;
use super::planes::{Planes, SLACK};
use super::weights::PackedWeights;

/// One correlation and where its result goes.
pub(super) struct Job {
    /// Working copy of the source.
    pub(super) planes: Planes,
    /// Offset of each product's factor.
    pub(super) offsets: Vec<usize>,
    /// Offset of each group of adjacent taps.
    pub(super) grouped: Vec<usize>,
    /// Weights in the order of the products.
    pub(super) weights: PackedWeights,
    /// Height and width of the result.
    pub(super) size: [usize; 2],
    /// First row and column in the output.
    pub(super) origin: [usize; 2],
    /// Whether taps can be read from the image itself.
    pub(super) direct: bool,
}

impl Job {
    /// The job whose result starts at `origin` of the output and is computed in bands of `rows` rows.
    pub(super) fn new(
        correlation: Correlation,
        origin: [usize; 2],
        rows: usize,
        weights: PackedWeights,
    ) -> Self {
        let planes = Planes::new(correlation, rows);
        let Correlation { channels, source, target, kernel, stride, padding } = correlation;
        let direct = kernel == [1, 1] && stride == [1, 1] && padding == [0, 0] && source == target;
        let offsets = match direct {
            true => (0..channels).map(|channel| channel * source[0] * source[1]).collect(),
            false => planes.offsets(),
        };
        let grouped = offsets.iter().copied().step_by(planes.adjacent_taps()).collect();
        Self { planes, offsets, grouped, weights, size: target, origin, direct }
    }

    /// Values of the working copy of one band.
    pub(super) fn scratch(&self) -> usize {
        if self.direct { 0 } else { self.planes.len() + SLACK }
    }

    /// The rows of the result in the band that starts at `first_row`.
    pub(super) fn rows(&self, first_row: usize, rows: usize) -> Range<usize> {
        first_row.min(self.size[0])..(first_row + rows).min(self.size[0])
    }
}

/// Sizes that the jobs of one call share.
pub(super) struct Shape {
    /// Images.
    pub(super) batch: usize,
    /// Values of one source image.
    pub(super) source: usize,
    /// Channels of the output.
    pub(super) channels: usize,
    /// Height and width of the output.
    pub(super) size: [usize; 2],
    /// Rows and columns of the output from one of a job's results to the next.
    pub(super) step: [usize; 2],
    /// Rows of a job's result in one band.
    pub(super) rows: usize,
}
