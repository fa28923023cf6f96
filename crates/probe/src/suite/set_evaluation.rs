//! What one encoder is worth on one data set.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::{
    Calibration, Confusion, Evaluation, FewShotScore, FineTuneGain, FineTuneScore, LabelCurve,
    OutlierDetection, Overlap, Robustness, SgdScore,
};
use serde::{Deserialize, Serialize};
use zview_data::Reject;
use zview_features::clusters::ClusterQuality;
use zview_features::spectrum::FeatureSpectrum;
use zview_runtime::words::counted;

use super::judged_at::JudgedAt;
use crate::suite::intervals::Resampling;

/// Everything measured; what was not asked for is absent. Accuracies are fractions, times seconds.
#[derive(Debug, Clone, Serialize)]
pub struct SetEvaluation {
    /// The data set.
    pub data: String,
    /// What was decided about its images, and what was not looked at, one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub data_notes: Vec<String>,
    /// Image files that cannot be read and are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rejects: Vec<Reject>,
    /// Test images of classes without a training image, by class: they are not among those judged.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub classes_only_in_test: BTreeMap<String, usize>,
    /// At which size and in which colours its images were judged.
    pub judged_at: JudgedAt,
    /// How settings were decided, one sentence for each protocol.
    pub protocol: Vec<String>,
    /// Linear probe, neighbours, few labels, and how many images all of it is of.
    #[serde(flatten)]
    pub base: Evaluation,
    /// What the intervals of linear probe and neighbours are over.
    pub intervals: Resampling,
    /// The linear probe on the test images that have no copy among the training images; absent where none has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linear_without_copies: Option<WithoutCopies>,
    /// Few labels by their share of all, keyed `1%`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub few_shot_shares: Option<BTreeMap<String, FewShotScore>>,
    /// Shares of the labels that are too few to be judged by, one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// What a first result is to be held against; absent where several encoders or data sets are judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beside: Option<Beside>,
    /// Few labels judged on held-out training images, keyed by labels per class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub few_shot_validation: Option<BTreeMap<usize, FewShotScore>>,
    /// Accuracy over labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_curve: Option<LabelCurve>,
    /// The linear probe by steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sgd: Option<SgdScore>,
    /// Fine-tuning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fine_tune: Option<FineTuneScore>,
    /// The fine-tuned networks that were kept, a file for each seed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fine_tuned_networks: Vec<PathBuf>,
    /// Training from random weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scratch: Option<FineTuneScore>,
    /// What the pretrained weights gain over random ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fine_tune_gain: Option<FineTuneGain>,
    /// The linear probe's confusion and accuracy of every class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confusion: Option<Confusion>,
    /// The linear probe's calibration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// The linear probe on corrupted images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub robustness: Option<Robustness>,
    /// Another data set told from this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outliers: Option<OutlierEvaluation>,
    /// Eigenvalues of the test features.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spectrum: Option<FeatureSpectrum>,
    /// Clusters of the features.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clusters: Option<ClusterQuality>,
    /// Test images that have copies among the training images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap: Option<Overlap>,
    /// A few test images, drawn before any result is known, and their nearest training images.
    pub neighbours: Vec<QueryNeighbours>,
    /// Seconds of each part.
    pub seconds: BTreeMap<&'static str, f64>,
}

/// What anything is better than that learnt something; accuracies are fractions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Beside {
    /// Of naming the class of most training images, always.
    pub chance: f64,
    /// The same encoder with random weights; absent where its file has parts that no recipe makes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub untrained: Option<Untrained>,
}

/// An encoder with random weights.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Untrained {
    /// Top-1 accuracy of the linear probe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linear: Option<f64>,
    /// Top-1 accuracy of nearest neighbours, keyed by k.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub knn: BTreeMap<usize, f64>,
    /// Mean top-1 accuracy with few labels, over the same draws, keyed by labels per class.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub few_shot: BTreeMap<usize, f64>,
    /// The same by their share of all, keyed `1%`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub few_shot_shares: BTreeMap<String, f64>,
}

impl Untrained {
    /// The score of a column of a table of several encoders.
    pub(super) fn score(&self, column: &str) -> Option<f64> {
        let of_linear = || self.linear.filter(|_| column == "linear");
        let of_knn = || self.knn.get(&column.strip_suffix("-nn")?.parse().ok()?).copied();
        let of_few = || self.few_shot.get(&column.strip_suffix("/class")?.parse().ok()?).copied();
        of_linear().or_else(of_knn).or_else(of_few).or_else(|| self.few_shot_shares.get(column).copied())
    }
}

/// A test image and the training images nearest to it by cosine similarity of the features.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryNeighbours {
    /// Which test image.
    pub test: usize,
    /// Which training images, nearest first.
    pub train: Vec<usize>,
}

/// Outliers and where they come from.
#[derive(Debug, Clone, Serialize)]
pub struct OutlierEvaluation {
    /// The other data set.
    pub data: String,
    /// How well it is told.
    #[serde(flatten)]
    pub detection: OutlierDetection,
}

/// Accuracy on the test images that have no copy among the training images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct WithoutCopies {
    /// Top-1 accuracy.
    pub top1: f64,
    /// How many test images these are.
    pub n_test: usize,
}

/// How many files are left out, and the first of them.
pub(super) fn unreadable(rejects: &[Reject]) -> String {
    const SHOWN: usize = 5;
    let names: Vec<&str> = rejects.iter().take(SHOWN).map(|reject| reject.path.as_str()).collect();
    let more = match rejects.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{} that cannot be read: {}{more}", counted(rejects.len(), "image file"), names.join(", "))
}
