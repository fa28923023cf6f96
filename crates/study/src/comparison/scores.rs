//! What is read off the cells of an arm.

use serde::Serialize;
use zview_numerics::statistics::mean_interval;

use zview_probe::suite::intervals::{of_accuracy, over_seeds, too_few};
use zview_probe::suite::metric::{Metric, Unit};

/// Below this corrected probability of no difference, one is significant.
pub(super) const SIGNIFICANT: f64 = 0.05;

/// A measure of an arm: mean over seeds with its 95 % t-interval, or of one seed with that over test images or draws of
/// labels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// What is measured.
    #[serde(skip)]
    pub metric: Metric,
    /// The mean.
    pub mean: f64,
    /// Lower end of its interval; absent for two seeds.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// What the interval of one seed is over: `over 99 typeface families`, `over 5 draws of the labels`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
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

impl Difference {
    /// Whether it can be told from 0: by its corrected p-value, or of one seed, which has none, by its interval.
    #[must_use]
    pub fn is_significant(&self) -> bool {
        match self.p_holm {
            Some(p) => p < SIGNIFICANT,
            None => {
                self.seeds == 1 && self.low.zip(self.high).is_some_and(|(low, high)| low > 0.0 || high < 0.0)
            }
        }
    }
}

impl Score {
    /// The same with the interval of the one encoder that it is of; of several seeds as it is.
    pub(super) fn of_one_encoder(mut self, of: &zview_probe::suite::metric::Score) -> Self {
        let Some((low, high)) = of.interval.filter(|_| self.seeds.len() == 1) else { return self };
        (self.low, self.high) = (Some(low), Some(high));
        // Without what is in brackets: how it was resampled.
        let over = of.over.split(" (").next().unwrap_or_default();
        self.over = (!over.is_empty()).then(|| format!("over {over}"));
        self
    }
}

/// The score of the values of all seeds.
pub(super) fn score(values: Vec<f64>, metric: Metric, [n_train, n_test]: [usize; 2]) -> Score {
    let summary = mean_interval(&values);
    let within = |interval| if metric.unit == Unit::Number { interval } else { of_accuracy(interval) };
    let interval = over_seeds(summary.interval, values.len()).map(within);
    let (low, high) = interval.map(|interval| (interval.low, interval.high)).unzip();
    let no_interval = too_few(values.len());
    Score { metric, mean: summary.mean, low, high, over: None, no_interval, seeds: values, n_train, n_test }
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
    use zview_probe::suite::protocols::linear;

    use super::*;
    use zview_probe::suite::intervals::TWO_SEEDS;

    #[test]
    fn one_seed_has_the_interval_of_its_encoder() {
        let of = zview_probe::suite::metric::Score {
            metric: linear::metric(),
            value: 0.5,
            interval: Some((0.4, 0.6)),
            over: "1,200 typeface families (9,000 images; cluster bootstrap)".to_owned(),
            n_train: 0,
            n_test: 0,
            note: String::new(),
            right: None,
        };
        let by = |values: &[f64]| {
            let score = score(values.to_vec(), linear::metric(), [0, 0]).of_one_encoder(&of);
            (score.low, score.over)
        };
        assert_eq!(by(&[0.5]), (Some(0.4), Some("over 1,200 typeface families".to_owned())));
        assert_eq!(by(&[0.5, 0.6]), (None, None));
    }

    #[test]
    fn a_difference_is_significant_by_its_p_value_or_of_one_seed_by_its_interval() {
        let one = Difference { low: Some(0.01), high: Some(0.2), ..difference_over_seeds(&[0.6], &[0.5]) };
        assert!(one.is_significant());
        assert!(!Difference { low: Some(-0.01), ..one.clone() }.is_significant());
        assert!(!Difference { p_holm: Some(0.05), ..one.clone() }.is_significant());
        assert!(!Difference { seeds: 3, ..one }.is_significant());
    }

    #[test]
    fn two_seeds_get_no_interval_and_three_get_one_within_0_and_1() {
        let of = |values: &[f64]| score(values.to_vec(), linear::metric(), [0, 0]);
        let two = of(&[0.98, 0.90]);
        assert_eq!((two.low, two.high, two.no_interval), (None, None, Some(TWO_SEEDS)));
        let three = of(&[0.999, 0.90, 0.99]);
        assert!(three.high == Some(1.0) && three.low < Some(0.9) && three.no_interval.is_none(), "{three:?}");
        let difference = difference_over_seeds(&[0.9, 0.8], &[0.7, 0.7]);
        assert_eq!((difference.low, difference.no_interval), (None, Some(TWO_SEEDS)));
        assert!(difference_over_seeds(&[0.9, 0.8, 0.7], &[0.7, 0.7, 0.7]).low.is_some());
    }
}
