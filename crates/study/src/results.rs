//! What a comparison gives: every arm's accuracies, and their differences on the same images.

use std::collections::BTreeMap;

use serde::Serialize;
use zview_encoder::ViewFormat;
use zview_probe::{FewShotScore, KnnScore, LinearScore};

use crate::training::Training;
use zview_probe::suite::intervals::Resampling;

/// Linear-probe accuracy of an arm, a fraction: mean over seeds, with its 95 % interval (`low`, `high`).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LinearAccuracy {
    /// Mean over seeds.
    pub mean: f64,
    /// The accuracy with each seed.
    pub seeds: Vec<f64>,
    /// The probe; its `low` and `high` are those of the comparison.
    #[serde(flatten)]
    pub probe: LinearScore,
}

/// accuracy(arm) - accuracy(other) on the same test images, a fraction, with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// The difference.
    pub difference: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// What an interval says of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// All of it is above 0.
    Better,
    /// All of it is below 0.
    Worse,
    /// It contains 0.
    NotToldApart,
}

impl Difference {
    /// What its interval says.
    #[must_use]
    pub fn standing(&self) -> Standing {
        if self.low > 0.0 {
            Standing::Better
        } else if self.high < 0.0 {
            Standing::Worse
        } else {
            Standing::NotToldApart
        }
    }
}

/// One arm's result.
#[derive(Debug, Clone, Serialize)]
pub struct ArmResult {
    /// The arm.
    pub name: String,
    /// What its encoder learnt from.
    pub taught_by: String,
    /// Linear probe.
    pub linear: LinearAccuracy,
    /// Nearest neighbours, keyed by k.
    pub knn: BTreeMap<usize, KnnScore>,
    /// Few labels, keyed by labels per class.
    pub few_shot: BTreeMap<usize, FewShotScore>,
    /// Linear accuracy minus that of another arm, keyed by the other.
    pub minus: BTreeMap<String, Difference>,
    /// Seconds of probing.
    pub probe_seconds: f64,
    /// How it was trained.
    #[serde(flatten)]
    pub training: Training,
}

/// A comparison of arms at equal updates on the same held-out images.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The arms, in the order in which they are shown.
    pub arms: Vec<ArmResult>,
    /// Over what the intervals are.
    pub intervals: Resampling,
    /// The data set probed on.
    pub data: String,
    /// Its classes.
    pub classes: usize,
    /// Size and colours of its images, as every encoder was trained on and is judged at.
    pub judged_at: ViewFormat,
    /// Images the probes learnt from.
    pub n_train: usize,
    /// Held-out images.
    pub n_test: usize,
    /// The seed of everything.
    pub seed: u64,
}

impl Comparison {
    /// The arm of that name.
    #[must_use]
    pub fn arm(&self, name: &str) -> Option<&ArmResult> {
        self.arms.iter().find(|arm| arm.name == name)
    }

    /// Linear accuracy of `arm` minus that of `other`.
    #[must_use]
    pub fn difference(&self, arm: &str, other: &str) -> Option<Difference> {
        self.arm(arm)?.minus.get(other).copied()
    }
}
