//! Uniformity: how evenly features cover the sphere.
//!
//! Wang and Isola 2020, <https://arxiv.org/abs/2005.10242>, section 4.1.2 with t = 2, as in figure 5:
//!
//! log mean over pairs (x, y) of different anchors of exp(-2 ||f(x) - f(y)||^2), f normalised
//!
//! It is taken over the first views of all anchors, over the second ones and so on, and averaged.

use super::feature_rows::FeatureRows;

const T: f64 = 2.0;

/// The uniformity loss of normalised features, -8 to 0: 0 where all features are one point, about -4 where they
/// cover a sphere of many dimensions.
#[must_use]
pub fn uniformity(normalised: &FeatureRows) -> f64 {
    let (rows, views) = (normalised.rows(), normalised.per_anchor());
    let of_view = |view: usize| {
        let (mut sum, mut pairs) = (0.0, 0usize);
        for first in (view..rows).step_by(views) {
            for second in (first + views..rows).step_by(views) {
                sum += (-T * normalised.squared_distance(first, second)).exp();
                pairs += 1;
            }
        }
        (sum / pairs as f64).ln()
    };
    (0..views).map(of_view).sum::<f64>() / views as f64
}
