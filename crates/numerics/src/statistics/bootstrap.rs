//! Percentile bootstrap over test images.
//!
//! An accuracy is a mean of zeros and ones, so a resample of its images depends on nothing but how
//! many of them are right: it is a binomial draw. A paired difference likewise is a trinomial draw.
//! Source: Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13.

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

/// 95 % interval of an accuracy of `correct` out of `images` test images (NaN of none).
///
/// `use_number` keeps the random streams of several intervals of one run apart.
#[must_use]
pub fn accuracy_interval(correct: usize, images: usize, seed: u64, use_number: u64) -> Interval {
    resampled_interval(images, seed, use_number, |stream| {
        let right = (0..images).filter(|_| stream.below(images as u64) < correct as u64).count();
        right as f64
    })
}

/// 95 % interval of accuracy(a) - accuracy(b) where both judged the same images: `a[i]` and `b[i]`
/// say whether image i was right. `None` if the lengths differ.
#[must_use]
pub fn paired_difference_interval(a: &[bool], b: &[bool], seed: u64, use_number: u64) -> Option<Interval> {
    if a.len() != b.len() {
        return None;
    }
    let images = a.len();
    let only = |x: &[bool], y: &[bool]| x.iter().zip(y).filter(|&(&x, &y)| x && !y).count() as u64;
    let (only_a, only_b) = (only(a, b), only(b, a));
    Some(resampled_interval(images, seed, use_number, |stream| {
        let mut difference = 0i64;
        for _ in 0..images {
            let image = stream.below(images as u64);
            if image < only_a {
                difference += 1;
            } else if image < only_a + only_b {
                difference -= 1;
            }
        }
        difference as f64
    }))
}

/// Percentiles of `resampled_sum` / `images` over the resamples.
fn resampled_interval(
    images: usize,
    seed: u64,
    use_number: u64,
    resampled_sum: impl Fn(&mut Stream) -> f64 + Sync,
) -> Interval {
    percentile_interval(seed, use_number, |stream| resampled_sum(stream) / images as f64)
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
    fn the_interval_has_the_width_of_its_formula() {
        // 1.96 sqrt(0.9 0.1 / 10,000) = 0.00588.
        let interval = accuracy_interval(9_000, 10_000, 0, 0);
        assert!((interval.low - 0.894_12).abs() < 6e-4, "{interval:?}");
        assert!((interval.high - 0.905_88).abs() < 6e-4, "{interval:?}");
        assert_eq!(interval, accuracy_interval(9_000, 10_000, 0, 0));
        assert_ne!(interval, accuracy_interval(9_000, 10_000, 1, 0));
        assert_ne!(interval, accuracy_interval(9_000, 10_000, 0, 1));
    }

    #[test]
    fn all_right_and_all_wrong_have_no_spread() {
        assert_eq!(accuracy_interval(50, 50, 0, 0), Interval { low: 1.0, high: 1.0 });
        assert_eq!(accuracy_interval(0, 50, 0, 0), Interval { low: 0.0, high: 0.0 });
        assert!(accuracy_interval(0, 0, 0, 0).low.is_nan());
    }

    #[test]
    fn intervals_cover_the_truth_about_95_times_in_100() {
        let truth = 0.7;
        let trials = 300;
        let covered = (0..trials)
            .filter(|&trial| {
                let mut stream = Stream::new(9, Purpose::Check, 200, trial);
                let correct = (0..400).filter(|_| stream.chance(truth)).count();
                let interval = accuracy_interval(correct, 400, trial, 0);
                interval.low <= f64::from(truth) && f64::from(truth) <= interval.high
            })
            .count();
        let coverage = covered as f64 / trials as f64;
        // Standard error of the coverage itself: 0.013.
        assert!((0.91..=0.985).contains(&coverage), "{coverage}");
    }

    #[test]
    fn a_paired_difference_is_narrower_than_two_separate_intervals() {
        // 1,000 images, both right on 900 of them; a alone on 30, b alone on 10.
        let a: Vec<bool> = (0..1_000).map(|image| image < 930).collect();
        let b: Vec<bool> = (0..1_000).map(|image| image < 900 || (950..960).contains(&image)).collect();
        let interval = paired_difference_interval(&a, &b, 0, 0).unwrap();
        // Standard error sqrt((0.04 - 0.02^2) / 1,000) = 0.00629.
        assert!((interval.low - (0.02 - 0.012_33)).abs() < 0.0025, "{interval:?}");
        assert!((interval.high - (0.02 + 0.012_33)).abs() < 0.0025, "{interval:?}");
        let same = paired_difference_interval(&a, &a, 0, 0).unwrap();
        assert_eq!(same, Interval { low: 0.0, high: 0.0 });
        assert!(paired_difference_interval(&a, &b[1..], 0, 0).is_none());
    }
}
