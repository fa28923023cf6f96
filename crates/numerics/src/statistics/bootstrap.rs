//! Percentile bootstrap over test images (Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13), for what is
//! no mean of them.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use zview_runtime::seed::{Purpose, Stream};

/// Resamples drawn.
const RESAMPLES: u64 = 1_000;
/// Probability below the lower and above the upper end.
const TAIL: f64 = 0.025;

/// A 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Percentiles of `resampled` over the resamples, each with a stream of its own.
#[must_use]
pub fn percentile_interval(
    seed: u64,
    use_number: u64,
    resampled: impl Fn(&mut Stream) -> f64 + Sync,
) -> Interval {
    let mut values: Vec<f64> = (0..RESAMPLES)
        .into_par_iter()
        .map(|resample| resampled(&mut Stream::new(seed, Purpose::Bootstrap, use_number, resample)))
        .collect();
    values.sort_by(f64::total_cmp);
    Interval { low: percentile(&values, TAIL), high: percentile(&values, 1.0 - TAIL) }
}

/// Linear interpolation between order statistics.
fn percentile(sorted: &[f64], probability: f64) -> f64 {
    let position = probability * (sorted.len() - 1) as f64;
    let (below, share) = (position.floor() as usize, position.fract());
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + share * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_mean_has_the_width_of_its_formula() {
        let of = |seed, use_number| {
            percentile_interval(seed, use_number, |stream| {
                (0..400).filter(|_| stream.below(10) < 9).count() as f64 / 400.0
            })
        };
        // 1.96 sqrt(0.9 0.1 / 400) = 0.0294.
        let interval = of(0, 0);
        assert!(
            (interval.low - 0.8706).abs() < 4e-3 && (interval.high - 0.9294).abs() < 4e-3,
            "{interval:?}"
        );
        assert_eq!(interval, of(0, 0));
        assert!(interval != of(1, 0) && interval != of(0, 1));
    }
}
