//! Effective rank (RankMe).
//!
//! Garrido et al. 2023, "RankMe: Assessing the Downstream Performance of Pretrained Self-Supervised Representations
//! by Their Rank", <https://arxiv.org/abs/2210.02885>, equation 1:
//!
//! exp(-sum_k p_k log p_k),  p_k = sigma_k / sum_j sigma_j
//!
//! with the singular values sigma of the features (N, D) as they are. The paper adds 1e-7 to every p; here a
//! p of 0 contributes 0, its limit, so that features of one direction have rank 1 however many rows there are.

use zview_numerics::linalg::singular_values;

use super::feature_rows::FeatureRows;

/// The effective rank of features, 1 to min(N, D); 0 where all are zero, and not-a-number where one is
/// not finite. It cannot exceed the number of rows, so
/// compare it at one N only.
#[must_use]
pub fn effective_rank(features: &FeatureRows) -> f64 {
    // Features that are not finite have no singular values.
    singular_values(features.values(), features.rows(), features.dimension())
        .map_or(f64::NAN, |values| rank_of_singular_values(&values))
}

/// The effective rank of a matrix with these singular values; 0 where all are zero, and not-a-number where one is
/// not finite.
#[must_use]
pub fn rank_of_singular_values(singular_values: &[f64]) -> f64 {
    let sum: f64 = singular_values.iter().sum();
    if sum == 0.0 || sum.is_nan() {
        return sum;
    }
    let shares = singular_values.iter().map(|value| value / sum).filter(|&share| share > 0.0);
    (-shares.map(|share| share * share.ln()).sum::<f64>()).exp()
}
