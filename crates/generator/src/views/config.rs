//! The section `[views]` of a recipe.

use serde::{Deserialize, Serialize};

use super::{AnySampler, LatentSpace, ViewKind};

/// The smallest bound of truncation: below it, drawing by rejection takes too long.
const TRUNCATION_MIN: f32 = 0.1;

/// The most views per anchor; each has its own random stream, numbered within its anchor.
pub(super) const PER_ANCHOR_MAX: usize = 1 << 16;

/// How views are drawn. Defaults are the paper's: Gaussian neighbours, truncation 2
/// (Jahanian et al. 2022, <https://arxiv.org/abs/2106.05258>).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(remote = "Self")]
pub struct ViewsConfig {
    /// Which sampler; some have keys of their own.
    #[serde(flatten, skip_deserializing)]
    pub kind: AnySampler,
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
}

impl Default for ViewsConfig {
    fn default() -> Self {
        Self::of(AnySampler::default())
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde asks
fn is_z(space: &LatentSpace) -> bool {
    *space == LatentSpace::Z
}

impl ViewsConfig {
    /// The defaults of a kind.
    #[must_use]
    pub fn of(kind: impl Into<AnySampler>) -> Self {
        let kind = kind.into();
        let std = kind.sampler().std_default();
        Self { kind, std, truncation: 2.0, per_anchor: 2, space: LatentSpace::Z }
    }

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
        problems.extend(self.kind.sampler().problems(self));
        problems
    }

    /// The same anchors and number of views, without a latent step.
    #[must_use]
    pub fn without_step(&self) -> Self {
        let (truncation, per_anchor) = (self.truncation, self.per_anchor);
        Self { truncation, per_anchor, ..Self::of(ViewKind::Same) }
    }

    /// What kind `steered` steps along.
    #[must_use]
    pub fn directions(&self) -> Option<&String> {
        if let AnySampler::Steered(keys) = &self.kind { keys.directions.as_ref() } else { None }
    }

    /// The same, to be changed.
    pub fn directions_mut(&mut self) -> Option<&mut Option<String>> {
        if let AnySampler::Steered(keys) = &mut self.kind { Some(&mut keys.directions) } else { None }
    }

    /// The agreement that is sought; `None` where the distance of views is fixed.
    #[must_use]
    pub fn wanted_agreement(&self) -> Option<f32> {
        self.kind.sampler().wanted_agreement()
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
        assert_eq!(same, ViewsConfig { per_anchor: 3, ..ViewsConfig::of(ViewKind::Same) });
        assert_eq!((same.std, ViewsConfig::of(ViewKind::Adaptive).std), (0.0, 0.2));
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
        let error = parse("radii = [1.0]\nagreement = 0.5\ndirections = \"principal\"").unwrap_err();
        for line in [
            "line 1: radii: not used by kind \"gaussian\"",
            "line 2: agreement: not used",
            "line 3: directions: not used",
        ] {
            assert!(error.contains(line), "{error}");
        }
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
