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
use zview_data::{ColorMode, Limits, data_in_file};
use zview_features::clusters::ClusterConfig;
use zview_features::spectrum::SpectrumConfig;
use zview_features::{PixelScale, Problems, Settings};
use zview_runtime::config::{Written, path_from_file};

use super::error::SuiteError;
use super::metric::Score;
use super::protocol::{Bench, Protocol, Section};
use super::set_evaluation::SetEvaluation;
use crate::ProbeError;
use crate::calibration::CalibrationConfig;
use crate::confusion::ConfusionConfig;
use crate::corruptions::RobustnessConfig;
use crate::few_labels::{FewShotConfig, LabelCurveConfig};
use crate::fine_tune::FineTuneConfig;
use crate::linear::LinearProbeConfig;
use crate::maps::MapConfig;
use crate::neighbours::KnnConfig;
use crate::outliers::OutlierConfig;
use crate::overlap::OverlapConfig;
use crate::sgd::SgdProbeConfig;

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
            /// Side in pixels to which the shorter side is resized before the centre of `size` is kept (256 for 224, say);
            /// `size` where it is not given.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub resize: Option<usize>,
            /// Colours; what the encoder takes where they are not given.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub color: Option<ColorMode>,
            /// Share of unreadable image files to leave out.
            #[serde(skip_serializing_if = "is_zero")]
            pub max_reject_share: f64,
            /// A text file with a class in each line: only images of these are encoded and judged.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub classes: Option<String>,
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

        impl SuiteConfig {
            /// The sections of its file.
            pub const SECTIONS: &'static [&'static str] = &[$($(stringify!($section),)*)* "maps"];
        }

        impl Default for SuiteConfig {
            fn default() -> Self {
                use ProtocolKind::{FewShot, Knn, Linear, Overlap};
                Self {
                    data: Vec::new(),
                    pixels: None,
                    size: None,
                    resize: None,
                    color: None,
                    max_reject_share: 0.0,
                    classes: None,
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

        impl Settings for SuiteConfig {
            fn problems(&self) -> Vec<String> {
                self.own_problems()
                    $($(.within(stringify!($section), self.$section.problems()))*)*
                    .within("maps", self.maps.problems())
                    .list()
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
    /// What is wrong beside the sections.
    fn own_problems(&self) -> Problems {
        let size = self.size.unwrap_or(1);
        let most = Limits::default().most_side();
        let least = size.max(1);
        let resize = self.resize.unwrap_or(least);
        Problems::default()
            .require((1..=most).contains(&size), "size", format_args!("1 to {most} pixels"), size)
            .require(
                (least..=most).contains(&resize),
                "resize",
                format_args!("{least} (`size`) to {most} pixels"),
                resize,
            )
            .share("max_reject_share", self.max_reject_share)
            .at_least("train_pool", 1, self.train_pool)
            .at_least("batch", 1, self.batch)
            .share("few_shot_validation_share", self.few_shot_validation_share)
    }

    /// Whether this is measured.
    #[must_use]
    pub fn asks_for(&self, protocol: ProtocolKind) -> bool {
        self.protocols.contains(&protocol)
    }

    /// The file that lists the classes to take.
    #[must_use]
    pub fn class_list(&self) -> Option<&Path> {
        self.classes.as_deref().map(Path::new)
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
        if let Some(named) = self.classes.as_mut().filter(|_| of_file("classes")) {
            *named = path_from_file(file, "classes", named);
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
        self.fine_tune.seeds =
            (0..self.fine_tune.seeds.len() as u64).map(|of_run| seed.wrapping_add(of_run)).collect();
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
    fn values_that_cannot_work_are_refused_by_key_all_at_once() {
        assert!(SuiteConfig::default().problems().is_empty());
        let impossible = [
            "size = 0",
            "resize = 0",
            "max_reject_share = -0.5",
            "train_pool = 0",
            "batch = 0",
            "few_shot_validation_share = 5.0",
            "linear.validation_share = 5.0",
            "linear.penalties = []",
            "linear.max_iterations = 0",
            "calibration.bins = 0",
            "knn.k = [0]",
            "knn.vote.weighted = 0.0",
            "few_shot.labels_per_class = [0]",
            "few_shot.shares = [1.5]",
            "few_shot.draws = 0",
            "few_shot.penalty.fixed = nan",
            "label_curve.labels_per_class = [5, 0]",
            "label_curve.draws = 1000000000000",
            "sgd.learning_rates = [-1.0]",
            "sgd.epochs = 0",
            "sgd.validation_share = 0.0",
            "fine_tune.length.steps = 0",
            "fine_tune.batch = 0",
            "fine_tune.layer_decays = [2.0]",
            "fine_tune.momentum = 2.0",
            "fine_tune.warmup_share = 1.5",
            "fine_tune.augment.hue = 9",
            "fine_tune.seeds = [1, 1]",
            "robustness.images = 0",
            "robustness.corruptions = []",
            "robustness.severities = [6]",
            "robustness.batch = 0",
            "outliers.neighbours = 0",
            "outliers.shrinkage = 1.5",
            "spectrum.first = [0]",
            "spectrum.power_law_ranks = [9, 4]",
            "clusters.clusters = 0",
            "clusters.restarts = 0",
            "overlap.correlation = 7.0",
            "overlap.ratio = 0.0",
            "maps.images = 3",
            "maps.perplexity = 0.5",
        ];
        let mut told = Vec::new();
        for line in impossible {
            let read = zview_runtime::config::parse_toml::<SuiteConfig>("x.toml".as_ref(), line);
            let problems = read.unwrap().problems();
            let (key, value) = line.split_once(" = ").unwrap();
            assert_eq!(problems.len(), 1, "{line}: {problems:?}");
            let (said, got) = problems[0].rsplit_once(", got ").unwrap_or((&problems[0], value));
            assert!(said.starts_with(&format!("{key}: ")), "{line}: {problems:?}");
            assert!(got.eq_ignore_ascii_case(value), "{line}: {problems:?}");
            told.extend(problems);
        }
        let all = zview_runtime::config::parse_toml::<SuiteConfig>("x.toml".as_ref(), &impossible.join("\n"));
        let mut all = all.unwrap().problems();
        all.sort();
        told.sort();
        assert_eq!(all, told);
    }

    #[test]
    fn what_is_left_out_or_given_elsewhere_is_no_mistake() {
        for text in [
            "few_shot = { labels_per_class = [], shares = [0.1] }",
            "label_curve = { labels_per_class = [] }",
            "linear = { fixed_penalty = 1.0, penalties = [], validation_share = 0.0 }",
            "confusion = { pairs = 0, matrix_classes = 0 }\nfew_shot_validation_share = 0.2",
        ] {
            let read = zview_runtime::config::parse_toml::<SuiteConfig>("x.toml".as_ref(), text).unwrap();
            assert!(read.problems().is_empty(), "{text}: {:?}", read.problems());
        }
        let nothing = "few_shot = { labels_per_class = [], shares = [] }";
        let read = zview_runtime::config::parse_toml::<SuiteConfig>("x.toml".as_ref(), nothing).unwrap();
        assert!(read.problems()[0].starts_with("few_shot.labels_per_class: "), "{:?}", read.problems());
    }

    #[test]
    fn one_seed_reaches_every_part() {
        let config = SuiteConfig::default().with_seed(7);
        let text = serde_json::to_string(&config).unwrap();
        assert!(!text.contains("\"seed\":0"), "{text}");
        assert_eq!(config.fine_tune.seeds[0], 7);
    }
}
