//! What pretraining gains over training from scratch.

use serde::{Deserialize, Serialize};
use zview_numerics::statistics::{Interval, difference_of_one, mean_interval};

use super::score::FineTuneScore;
use crate::ProbeError;

/// The difference at one seed: same labelled images, order, augmentation and test images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GainOfSeed {
    /// The seed.
    pub seed: u64,
    /// Top-1 accuracy from the pretrained encoder minus that from scratch.
    pub gain: f64,
    /// Lower end of its 95 % interval over test images.
    pub low: f64,
    /// Upper end of that interval.
    pub high: f64,
}

/// Fine-tuning minus training from scratch, seed by seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FineTuneGain {
    /// Mean difference of top-1 accuracies.
    pub mean: f64,
    /// Lower end of the 95 % t-interval of the paired difference over seeds; `None` for a single seed and for two.
    pub low: Option<f64>,
    /// Upper end of that interval.
    pub high: Option<f64>,
    /// Every seed.
    pub seeds: Vec<GainOfSeed>,
}

/// The paired difference of two arms that had the same labelled images, updates, seeds and test images.
///
/// # Errors
/// [`ProbeError::Arms`] where one of these differs.
pub fn fine_tune_gain(
    pretrained: &FineTuneScore,
    scratch: &FineTuneScore,
) -> Result<FineTuneGain, ProbeError> {
    let seeds = |score: &FineTuneScore| score.seeds.iter().map(|run| run.seed).collect::<Vec<_>>();
    let count = |count: Option<usize>| count.map_or("all".to_owned(), |count| count.to_string());
    for (what, a, b) in [
        ("labels_per_class", count(pretrained.labels_per_class), count(scratch.labels_per_class)),
        ("labelled images", pretrained.n_train.to_string(), scratch.n_train.to_string()),
        ("test images", pretrained.n_test.to_string(), scratch.n_test.to_string()),
        ("updates", pretrained.steps.to_string(), scratch.steps.to_string()),
        ("seeds", format!("{:?}", seeds(pretrained)), format!("{:?}", seeds(scratch))),
    ] {
        if a != b {
            return Err(ProbeError::Arms { what, pretrained: a, scratch: b });
        }
    }
    let gains: Vec<GainOfSeed> = (pretrained.seeds.iter().zip(&scratch.seeds))
        .map(|(a, b)| {
            let interval = difference_of_one(&a.correct, &b.correct, None);
            let Interval { low, high } = interval.unwrap_or(Interval { low: f64::NAN, high: f64::NAN });
            GainOfSeed { seed: a.seed, gain: a.top1 - b.top1, low, high }
        })
        .collect();
    let summary = mean_interval(&gains.iter().map(|seed| seed.gain).collect::<Vec<_>>());
    // Two seeds say too little of how seeds differ.
    let interval = summary.interval.filter(|_| gains.len() != 2);
    Ok(FineTuneGain {
        mean: summary.mean,
        low: interval.map(|interval| interval.low),
        high: interval.map(|interval| interval.high),
        seeds: gains,
    })
}
