//! What is read off the cells of an arm.

use serde::Serialize;
use zview_numerics::statistics::mean_interval;

use zview_probe::suite::intervals::{of_accuracy, over_seeds, too_few};
use zview_probe::suite::metric::{Metric, Unit};

/// A measure of an arm: mean over seeds with its 95 % t-interval.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// What is measured.
    #[serde(skip)]
    pub metric: Metric,
    /// The mean.
    pub mean: f64,
    /// Lower end of its interval; absent for one seed and for two.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// Why it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_interval: Option<&'static str>,
    /// The value with each seed, in the order of the seeds that are there.
    pub seeds: Vec<f64>,
    /// Labelled training images.
    pub n_train: usize,
    /// Test images.
    pub n_test: usize,
}

/// Why a difference has no p-value: that is over seeds and test images.
pub(super) const IMAGES_UNKNOWN: &str = "which test images were right is not kept of these";

/// A difference to the reference arm on the same seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Mean over seeds, -1 to 1.
    pub difference: f64,
    /// Lower end of its 95 % interval.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// Why it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_interval: Option<&'static str>,
    /// Two-sided p-value; none where there is no interval.
    pub p_value: Option<f64>,
    /// Why it has none, where it has an interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_p: Option<&'static str>,
    /// The p-value corrected for all arms and data sets (Holm), within the measure.
    pub p_holm: Option<f64>,
    /// Seeds that both arms have.
    pub seeds: usize,
}

/// The score of the values of all seeds.
pub(super) fn score(values: Vec<f64>, metric: Metric, [n_train, n_test]: [usize; 2]) -> Score {
    let summary = mean_interval(&values);
    let within = |interval| if metric.unit == Unit::Number { interval } else { of_accuracy(interval) };
    let interval = over_seeds(summary.interval, values.len()).map(within);
    let (low, high) = interval.map(|interval| (interval.low, interval.high)).unzip();
    let no_interval = too_few(values.len());
    Score { metric, mean: summary.mean, low, high, no_interval, seeds: values, n_train, n_test }
}

/// Differences of values of the same seeds: the t-interval over seeds.
pub(super) fn difference_over_seeds(values: &[f64], reference: &[f64]) -> Difference {
    let differences: Vec<f64> = values.iter().zip(reference).map(|(a, b)| a - b).collect();
    let summary = mean_interval(&differences);
    let seeds = differences.len();
    let interval = over_seeds(summary.interval, seeds);
    let (low, high) = interval.map(|interval| (interval.low, interval.high)).unzip();
    let no_interval = too_few(seeds);
    Difference {
        difference: summary.mean,
        low,
        high,
        no_interval,
        p_value: None,
        no_p: None,
        p_holm: None,
        seeds,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_probe::suite::intervals::TWO_SEEDS;

    #[test]
    fn two_seeds_get_no_interval_and_three_get_one_within_0_and_1() {
        let of =
            |values: &[f64]| score(values.to_vec(), zview_probe::suite::protocols::linear::metric(), [0, 0]);
        let two = of(&[0.98, 0.90]);
        assert_eq!((two.low, two.high, two.no_interval), (None, None, Some(TWO_SEEDS)));
        let three = of(&[0.999, 0.90, 0.99]);
        assert!(three.high == Some(1.0) && three.low < Some(0.9) && three.no_interval.is_none(), "{three:?}");
        let difference = difference_over_seeds(&[0.9, 0.8], &[0.7, 0.7]);
        assert_eq!((difference.low, difference.no_interval), (None, Some(TWO_SEEDS)));
        assert!(difference_over_seeds(&[0.9, 0.8, 0.7], &[0.7, 0.7, 0.7]).low.is_some());
    }
}
