//! The `[source]` section of a recipe.

use serde::{Deserialize, Serialize};
use zview_data::ColorMode;
use zview_encoder::augment::{Augment, PhotographCrops};

use super::CropsOfPhotographs;

/// Kinds of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// Samples of a generator.
    Generator,
    /// Images of a data set.
    Real,
    /// A share of each batch real, the rest generated.
    Mix,
    /// Views that were rendered elsewhere.
    Shards,
}

impl SourceKind {
    /// What is written for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Generator => "generator",
            Self::Real => "real",
            Self::Mix => "mix",
            Self::Shards => "shards",
        }
    }
}

/// What random crops of real images are cut out of, where images are brought to a `size`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CropFrom {
    /// The whole photograph, while it is read.
    Whole,
    /// Its centre square, which has been resized to `size` before.
    Square,
    /// Nothing that makes a difference, or, in the run folders of earlier versions, the centre square.
    #[serde(skip)]
    Unsaid,
}

impl CropFrom {
    fn unsaid() -> Self {
        Self::Unsaid
    }

    #[allow(clippy::trivially_copy_pass_by_ref)] // as serde asks
    fn is_unsaid(&self) -> bool {
        *self == Self::Unsaid
    }
}

/// Largest side that real images are resized to, in pixels.
const MOST_SIDE: usize = 8192;

/// One of several generators.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratorShare {
    /// Manifest or name.
    pub generator: String,
    /// Weights file, where it is not the manifest's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// Its share of the generated anchors of each batch, relative to the others'.
    #[serde(default = "one")]
    pub share: f32,
}

fn one() -> f32 {
    1.0
}

/// Where views come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// Which kind.
    pub kind: SourceKind,
    /// Manifest or name of the generator (`generator` and `mix`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator: Option<String>,
    /// Weights file, where it is not the manifest's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// Several generators instead of one, each with its share of every batch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub generators: Vec<GeneratorShare>,
    /// Whether class k is the same for each of `generators`; without it their views have no labels.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub same_classes: bool,
    /// Name or path of the real images (`real` and `mix`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Colours of the real images.
    #[serde(default)]
    pub color: ColorMode,
    /// Side to which real images are resized, in pixels; their own size where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
    /// What random crops are cut out of. A recipe that does not say it means the whole photograph.
    #[serde(default = "CropFrom::unsaid", skip_serializing_if = "CropFrom::is_unsaid")]
    pub crop_from: CropFrom,
    /// How large a share of files may be unreadable before the run stops.
    #[serde(default)]
    pub max_reject_share: f64,
    /// A text file with a class in each line, such as those of ImageNet-100: only real images of these are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<String>,
    /// Folder or archive of view shards, or image folder of anchors and views (`shards`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shards: Option<String>,
    /// Leave damaged shards out and go on, instead of refusing to (`shards`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skip_damaged: bool,
    /// Share of real anchors in each batch (`mix`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub real_share: Option<f32>,
}

impl SourceConfig {
    /// How many of `anchors` anchors of a batch are real images.
    pub(crate) fn real_anchors(&self, anchors: usize) -> usize {
        match self.kind {
            SourceKind::Generator | SourceKind::Shards => 0,
            SourceKind::Real => anchors,
            SourceKind::Mix => (self.real_share.unwrap_or(0.5) * anchors as f32).round() as usize,
        }
    }

    /// The crops of whole photographs that are cut while they are read; `None` where augmentation crops on the device.
    pub(crate) fn crops(
        &self,
        augment: &Augment,
        channels: usize,
        per_anchor: usize,
    ) -> Option<CropsOfPhotographs> {
        let size = self.size.filter(|_| self.crop_from == CropFrom::Whole)?;
        let augment = augment.of_images(channels);
        let crops = PhotographCrops::new(&augment, per_anchor)?;
        Some(CropsOfPhotographs { crops, size: augment.size.unwrap_or(size) })
    }

    /// Where images are read: its data set or view shards, as the recipe names them.
    pub(crate) fn read_from(&self) -> Option<&str> {
        self.data.as_deref().or(self.shards.as_deref())
    }

    /// Takes out the data set and the generator that its kind does not use, where they do not belong with it (`belongs`
    /// of `data`, `generator`, `generators` and `weights`): a later layer chose another kind.
    pub(crate) fn settle(&mut self, belongs: impl Fn(&str) -> bool) {
        if matches!(self.kind, SourceKind::Real | SourceKind::Shards) {
            self.generator = self.generator.take().filter(|_| belongs("generator"));
            self.weights = self.weights.take().filter(|_| belongs("weights"));
            if !belongs("generators") {
                self.generators.clear();
            }
        }
        if matches!(self.kind, SourceKind::Generator | SourceKind::Shards) {
            self.data = self.data.take().filter(|_| belongs("data"));
            self.crop_from = CropFrom::Unsaid;
        }
    }

    /// Everything wrong with it, one line each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let uses_generator = matches!(self.kind, SourceKind::Generator | SourceKind::Mix);
        let uses_data = matches!(self.kind, SourceKind::Real | SourceKind::Mix);
        let kind = self.kind.name();
        let mut check = |name: &str, given: bool, used: bool| match (given, used) {
            (false, true) => problems.push(format!("source.{name}: needed for kind \"{kind}\", not given")),
            (true, false) => problems.push(format!("source.{name}: not used by kind \"{kind}\"; remove it")),
            _ => {}
        };
        if self.generators.is_empty() {
            check("generator", self.generator.is_some(), uses_generator);
        } else {
            check("generators", true, uses_generator);
        }
        check("data", self.data.is_some(), uses_data);
        check("shards", self.shards.is_some(), self.kind == SourceKind::Shards);
        if self.kind != SourceKind::Shards {
            check("skip_damaged", self.skip_damaged, false);
        }
        check("real_share", self.real_share.is_some(), self.kind == SourceKind::Mix);
        if self.weights.is_some() && !uses_generator {
            problems.push(format!("source.weights: not used by kind \"{kind}\"; remove it"));
        }
        if self.real_share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            problems.push(format!(
                "source.real_share: expected 0 to 1, got {:?}",
                self.real_share.unwrap_or(0.0)
            ));
        }
        if let Some(size) = self.size.filter(|size| !(1..=MOST_SIDE).contains(size)) {
            problems.push(format!("source.size: expected 1 to {MOST_SIDE} pixels per side, got {size}"));
        }
        for (key, text) in [
            ("generator", &self.generator),
            ("data", &self.data),
            ("classes", &self.classes),
            ("shards", &self.shards),
        ] {
            if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
                problems.push(format!("source.{key}: expected a name or a path, got nothing"));
            }
        }
        problems.extend(self.problems_of_several());
        if !(0.0..=1.0).contains(&self.max_reject_share) {
            problems.push(format!("source.max_reject_share: expected 0 to 1, got {}", self.max_reject_share));
        }
        problems
    }

    fn problems_of_several(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !self.generators.is_empty() && (self.generator.is_some() || self.weights.is_some()) {
            problems.push(
                "source.generators: it takes the place of `generator` and `weights`; remove one or the other"
                    .to_owned(),
            );
        }
        if self.same_classes && self.generators.len() < 2 {
            problems
                .push("source.same_classes: it is said of two `generators` or more; remove it".to_owned());
        }
        for (index, share) in self.generators.iter().map(|one| one.share).enumerate() {
            if !(share.is_finite() && share > 0.0) {
                problems.push(format!("source.generators[{index}].share: expected above 0, got {share}"));
            }
        }
        problems
    }
}
