//! What is measured and how.

use std::path::Path;

use crate::{
    CalibrationConfig, ConfusionConfig, EvaluationConfig, FewShotConfig, FineTuneConfig, KnnConfig,
    LabelCurveConfig, LinearProbeConfig, MapConfig, OutlierConfig, OverlapConfig, RobustnessConfig,
    SgdProbeConfig,
};
use serde::{Deserialize, Serialize};
use zview_data::{ColorMode, data_in_file};
use zview_features::PixelScale;
use zview_features::clusters::ClusterConfig;
use zview_features::spectrum::SpectrumConfig;
use zview_runtime::config::Written;

/// A way of judging an encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// A linear classifier on all training images, with its confusion and calibration.
    Linear,
    /// k nearest neighbours.
    Knn,
    /// A linear classifier on few labels of each class, and on small shares of all labels.
    FewShot,
    /// Accuracy over the number of labels.
    LabelCurve,
    /// A linear classifier trained by steps on augmented images.
    Sgd,
    /// The whole network trained on labels.
    FineTune,
    /// The same from random weights.
    Scratch,
    /// The linear probe on corrupted images.
    Robustness,
    /// Telling another data set's images from this one's.
    Outliers,
    /// Eigenvalues of the features.
    Spectrum,
    /// Clusters found without labels.
    Clusters,
    /// Test images that have copies among the training images.
    Overlap,
}

impl Measure {
    /// All of them, with their names on the command line.
    pub const ALL: [(&str, Self); 12] = [
        ("linear", Self::Linear),
        ("knn", Self::Knn),
        ("few-shot", Self::FewShot),
        ("label-curve", Self::LabelCurve),
        ("sgd", Self::Sgd),
        ("fine-tune", Self::FineTune),
        ("scratch", Self::Scratch),
        ("robustness", Self::Robustness),
        ("outliers", Self::Outliers),
        ("spectrum", Self::Spectrum),
        ("clusters", Self::Clusters),
        ("overlap", Self::Overlap),
    ];
}

/// What is measured and how: the file of `zview probe --config`. Unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SuiteConfig {
    /// Names or paths of the labelled data sets.
    pub data: Vec<String>,
    /// How an encoder of other origin sees pixels: `unit`, `half`, `imagenet`, `clip`, or `MEAN:STD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pixels: Option<PixelScale>,
    /// Side in pixels to which images are resized; the one that the encoder was trained at where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
    /// Colours; what the encoder takes where they are not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<ColorMode>,
    /// Share of unreadable image files to leave out.
    #[serde(skip_serializing_if = "is_zero")]
    pub max_reject_share: f64,
    /// What is measured.
    pub protocols: Vec<Measure>,
    /// How many training images of each data set are used (the first, or evenly spaced ones of a set stored class by
    /// class).
    pub train_pool: usize,
    /// Images encoded at once.
    pub batch: usize,
    /// Name or path of a data set whose test images are the outliers.
    pub outlier_data: Option<String>,
    /// The linear probe.
    pub linear: LinearProbeConfig,
    /// Nearest neighbours.
    pub knn: KnnConfig,
    /// Few labels.
    pub few_shot: FewShotConfig,
    /// The share of the training images on which few labels are judged too, with labels from the rest: for choosing
    /// between encoders without a look at test images. 0 leaves it out.
    pub few_shot_validation_share: f64,
    /// Accuracy over labels.
    pub label_curve: LabelCurveConfig,
    /// The linear probe by steps.
    pub sgd: SgdProbeConfig,
    /// Fine-tuning and training from scratch.
    pub fine_tune: FineTuneConfig,
    /// The linear probe's confusion.
    pub confusion: ConfusionConfig,
    /// The linear probe's calibration.
    pub calibration: CalibrationConfig,
    /// Corruptions.
    pub robustness: RobustnessConfig,
    /// Outliers.
    pub outliers: OutlierConfig,
    /// Eigenvalues.
    pub spectrum: SpectrumConfig,
    /// Clusters.
    pub clusters: ClusterConfig,
    /// Copies of test images among training images.
    pub overlap: OverlapConfig,
    /// Maps of the features on the page.
    pub maps: MapConfig,
}

fn is_zero(share: &f64) -> bool {
    *share == 0.0
}

impl Default for SuiteConfig {
    fn default() -> Self {
        let EvaluationConfig { batch, train_pool, .. } = EvaluationConfig::default();
        Self {
            data: Vec::new(),
            pixels: None,
            size: None,
            color: None,
            max_reject_share: 0.0,
            protocols: vec![Measure::Linear, Measure::Knn, Measure::FewShot, Measure::Overlap],
            train_pool: train_pool.unwrap_or(usize::MAX),
            batch,
            outlier_data: None,
            linear: LinearProbeConfig::default(),
            knn: KnnConfig::default(),
            few_shot: FewShotConfig::default(),
            few_shot_validation_share: 0.0,
            label_curve: LabelCurveConfig::default(),
            sgd: SgdProbeConfig::default(),
            fine_tune: FineTuneConfig::default(),
            confusion: ConfusionConfig::default(),
            calibration: CalibrationConfig::default(),
            robustness: RobustnessConfig::default(),
            outliers: OutlierConfig::default(),
            spectrum: SpectrumConfig::default(),
            clusters: ClusterConfig::default(),
            overlap: OverlapConfig::default(),
            maps: MapConfig::default(),
        }
    }
}

impl SuiteConfig {
    /// Whether this is measured.
    #[must_use]
    pub fn asks_for(&self, measure: Measure) -> bool {
        self.protocols.contains(&measure)
    }

    /// The same with the paths that `file` itself says, in a section such as `evaluation.` or at its top, as it means them.
    #[must_use]
    pub fn with_paths_from(mut self, file: &Path, written: &Written, section: &str) -> Self {
        let of_file = |key: &str| written.layer(&format!("{section}{key}")) == Some(0);
        let data = of_file("data");
        self.data.iter_mut().filter(|_| data).for_each(|named| *named = data_in_file(file, "data", named));
        if let Some(named) = self.outlier_data.as_mut().filter(|_| of_file("outlier_data")) {
            *named = data_in_file(file, "outlier_data", named);
        }
        self
    }

    /// The same with all splits, draws, intervals and samples by `seed`.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        for of_part in [
            &mut self.linear.seed,
            &mut self.knn.seed,
            &mut self.few_shot.seed,
            &mut self.label_curve.seed,
            &mut self.sgd.seed,
            &mut self.calibration.seed,
            &mut self.robustness.seed,
            &mut self.outliers.seed,
            &mut self.clusters.seed,
            &mut self.maps.seed,
        ] {
            *of_part = seed;
        }
        self.fine_tune.seeds = (0..self.fine_tune.seeds.len() as u64).map(|of_run| seed + of_run).collect();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_set_anything_and_unknown_keys_are_refused() {
        let read = |text: &str| zview_runtime::config::parse_toml::<SuiteConfig>("x.toml".as_ref(), text);
        let config = read(
            "data = [\"glyphs\"]\nprotocols = [\"linear\", \"fine-tune\"]\n[linear]\npenalties = [1.0]\n[overlap]\nshift = 1",
        )
        .unwrap();
        assert!(config.asks_for(Measure::FineTune) && !config.asks_for(Measure::Knn));
        assert_eq!((config.linear.penalties.len(), config.overlap.shift), (1, 1));
        assert!(read("[knn]\nks = [5]").is_err() && read("protocols = [\"linnear\"]").is_err());
        assert_eq!(Measure::ALL.len(), 12);
        for (name, measure) in Measure::ALL {
            assert_eq!(serde_json::to_value(measure).unwrap(), name);
        }
    }

    #[test]
    fn one_seed_reaches_every_part() {
        let config = SuiteConfig::default().with_seed(7);
        let text = serde_json::to_string(&config).unwrap();
        assert!(!text.contains("\"seed\":0"), "{text}");
        assert_eq!(config.fine_tune.seeds[0], 7);
    }
}
