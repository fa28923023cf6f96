//! The exponent of the decay of eigenvalues.
//!
//! Agrawal et al. 2022, "alpha-ReQ: Assessing Representation Quality in Self-Supervised Learning by measuring
//! eigenspectrum decay", section 2: lambda_i proportional to i^-alpha. The paper does not say how the line is
//! fitted; its authors' program takes the ranks 4 to 100 and weights each by 1 / rank, as Stringer et al. 2019 do.

use serde::{Deserialize, Serialize};

/// A power law lambda_i = constant i^-alpha of eigenvalues, i counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PowerLaw {
    /// The exponent: features whose alpha is near 1 are said to transfer best.
    pub alpha: f64,
    /// Share of the variance of ln lambda over the ranks, weighted by 1 / rank, that the line explains; 1 is a
    /// perfect power law.
    pub r_squared: f64,
    /// First rank of the fit.
    pub first_rank: usize,
    /// Last rank of the fit.
    pub last_rank: usize,
}

/// Fits ln lambda_i over ln i by least squares with weights 1 / i over the given ranks, as far as there are
/// eigenvalues above 1e-12 of the largest. `eigenvalues` are in descending order. `None` where fewer than three
/// are left.
#[must_use]
pub fn power_law(eigenvalues: &[f64], first_rank: usize, last_rank: usize) -> Option<PowerLaw> {
    let noise = 1e-12 * eigenvalues.first()?;
    let used = eigenvalues.iter().take_while(|&&value| value > noise).count();
    let (first_rank, last_rank) = (first_rank.max(1), last_rank.min(used));
    if last_rank < first_rank + 2 {
        return None;
    }
    let points = || {
        (first_rank..=last_rank)
            .map(|rank| (1.0 / rank as f64, (rank as f64).ln(), eigenvalues[rank - 1].ln()))
    };
    let total: f64 = points().map(|(weight, ..)| weight).sum();
    let x_mean = points().map(|(weight, x, _)| weight * x).sum::<f64>() / total;
    let y_mean = points().map(|(weight, _, y)| weight * y).sum::<f64>() / total;
    let sum_of = |term: &dyn Fn(f64, f64) -> f64| {
        points().map(|(weight, x, y)| weight * term(x - x_mean, y - y_mean)).sum::<f64>()
    };
    let (xx, xy, yy) = (sum_of(&|x, _| x * x), sum_of(&|x, y| x * y), sum_of(&|_, y| y * y));
    let r_squared = if yy > 0.0 { xy * xy / (xx * yy) } else { 1.0 };
    Some(PowerLaw { alpha: -xy / xx, r_squared, first_rank, last_rank })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_law_has_its_exponent() {
        let eigenvalues: Vec<f64> = (1..=50).map(|rank| 3.0 * f64::from(rank).powf(-1.3)).collect();
        let law = power_law(&eigenvalues, 4, 100).unwrap();
        assert!((law.alpha - 1.3).abs() < 1e-12 && (law.r_squared - 1.0).abs() < 1e-12);
        assert_eq!((law.first_rank, law.last_rank), (4, 50));
    }

    #[test]
    fn too_few_eigenvalues_have_none() {
        assert!(power_law(&[1.0, 0.5, 0.3, 0.2, 0.1], 4, 100).is_none());
        assert!(power_law(&[1.0, 0.5, 0.3, 0.2, 0.1, 1e-14], 3, 100).is_some());
        assert!(power_law(&[1.0, 0.5, 0.3, 0.2, 1e-14, 1e-14], 3, 100).is_none());
        assert!(power_law(&[0.0; 9], 1, 100).is_none());
        assert!(power_law(&[], 1, 100).is_none());
    }
}
