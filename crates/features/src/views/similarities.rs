//! How similar views are, of one anchor and of different ones.

use serde::Serialize;
use zview_numerics::matrix::dot;
use zview_runtime::measurements::Histogram;

use super::feature_rows::FeatureRows;

/// Bins between -1 and 1.
const BINS: usize = 40;

/// Histograms of cosine similarities, in 40 bins from -1 to 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Similarities {
    /// Of pairs of views of one anchor.
    pub positives: Histogram,
    /// Of pairs of views of different anchors.
    pub negatives: Histogram,
}

/// The similarities of all pairs of rows of normalised features.
#[must_use]
pub fn similarities(normalised: &FeatureRows) -> Similarities {
    let empty = Histogram::new(-1.0, 1.0, BINS);
    let mut found = Similarities { positives: empty.clone(), negatives: empty };
    for first in 0..normalised.rows() {
        for second in first + 1..normalised.rows() {
            let histogram = match normalised.same_anchor(first, second) {
                true => &mut found.positives,
                false => &mut found.negatives,
            };
            histogram.add(dot(normalised.row(first), normalised.row(second)));
        }
    }
    found
}
