//! The spread over seeds that arms of one study share, so that a difference of three seeds is not judged by two degrees of
//! freedom (Smyth 2004, "Linear models and empirical Bayes methods for assessing differential expression", section 3,
//! <https://doi.org/10.2202/1544-6115.1027>, with the prior's degrees of freedom fixed).
//!
//! In a table of A arms by S seeds, what is left without the arms' and the seeds' means has (A - 1)(S - 1) degrees of freedom.
//! A contrast of weights w (of sum 0) has S - 1 of them for itself; the other (A - 2)(S - 1) say how far such contrasts
//! spread elsewhere:
//!
//! v = (d0 s0^2 + d s^2) / (d0 + d), with d0 + d degrees of freedom,
//!
//! where s^2 is the contrast's own variance of d degrees, and s0^2 = |w|^2 times the mean square of the others. Where the
//! arms spread alike this is exact from three arms on (two have nothing to share); where they do not, the small d0 keeps
//! what is promised (`tests/coverage.rs`).

/// d0, the degrees of freedom that the other arms' spread counts for at most.
pub const SHARED_DEGREES: f64 = 4.0;

/// What is left of a table of arms by seeds without their means.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedVariance {
    /// `residuals[a][s]`.
    residuals: Vec<Vec<f64>>,
}

/// A variance and what it is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moderated {
    /// Over seeds, of one seed's value.
    pub variance: f64,
    /// Its degrees of freedom.
    pub degrees: f64,
}

impl SharedVariance {
    /// Of `values[a][s]`, A arms with the same S seeds. `None` of fewer than two arms or seeds, or of lists of different
    /// lengths.
    #[must_use]
    pub fn of(values: &[Vec<f64>]) -> Option<Self> {
        let seeds = values.first()?.len();
        if values.len() < 2 || seeds < 2 || values.iter().any(|of_arm| of_arm.len() != seeds) {
            return None;
        }
        let mean = |values: &mut dyn Iterator<Item = f64>, count: usize| values.sum::<f64>() / count as f64;
        let of_arm: Vec<f64> = values.iter().map(|of| mean(&mut of.iter().copied(), seeds)).collect();
        let of_seed: Vec<f64> =
            (0..seeds).map(|seed| mean(&mut values.iter().map(|of| of[seed]), values.len())).collect();
        let whole = mean(&mut of_arm.iter().copied(), of_arm.len());
        let residuals = values.iter().zip(&of_arm).map(|(of, arm)| {
            of.iter().zip(&of_seed).map(|(value, seed)| value - arm - seed + whole).collect()
        });
        Some(Self { residuals: residuals.collect() })
    }

    /// How many arms share it.
    #[must_use]
    pub fn arms(&self) -> usize {
        self.residuals.len()
    }

    fn seeds(&self) -> usize {
        self.residuals[0].len()
    }

    fn squares(&self) -> f64 {
        self.residuals.iter().flatten().map(|residual| residual * residual).sum()
    }

    /// Variance of one arm's value with one seed, without what is the seed's in all arms.
    #[must_use]
    pub fn mean_square(&self) -> f64 {
        self.squares() / ((self.arms() - 1) * (self.seeds() - 1)) as f64
    }

    /// The variance over seeds of the contrast of these weights, one for each arm of the table: `own` of `degrees` degrees of
    /// freedom, moderated by the other arms'.
    #[must_use]
    pub fn moderate(&self, weights: &[f64], own: f64, degrees: f64) -> Moderated {
        let length: f64 = weights.iter().map(|weight| weight * weight).sum();
        let others = ((self.arms() - 2) * (self.seeds() - 1)) as f64;
        let shared = others.min(SHARED_DEGREES);
        if shared <= 0.0 || length <= 0.0 {
            return Moderated { variance: own, degrees };
        }
        let of_seed = |seed: usize| -> f64 {
            weights.iter().zip(&self.residuals).map(|(weight, of_arm)| weight * of_arm[seed]).sum()
        };
        let of_contrast: f64 = (0..self.seeds()).map(|seed| of_seed(seed).powi(2)).sum();
        let elsewhere = length * (self.squares() - of_contrast / length).max(0.0) / others;
        let variance = (shared * elsewhere + degrees * own) / (shared + degrees);
        Moderated { variance, degrees: shared + degrees }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variance(values: &[f64]) -> f64 {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0)
    }

    #[test]
    fn of_three_arms_and_three_seeds_it_is_the_pooled_variance() {
        let table = [vec![1.0, 2.0, 4.0], vec![2.0, 5.0, 4.0], vec![0.0, 3.0, 9.0]];
        let shared = SharedVariance::of(&table).unwrap();
        let minus =
            |a: usize, b: usize| -> Vec<f64> { table[a].iter().zip(&table[b]).map(|(a, b)| a - b).collect() };
        let pairs = [(1, 0), (2, 0), (2, 1)].map(|(a, b)| variance(&minus(a, b)));
        // The mean over pairs is twice the residual mean square, of four degrees of freedom.
        assert!((pairs.iter().sum::<f64>() / 3.0 - 2.0 * shared.mean_square()).abs() < 1e-12);
        let moderated = shared.moderate(&[-1.0, 1.0, 0.0], pairs[0], 2.0);
        assert!((moderated.variance - 2.0 * shared.mean_square()).abs() < 1e-12 && moderated.degrees == 4.0);
    }

    #[test]
    fn many_arms_count_for_four_degrees_and_two_for_none() {
        let table: Vec<Vec<f64>> =
            (0..7).map(|arm| (0..5).map(|seed| f64::from((arm * 7 + seed * 3) % 11)).collect()).collect();
        let shared = SharedVariance::of(&table).unwrap();
        let mut weights = [0.0; 7];
        (weights[0], weights[3]) = (-1.0, 1.0);
        let own = 1.25;
        let moderated = shared.moderate(&weights, own, 4.0);
        assert_eq!(moderated.degrees, 8.0);
        let of_contrast = variance(&(0..5).map(|seed| table[3][seed] - table[0][seed]).collect::<Vec<f64>>());
        // 24 degrees in all, 4 of the contrast's own.
        let elsewhere = 2.0 * (24.0 * shared.mean_square() - 4.0 * of_contrast / 2.0) / 20.0;
        assert!((moderated.variance - 0.5 * (elsewhere + own)).abs() < 1e-12);
        let two = SharedVariance::of(&table[..2]).unwrap().moderate(&[1.0, -1.0], own, 4.0);
        assert_eq!(two, Moderated { variance: own, degrees: 4.0 });
        assert!(
            SharedVariance::of(&table[..1]).is_none()
                && SharedVariance::of(&[vec![1.0], vec![2.0]]).is_none()
        );
        assert!(SharedVariance::of(&[vec![1.0, 2.0], vec![2.0]]).is_none());
    }
}
