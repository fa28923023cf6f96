//! Standard deviation of normalised features.
//!
//! Chen and He 2021, "Exploring Simple Siamese Representation Learning" (SimSiam),
//! <https://arxiv.org/abs/2011.10566>, section 4.1 and figure 2: the standard deviation of every dimension of the
//! normalised features, averaged; 0 where they are one point, 1 / sqrt(D) where they cover the sphere.

use super::feature_rows::FeatureRows;

/// The standard deviation (with N - 1) of each dimension of normalised features over their rows, averaged.
#[must_use]
pub fn feature_std(normalised: &FeatureRows) -> f64 {
    let (rows, dimension) = (normalised.rows() as f64, normalised.dimension());
    let sum_over_rows = |term: &dyn Fn(usize, f64) -> f64| {
        let mut sums = vec![0.0; dimension];
        for row in normalised.values().chunks_exact(dimension) {
            for (d, (sum, &value)) in sums.iter_mut().zip(row).enumerate() {
                *sum += term(d, value);
            }
        }
        sums
    };
    let means: Vec<f64> = sum_over_rows(&|_, value| value).iter().map(|sum| sum / rows).collect();
    let squares = sum_over_rows(&|d, value| (value - means[d]) * (value - means[d]));
    squares.iter().map(|sum| (sum / (rows - 1.0)).sqrt()).sum::<f64>() / dimension as f64
}
