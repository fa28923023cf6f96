//! The ways of judging an encoder: a file each, and a line in the table.

pub mod clusters;
pub mod few_shot;
pub mod fine_tune;
pub mod knn;
pub mod label_curve;
pub mod linear;
pub mod outliers;
pub mod overlap;
pub mod robustness;
pub mod scratch;
pub mod sgd;
pub mod spectrum;

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zview_data::{ColorMode, data_in_file};
use zview_features::PixelScale;
use zview_features::clusters::ClusterConfig;
use zview_features::spectrum::SpectrumConfig;
use zview_runtime::config::Written;

use super::error::SuiteError;
use super::metric::Score;
use super::protocol::{Bench, Protocol, Section};
use super::set_evaluation::SetEvaluation;
use crate::{
    CalibrationConfig, ConfusionConfig, FewShotConfig, FineTuneConfig, KnnConfig, LabelCurveConfig,
    LinearProbeConfig, MapConfig, OutlierConfig, OverlapConfig, ProbeError, RobustnessConfig, SgdProbeConfig,
};

macro_rules! protocols {
    ($($name:ident in $file:ident, $word:literal, $about:literal, { $($section:ident: $config:ty = $of:literal),* };)*) => {
        /// A way of judging an encoder.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum ProtocolKind {
            $(#[doc = $about] #[serde(rename = $word)] $name,)*
        }

        impl ProtocolKind {
            /// All of them, with their names on the command line, in the order in which they judge.
            pub const ALL: &'static [(&'static str, Self)] = &[$(($word, Self::$name),)*];

            /// Keys of the configuration that it reads.
            #[must_use]
            pub fn reads(self) -> &'static [&'static str] {
                match self { $(Self::$name => $file::$name::READS,)* }
            }

            /// How its settings are decided, in a sentence.
            #[must_use]
            pub fn decided(self, config: &SuiteConfig) -> Option<String> {
                match self { $(Self::$name => $file::$name::decided(config),)* }
            }
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
            pub protocols: Vec<ProtocolKind>,
            /// How many training images of each data set are used (the first, or evenly spaced ones of a set stored class
            /// by class).
            pub train_pool: usize,
            /// Images encoded at once.
            pub batch: usize,
            /// Name or path of a data set whose test images are the outliers.
            pub outlier_data: Option<String>,
            /// The share of the training images on which few labels are judged too, with labels from the rest: for
            /// choosing between encoders without a look at test images. 0 leaves it out.
            pub few_shot_validation_share: f64,
            $($(#[doc = $of] pub $section: $config,)*)*
            /// Maps of the features on the page.
            pub maps: MapConfig,
        }

        impl Default for SuiteConfig {
            fn default() -> Self {
                use ProtocolKind::{FewShot, Knn, Linear, Overlap};
                Self {
                    data: Vec::new(),
                    pixels: None,
                    size: None,
                    color: None,
                    max_reject_share: 0.0,
                    protocols: vec![Linear, Knn, FewShot, Overlap],
                    train_pool: 10_000,
                    batch: 256,
                    outlier_data: None,
                    few_shot_validation_share: 0.0,
                    $($($section: Default::default(),)*)*
                    maps: MapConfig::default(),
                }
            }
        }

        /// What the protocols that were asked for found.
        #[derive(Debug, Clone, Default)]
        pub struct Outcomes {
            $(#[doc = $about] pub $file: Option<<$file::$name as Protocol>::Outcome>,)*
        }

        impl Outcomes {
            /// Judges by `kind`, after those before it.
            pub(super) fn judge(&mut self, kind: ProtocolKind, bench: &Bench<'_>) -> Result<(), ProbeError> {
                match kind {
                    $(ProtocolKind::$name => {
                        let found = $file::$name::run(bench, self)?;
                        self.$file = found;
                    })*
                }
                Ok(())
            }

            /// Every value that can be compared, in the order of tables.
            pub(super) fn scores(&self, set: &SetEvaluation) -> Vec<Score> {
                let mut scores = Vec::new();
                $(scores.extend(self.$file.iter().flat_map(|found| $file::$name::scores(found, set)));)*
                scores.sort_by(|a, b| a.metric.in_order(&b.metric));
                scores
            }

            /// What a terminal shows of each that found something.
            pub(super) fn lines(&self) -> Vec<Vec<(String, String)>> {
                let mut lines = Vec::new();
                $(lines.extend(self.$file.as_ref().map($file::$name::lines));)*
                lines
            }

            /// What a page shows.
            pub(super) fn sections(
                &self,
                bench: &Bench<'_>,
                set: &SetEvaluation,
            ) -> Result<Vec<Section>, SuiteError> {
                let mut sections = Vec::new();
                $(if let Some(found) = &self.$file {
                    sections.extend($file::$name::sections(found, bench, set)?);
                })*
                Ok(sections)
            }

            fn to_map(&self) -> serde_json::Result<Map<String, Value>> {
                let mut map = Map::new();
                $(if let Value::Object(keys) = serde_json::to_value(&self.$file)? {
                    map.extend(keys);
                })*
                Ok(map)
            }

            /// What a file with the keys of all says.
            pub(super) fn read(value: &Value) -> serde_json::Result<Self> {
                Ok(Self {
                    $($file: match value.get($file::$name::KEY) {
                        Some(_) => Some(<$file::$name as Protocol>::Outcome::deserialize(value)?),
                        None => None,
                    },)*
                })
            }
        }
    };
}

protocols! {
    Linear in linear, "linear", "A linear classifier on all training images, with its confusion and calibration.", {
        linear: LinearProbeConfig = "The linear probe.",
        confusion: ConfusionConfig = "The linear probe's confusion.",
        calibration: CalibrationConfig = "The linear probe's calibration."
    };
    Knn in knn, "knn", "k nearest neighbours.", { knn: KnnConfig = "Nearest neighbours." };
    FewShot in few_shot, "few-shot",
        "A linear classifier on few labels of each class, and on small shares of all labels.",
        { few_shot: FewShotConfig = "Few labels." };
    LabelCurve in label_curve, "label-curve", "Accuracy over the number of labels.", {
        label_curve: LabelCurveConfig = "Accuracy over labels."
    };
    Sgd in sgd, "sgd", "A linear classifier trained by steps on augmented images.", {
        sgd: SgdProbeConfig = "The linear probe by steps."
    };
    FineTune in fine_tune, "fine-tune", "The whole network trained on labels.", {
        fine_tune: FineTuneConfig = "Fine-tuning and training from scratch."
    };
    Scratch in scratch, "scratch", "The same from random weights.", {};
    Robustness in robustness, "robustness", "The linear probe on corrupted images.", {
        robustness: RobustnessConfig = "Corruptions."
    };
    Outliers in outliers, "outliers", "Telling another data set's images from this one's.", {
        outliers: OutlierConfig = "Outliers."
    };
    Spectrum in spectrum, "spectrum", "Eigenvalues of the features.", {
        spectrum: SpectrumConfig = "Eigenvalues."
    };
    Clusters in clusters, "clusters", "Clusters found without labels.", {
        clusters: ClusterConfig = "Clusters."
    };
    Overlap in overlap, "overlap", "Test images that have copies among the training images.", {
        overlap: OverlapConfig = "Copies of test images among training images."
    };
}

fn is_zero(share: &f64) -> bool {
    *share == 0.0
}

impl Serialize for Outcomes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_map().map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl ProtocolKind {
    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| *name)
    }
}

impl SuiteConfig {
    /// Whether this is measured.
    #[must_use]
    pub fn asks_for(&self, protocol: ProtocolKind) -> bool {
        self.protocols.contains(&protocol)
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
        assert!(config.asks_for(ProtocolKind::FineTune) && !config.asks_for(ProtocolKind::Knn));
        assert_eq!((config.linear.penalties.len(), config.overlap.shift), (1, 1));
        assert!(read("[knn]\nks = [5]").is_err() && read("protocols = [\"linnear\"]").is_err());
        for (name, protocol) in ProtocolKind::ALL {
            assert_eq!(serde_json::to_value(protocol).unwrap(), *name);
            let config = serde_json::to_value(SuiteConfig::default()).unwrap();
            assert!(protocol.reads().iter().all(|key| config.get(key).is_some()), "{name}");
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
