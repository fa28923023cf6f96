//! Alignment: how far apart the views of one anchor are.
//!
//! Wang and Isola 2020, "Understanding Contrastive Representation Learning through Alignment and Uniformity on the
//! Hypersphere", <https://arxiv.org/abs/2005.10242>, section 4.1.1 with alpha = 2:
//!
//! mean over pairs (x, y) of views of one anchor of ||f(x) - f(y)||^2, f normalised

use super::feature_rows::FeatureRows;

/// The alignment loss of normalised features, 0 to 4: 0 where all views of an anchor agree. `None` where anchors
/// have a single view.
#[must_use]
pub fn alignment(normalised: &FeatureRows) -> Option<f64> {
    let views = normalised.per_anchor();
    let (mut sum, mut pairs) = (0.0, 0usize);
    for first in 0..normalised.rows() {
        let end_of_anchor = (first / views + 1) * views;
        for second in first + 1..end_of_anchor {
            sum += normalised.squared_distance(first, second);
            pairs += 1;
        }
    }
    (pairs > 0).then(|| sum / pairs as f64)
}
