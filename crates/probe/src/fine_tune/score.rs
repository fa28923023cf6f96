//! What fine-tuning gave.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::candidate::CandidateScore;
use crate::linear::Predictions;

/// One repetition of fine-tuning; accuracies are fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FineTuneRun {
    /// Its seed.
    pub seed: u64,
    /// Share of test images whose most probable class is right.
    pub top1: f64,
    /// Share of test images whose class is among the five most probable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top5: Option<f64>,
    /// Lower end of the 95 % interval of `top1`, over test images.
    pub low: f64,
    /// Upper end of that interval.
    pub high: f64,
    /// Peak learning rate of the head that was chosen.
    pub learning_rate: f64,
    /// Layer decay that was chosen.
    pub layer_decay: f64,
    /// Held-out scores of every candidate; empty where there was one only.
    pub validation: Vec<CandidateScore>,
    /// Of the labelled images, how many were held out to choose; all were used in the final fit.
    pub n_validation: usize,
    /// Time of all fits and of the test, in seconds.
    pub seconds: f64,
    /// Whether each test image's top-1 prediction is right, (N), for paired comparisons.
    #[serde(skip)]
    pub correct: Vec<bool>,
    /// What the classifier says of each test image.
    #[serde(skip)]
    pub predictions: Predictions,
}

/// Fine-tuning, or training from scratch, over all seeds; accuracies are fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FineTuneScore {
    /// `pretrained` or `scratch`.
    pub start: Cow<'static, str>,
    /// SHA-256 of the pretrained encoder's tensors, the same before and after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoder_sha256: Option<String>,
    /// Mean top-1 accuracy over seeds.
    pub mean: f64,
    /// Lower end of the 95 % t-interval over seeds; `None` for a single seed.
    pub low: Option<f64>,
    /// Upper end of that interval.
    pub high: Option<f64>,
    /// Mean top-5 accuracy over seeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top5: Option<f64>,
    /// Labelled images of each class; `None` for all.
    pub labels_per_class: Option<usize>,
    /// Labelled training images of a seed.
    pub n_train: usize,
    /// Test images.
    pub n_test: usize,
    /// Updates of each fit.
    pub steps: u64,
    /// Images per update.
    pub batch: usize,
    /// Time of everything, in seconds.
    pub seconds: f64,
    /// Every seed.
    pub seeds: Vec<FineTuneRun>,
}
