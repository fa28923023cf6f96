//! Calibration errors of a classifier's predictions.

use serde::{Deserialize, Serialize};
use zview_numerics::statistics::{Interval, percentile_interval};

use super::bins::{ReliabilityBin, bin_of, equal_mass_bins, equal_width_bins, expected_calibration_error};
use crate::ProbeError;
use crate::linear::Predictions;
use zview_features::{FeatureError, Problems, Settings};

/// Keeps the resamples apart from those of other figures of one run.
const USE_NUMBER: u64 = 1 << 40;

/// How calibration is measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CalibrationConfig {
    /// Bins of confidence.
    pub bins: usize,
    /// Seed of the confidence interval.
    pub seed: u64,
}

impl Default for CalibrationConfig {
    fn default() -> Self {
        Self { bins: 15, seed: 0 }
    }
}

/// More than images of any test set.
const MOST_BINS: usize = 100_000;

impl Settings for CalibrationConfig {
    fn problems(&self) -> Vec<String> {
        let holds = (1..=MOST_BINS).contains(&self.bins);
        Problems::default().require(holds, "bins", format_args!("1 to {MOST_BINS}"), self.bins).list()
    }
}

/// Whether confidence and accuracy agree; fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Test images.
    pub n_test: usize,
    /// Expected calibration error over bins of equal width. That of few images is too large: sampling
    /// alone moves accuracy away from confidence.
    pub ece: f64,
    /// 95 % interval of `ece`.
    pub ece_interval: Interval,
    /// The same over bins of equally many images.
    pub adaptive_ece: f64,
    /// The largest gap of a bin of equal width (equation 5 of Guo et al.).
    pub max_calibration_error: f64,
    /// Mean confidence minus accuracy: above 0 the classifier is too sure of itself.
    pub overconfidence: f64,
    /// Mean of -ln(probability of the image's own class), nats; a probability that is 0 in f32 counts as
    /// the smallest normal f32 (87.3 nats).
    pub negative_log_likelihood: f64,
    /// Mean of (confidence - whether right)^2: the Brier score of the event that the most probable class is
    /// right. The sum over all classes would need all probabilities.
    pub top_label_brier: f64,
    /// The reliability diagram: bins of equal width.
    pub bins: Vec<ReliabilityBin>,
}

/// Calibration of `predictions`.
///
/// The interval is the basic bootstrap (Davison and Hinkley, section 5.2), 2 ECE minus the percentiles of
/// resampled ECEs, cut off at 0: resampling adds as much upward bias as the sample has, and the plain
/// percentiles of a well calibrated classifier would exclude its true error.
///
/// # Errors
/// No image, lists of different lengths, no bins, a confidence that is not from 0 to 1.
pub fn calibration(predictions: &Predictions, config: &CalibrationConfig) -> Result<Calibration, ProbeError> {
    let (confidence, correct) = (&predictions.confidence, predictions.correct());
    let images = confidence.len();
    config.check()?;
    check(predictions)?;
    let bins = equal_width_bins(confidence, &correct, config.bins);
    let ece = expected_calibration_error(&bins);
    let mean = |term: &dyn Fn(usize) -> f64| (0..images).map(term).sum::<f64>() / images as f64;
    let right = |image: usize| f64::from(u8::from(correct[image]));
    let sure = |image: usize| f64::from(confidence[image]);
    let likelihood =
        |image: usize| -f64::from(predictions.label_probability[image].max(f32::MIN_POSITIVE)).ln();
    Ok(Calibration {
        n_test: images,
        ece,
        ece_interval: interval(confidence, &correct, ece, config),
        adaptive_ece: expected_calibration_error(&equal_mass_bins(confidence, &correct, config.bins)),
        max_calibration_error: bins.iter().map(|bin| bin.gap().abs()).fold(0.0, f64::max),
        overconfidence: mean(&|image| sure(image) - right(image)),
        negative_log_likelihood: mean(&likelihood),
        top_label_brier: mean(&|image| (sure(image) - right(image)).powi(2)),
        bins,
    })
}

fn check(predictions: &Predictions) -> Result<(), ProbeError> {
    let images = predictions.confidence.len();
    for got in [predictions.label_rank.len(), predictions.label_probability.len()] {
        if got != images {
            return Err(ProbeError::Features(FeatureError::Size {
                what: "ranks and probabilities, one per confidence",
                expected: images,
                got,
            }));
        }
    }
    if images == 0 {
        return Err(ProbeError::Features(FeatureError::Empty { set: "the test set".to_owned() }));
    }
    match predictions.confidence.iter().find(|confidence| !(0.0..=1.0).contains(*confidence)) {
        Some(wrong) => Err(ProbeError::Features(FeatureError::Setting {
            key: "confidence",
            expected: "a probability from 0 to 1",
            got: wrong.to_string(),
        })),
        None => Ok(()),
    }
}

/// The basic bootstrap interval of the ECE.
fn interval(confidence: &[f32], correct: &[bool], ece: f64, config: &CalibrationConfig) -> Interval {
    // An image counts by its bin and confidence minus accuracy alone.
    let parts: Vec<(usize, f64)> = confidence
        .iter()
        .zip(correct)
        .map(|(&sure, &right)| (bin_of(sure, config.bins), f64::from(sure) - f64::from(u8::from(right))))
        .collect();
    let images = parts.len();
    let resampled = percentile_interval(config.seed, USE_NUMBER, |stream| {
        let mut gaps = vec![0.0f64; config.bins];
        for _ in 0..images {
            let (bin, gap) = parts[stream.below(images as u64) as usize];
            gaps[bin] += gap;
        }
        gaps.iter().map(|gap| gap.abs()).sum::<f64>() / images as f64
    });
    Interval { low: (2.0 * ece - resampled.high).max(0.0), high: (2.0 * ece - resampled.low).max(0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_runtime::seed::{Purpose, Stream};

    /// Images right with probability confidence - `overconfidence`.
    fn drawn(images: usize, overconfidence: f32, draw: u64) -> Predictions {
        let mut stream = Stream::new(0, Purpose::Check, 300, draw);
        let mut predictions = Predictions::default();
        for _ in 0..images {
            let confidence = stream.uniform_in(0.4, 1.0);
            let right = stream.chance(confidence - overconfidence);
            predictions.classes.push(0);
            predictions.confidence.push(confidence);
            predictions.label_probability.push(if right { confidence } else { 1.0 - confidence });
            predictions.label_rank.push(u32::from(!right));
        }
        predictions
    }

    #[test]
    fn a_calibrated_classifier_has_no_error_and_a_boasting_one_its_own() {
        let config = CalibrationConfig::default();
        let honest = calibration(&drawn(20_000, 0.0, 0), &config).unwrap();
        assert!(honest.ece < 0.02 && honest.adaptive_ece < 0.02, "{honest:?}");
        assert!(honest.ece_interval.low < 0.005 && honest.overconfidence.abs() < 0.01, "{honest:?}");
        let boasting = calibration(&drawn(20_000, 0.2, 0), &config).unwrap();
        assert!((boasting.ece - 0.2).abs() < 0.02 && (boasting.overconfidence - 0.2).abs() < 0.02);
        assert!(boasting.ece_interval.low > 0.18 && boasting.ece_interval.high < 0.22, "{boasting:?}");
    }

    #[test]
    fn intervals_cover_the_truth_about_95_times_in_100() {
        let config = CalibrationConfig::default();
        let covered = (0..200)
            .filter(|&draw| {
                let interval = calibration(&drawn(500, 0.15, draw), &config).unwrap().ece_interval;
                interval.low <= 0.15 && 0.15 <= interval.high
            })
            .count();
        // Standard error of the count: 3.
        assert!((180..=198).contains(&covered), "{covered}");
    }

    #[test]
    fn certain_and_wrong_is_finite() {
        let predictions = Predictions {
            classes: vec![0],
            confidence: vec![1.0],
            label_probability: vec![0.0],
            label_rank: vec![1],
        };
        let told = calibration(&predictions, &CalibrationConfig::default()).unwrap();
        assert_eq!((told.ece, told.top_label_brier, told.max_calibration_error), (1.0, 1.0, 1.0));
        assert!((told.negative_log_likelihood - 87.336_544).abs() < 1e-5);
    }

    #[test]
    fn what_cannot_be_measured_is_named() {
        let told = |predictions: &Predictions, bins| {
            calibration(predictions, &CalibrationConfig { bins, seed: 0 }).unwrap_err().to_string()
        };
        assert!(told(&Predictions::default(), 15).contains("no images"));
        assert!(told(&drawn(3, 0.0, 0), 0).contains("bins"));
        let mut short = drawn(3, 0.0, 0);
        short.label_rank.pop();
        assert!(told(&short, 15).contains("expected 3, got 2"));
        let mut broken = drawn(3, 0.0, 0);
        broken.confidence[1] = f32::NAN;
        assert!(told(&broken, 15).contains("NaN"));
    }
}
