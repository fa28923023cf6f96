//! The section `[views]` of a recipe.

use serde::{Deserialize, Serialize};

use super::adaptive::Adaptive;
use super::interpolate::Interpolate;
use super::{LatentSpace, ViewKind};

/// The smallest bound of truncation: below it, drawing by rejection takes too long.
const TRUNCATION_MIN: f32 = 0.1;

/// The most views per anchor; each has its own random stream, numbered within its anchor.
pub(super) const PER_ANCHOR_MAX: usize = 1 << 16;

/// How views are drawn. Defaults are the paper's: Gaussian neighbours, truncation 2
/// (Jahanian et al. 2022, <https://arxiv.org/abs/2106.05258>).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(from = "Section")]
pub struct ViewsConfig {
    /// Which sampler.
    pub kind: ViewKind,
    /// The width of the step from an anchor to a view, per dimension, in units of the latent's own
    /// standard deviation. Kinds that take no step do not use it.
    pub std: f32,
    /// The bound, in standard deviations, at which anchors and steps are truncated; `inf` is none.
    pub truncation: f32,
    /// V, the number of views of an anchor; the first is the anchor itself.
    pub per_anchor: usize,
    /// The space in which views are neighbours.
    #[serde(default, skip_serializing_if = "is_z")]
    pub space: LatentSpace,
    /// The radii of kind `radii`, in units of `std`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub radii: Option<Vec<f32>>,
    /// The agreement that kind `adaptive` seeks: the share of the features' variance that the views of an anchor have
    /// in common.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement: Option<f32>,
    /// Of kind `steered`: "factorised", "principal" or a file of directions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directions: Option<String>,
    /// How many of the directions are taken, first ones first. Without it, all of a file, or the first ten that are
    /// found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction_count: Option<usize>,
}

/// What a recipe may say of it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename = "ViewsConfig", default)]
struct Section {
    kind: Option<ViewKind>,
    std: Option<f32>,
    truncation: Option<f32>,
    per_anchor: Option<usize>,
    space: LatentSpace,
    radii: Option<Vec<f32>>,
    agreement: Option<f32>,
    directions: Option<String>,
    direction_count: Option<usize>,
}

impl From<Section> for ViewsConfig {
    fn from(section: Section) -> Self {
        let kind = section.kind.unwrap_or(ViewKind::Gaussian);
        Self {
            kind,
            std: section.std.unwrap_or(kind.std_default()),
            truncation: section.truncation.unwrap_or(2.0),
            per_anchor: section.per_anchor.unwrap_or(2),
            space: section.space,
            radii: section.radii,
            agreement: section.agreement,
            directions: section.directions,
            direction_count: section.direction_count,
        }
    }
}

impl Default for ViewsConfig {
    fn default() -> Self {
        Section::default().into()
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde asks
fn is_z(space: &LatentSpace) -> bool {
    *space == LatentSpace::Z
}

impl ViewsConfig {
    /// Everything wrong with the values, one line each, named from within the section.
    #[must_use]
    pub fn validate(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(self.std.is_finite() && self.std >= 0.0) {
            problems.push(format!("`std`: expected 0 or above, got {}", self.std));
        }
        if self.truncation.is_nan() || self.truncation < TRUNCATION_MIN {
            problems.push(format!(
                "`truncation`: expected {TRUNCATION_MIN} or above (inf for none), got {}",
                self.truncation
            ));
        }
        if !(1..=PER_ANCHOR_MAX).contains(&self.per_anchor) {
            problems.push(format!("`per_anchor`: expected 1 to {PER_ANCHOR_MAX}, got {}", self.per_anchor));
        }
        if self.kind == ViewKind::Interpolate && self.std > Interpolate::STD_MAX {
            problems.push(format!(
                "`std`: expected at most {:.4} (there the view is the other latent), got {}",
                Interpolate::STD_MAX,
                self.std
            ));
        }
        if self.radii.as_ref().is_some_and(|radii| {
            radii.is_empty() || radii.iter().any(|radius| !(radius.is_finite() && *radius >= 0.0))
        }) {
            problems.push(format!(
                "`radii`: expected one or more of 0 or above, got {:?}",
                self.radii.as_deref().unwrap_or_default()
            ));
        }
        if let Some(agreement) = self.agreement.filter(|agreement| !(*agreement > 0.0 && *agreement < 1.0)) {
            problems.push(format!("`agreement`: expected between 0 and 1, got {agreement}"));
        }
        if self.direction_count == Some(0) {
            problems.push("`direction_count`: expected 1 or more, got 0".to_owned());
        }
        if self.kind == ViewKind::Steered && self.directions.is_none() {
            problems.push(
                "`directions`: expected \"factorised\", \"principal\" or a file of `zview generator directions`, got none"
                    .to_owned(),
            );
        }
        problems.extend(self.unused_keys());
        problems
    }

    /// The keys that are given and that the kind does not use, one line each.
    fn unused_keys(&self) -> Vec<String> {
        let steered = self.kind == ViewKind::Steered;
        let given = [
            ("radii", self.radii.is_some(), self.kind == ViewKind::Radii),
            ("agreement", self.agreement.is_some(), self.kind == ViewKind::Adaptive),
            ("directions", self.directions.is_some(), steered),
            ("direction_count", self.direction_count.is_some(), steered),
        ];
        let unused = given.into_iter().filter(|(_, given, used)| *given && !used);
        unused
            .map(|(key, ..)| format!("`{key}`: not used by kind \"{}\"; remove it", self.kind.name()))
            .collect()
    }

    /// The same anchors and number of views, without a latent step.
    #[must_use]
    pub fn without_step(&self) -> Self {
        let kind = ViewKind::Same;
        let (truncation, per_anchor) = (self.truncation, self.per_anchor);
        Self { kind, std: kind.std_default(), truncation, per_anchor, ..Self::default() }
    }

    /// The agreement that is sought; `None` where the distance of views is fixed.
    #[must_use]
    pub fn wanted_agreement(&self) -> Option<f32> {
        (self.kind == ViewKind::Adaptive).then(|| self.agreement.unwrap_or(Adaptive::AGREEMENT_DEFAULT))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use zview_runtime::config::parse_toml;

    use super::*;

    fn parse(text: &str) -> Result<ViewsConfig, String> {
        parse_toml(Path::new("recipe.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_left_out_is_the_default_of_the_kind() {
        assert_eq!(parse("").unwrap(), ViewsConfig::default());
        let same = parse("kind = \"same\"\nper_anchor = 3").unwrap();
        assert_eq!((same.kind, same.std, same.per_anchor), (ViewKind::Same, 0.0, 3));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let config = ViewsConfig { std: 0.5, truncation: f32::INFINITY, ..ViewsConfig::default() };
        assert_eq!(parse(&toml::to_string(&config).unwrap()).unwrap(), config);
    }

    #[test]
    fn unknown_keys_and_kinds_are_refused_with_a_suggestion() {
        assert!(parse("per_anchors = 2").unwrap_err().contains("did you mean `per_anchor`?"));
        assert!(parse("kind = \"gausian\"").unwrap_err().contains("did you mean `gaussian`?"));
    }

    #[test]
    fn keys_of_another_kind_are_refused() {
        let problems =
            parse("radii = [1.0]\nagreement = 0.5\ndirections = \"principal\"").unwrap().validate();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[0].contains("`radii`: not used by kind \"gaussian\""), "{problems:?}");
        for text in [
            "kind = \"radii\"\nradii = []",
            "kind = \"adaptive\"\nagreement = 1.0",
            "kind = \"interpolate\"\nstd = 1.5",
            "kind = \"steered\"",
            "kind = \"steered\"\ndirections = \"principal\"\ndirection_count = 0",
        ] {
            assert_eq!(parse(text).unwrap().validate().len(), 1, "{text}");
        }
    }

    #[test]
    fn every_impossible_value_is_listed() {
        let config = ViewsConfig { std: -1.0, truncation: 0.0, per_anchor: 0, ..ViewsConfig::default() };
        assert_eq!(config.validate().len(), 3);
        let not_numbers = ViewsConfig { std: f32::NAN, truncation: f32::NAN, ..ViewsConfig::default() };
        assert_eq!(not_numbers.validate().len(), 2);
        assert!(ViewsConfig::default().validate().is_empty());
    }
}
