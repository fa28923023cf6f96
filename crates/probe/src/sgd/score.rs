//! What the probe came to.

use serde::{Deserialize, Serialize};

use crate::linear::Predictions;

/// What one learning rate gave on the held-out training images; accuracies are fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RateScore {
    /// Learning rate of the first step.
    pub learning_rate: f64,
    /// Top-1 accuracy at the end; `None` if it diverged.
    pub validation_top1: Option<f64>,
    /// Mean cross-entropy at the end; `None` if it diverged.
    pub validation_loss: Option<f64>,
    /// Whether a weight or the held-out loss became infinite or NaN. Such a rate is never chosen.
    pub diverged: bool,
    /// Top-1 accuracy after each epoch.
    pub validation_by_epoch: Vec<f64>,
}

/// Result of a linear probe by stochastic gradient descent; accuracies are fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SgdScore {
    /// Share of test images whose most probable class is right.
    pub top1: f64,
    /// Share of test images whose class is among the five most probable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top5: Option<f64>,
    /// Lower end of the 95 % interval of `top1`, over test images.
    pub low: f64,
    /// Upper end of that interval.
    pub high: f64,
    /// The learning rate used.
    pub learning_rate: f64,
    /// Held-out scores of every learning rate, from the smallest; empty if there was one only and it was
    /// trained on all images.
    pub rates: Vec<RateScore>,
    /// Top-1 accuracy on the test images of each class, (C); `None` where there are none.
    pub per_class: Vec<Option<f64>>,
    /// How often every training image was visited.
    pub epochs: usize,
    /// Images of a step.
    pub batch: usize,
    /// Whether training images were augmented.
    pub augmented: bool,
    /// Whether the chosen rate was trained again on all training images.
    pub refitted: bool,
    /// Training images, those held out to choose the learning rate included.
    pub n_train: usize,
    /// Training images held out to choose the learning rate.
    pub n_validation: usize,
    /// Test images.
    pub n_test: usize,
    /// D, the number of features.
    pub feature_dimension: usize,
    /// SHA-256 of the encoder's weights and statistics, the same before and after; `None` where
    /// features were given and no encoder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extractor_sha256: Option<String>,
    /// How long it took.
    pub seconds: f64,
    /// Whether each test image's top-1 prediction is right, (N), for paired comparisons.
    #[serde(skip)]
    pub correct: Vec<bool>,
    /// What the classifier says of each test image.
    #[serde(skip)]
    pub predictions: Predictions,
}
