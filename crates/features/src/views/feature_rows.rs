//! Features of views on the host.

use zview_numerics::matrix::dot;

/// Most views that are measured: what measuring costs does not grow with the batch.
const MOST_VIEWS: usize = 256;
/// As in PyTorch's `normalize`: a row of zeros stays one.
const SMALLEST_NORM: f64 = 1e-12;

/// Features (N, D) of the views of N / V anchors; row b * V + v is view v of anchor b.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureRows {
    values: Vec<f64>,
    per_anchor: usize,
    dimension: usize,
}

impl FeatureRows {
    /// Takes `values`, (N, D) row-major, with V = `per_anchor` rows per anchor; `None` where they are no such
    /// features of two anchors or more.
    #[must_use]
    pub fn new(values: Vec<f64>, per_anchor: usize, dimension: usize) -> Option<Self> {
        let rows = values.len().checked_div(dimension)?;
        let whole = rows * dimension == values.len() && per_anchor > 0 && rows.is_multiple_of(per_anchor);
        (whole && rows / per_anchor >= 2).then_some(Self { values, per_anchor, dimension })
    }

    /// How many of a batch's `views` are measured: the first ones, whole anchors, about 256 at most.
    #[must_use]
    pub fn measured_views(views: usize, per_anchor: usize) -> usize {
        let anchors = (MOST_VIEWS / per_anchor.max(1)).max(2);
        views.min(anchors * per_anchor)
    }

    /// N, the number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.values.len() / self.dimension
    }

    /// V, the number of views of an anchor.
    #[must_use]
    pub fn per_anchor(&self) -> usize {
        self.per_anchor
    }

    /// D, the number of features.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The values (N, D), row-major.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The features of one view.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.dimension..(row + 1) * self.dimension]
    }

    /// The same with rows of length 1.
    #[must_use]
    pub fn normalised(&self) -> Self {
        let mut normalised = self.clone();
        for row in normalised.values.chunks_exact_mut(self.dimension) {
            let norm = dot(row, row).sqrt().max(SMALLEST_NORM);
            row.iter_mut().for_each(|value| *value /= norm);
        }
        normalised
    }

    /// Whether two rows are views of one anchor.
    #[must_use]
    pub fn same_anchor(&self, row: usize, other: usize) -> bool {
        row / self.per_anchor == other / self.per_anchor
    }

    /// The squared Euclidean distance of two rows.
    #[must_use]
    pub fn squared_distance(&self, row: usize, other: usize) -> f64 {
        let lanes = |(a, b): (&f64, &f64)| (a - b) * (a - b);
        sum_in_lanes(self.row(row), self.row(other), lanes)
    }
}

/// Sums `term` over pairs of values. Eight running sums let the compiler use vector registers.
fn sum_in_lanes(a: &[f64], b: &[f64], term: impl Fn((&f64, &f64)) -> f64) -> f64 {
    let (a_pieces, b_pieces) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a_pieces.remainder().iter().zip(b_pieces.remainder()).map(&term).sum();
    let mut sums = [0.0; 8];
    for (x, y) in a_pieces.zip(b_pieces) {
        for lane in 0..8 {
            sums[lane] += term((&x[lane], &y[lane]));
        }
    }
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_anchors_are_rows() {
        assert!(FeatureRows::new(vec![0.0; 12], 2, 3).is_some());
        for (count, per_anchor, dimension) in [(12, 2, 0), (12, 0, 3), (12, 4, 3), (13, 2, 3), (9, 2, 3)] {
            assert!(
                FeatureRows::new(vec![0.0; count], per_anchor, dimension).is_none(),
                "{count} {per_anchor}"
            );
        }
        assert_eq!(FeatureRows::measured_views(1024, 3), 255);
        assert_eq!(FeatureRows::measured_views(64, 3), 64);
        assert_eq!(FeatureRows::measured_views(1024, 200), 400);
    }

    #[test]
    fn rows_of_zeros_stay_zeros() {
        let values = [vec![0.0; 9], vec![2.0; 9]].concat();
        let normalised = FeatureRows::new(values, 1, 9).unwrap().normalised();
        assert_eq!(normalised.row(0), [0.0; 9]);
        assert!((normalised.squared_distance(0, 1) - 1.0).abs() < 1e-15);
    }
}
