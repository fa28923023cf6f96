//! What is read off the cells of an arm.

use serde::Serialize;
use serde_json::Value;
use zview_numerics::statistics::mean_interval;

/// A measure of an arm: mean over seeds with its 95 % t-interval; fractions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// The mean.
    pub mean: f64,
    /// Lower end of its interval; absent for one seed.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// The value with each seed, in the order of the seeds that are there.
    pub seeds: Vec<f64>,
    /// Labelled training images.
    pub n_train: u64,
    /// Test images.
    pub n_test: u64,
}

/// A difference to the reference arm on the same seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Mean over seeds, -1 to 1.
    pub difference: f64,
    /// Lower end of its 95 % interval.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// Two-sided p-value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_value: Option<f64>,
    /// The p-value corrected for all arms and data sets (Holm), within the measure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_holm: Option<f64>,
    /// Seeds that both arms have.
    pub seeds: usize,
}

/// The score of the values of all seeds.
pub(super) fn score(values: Vec<f64>, evaluation: &Value) -> Score {
    let summary = mean_interval(&values);
    let (low, high) = summary.interval.map(|interval| (interval.low, interval.high)).unzip();
    let count = |key: &str| evaluation[key].as_u64().unwrap_or(0);
    Score { mean: summary.mean, low, high, seeds: values, n_train: count("n_train"), n_test: count("n_test") }
}

/// Differences of values of the same seeds: the t-interval over seeds.
pub(super) fn difference_over_seeds(values: &[f64], reference: &[f64]) -> Difference {
    let differences: Vec<f64> = values.iter().zip(reference).map(|(a, b)| a - b).collect();
    let summary = mean_interval(&differences);
    let (low, high) = summary.interval.map(|interval| (interval.low, interval.high)).unzip();
    Difference { difference: summary.mean, low, high, p_value: None, p_holm: None, seeds: differences.len() }
}
