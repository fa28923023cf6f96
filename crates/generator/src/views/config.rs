//! The section `[views]` of a recipe.

use serde::{Deserialize, Serialize};

use super::ViewKind;

/// The smallest bound of truncation: below it, drawing by rejection takes too long.
const TRUNCATION_MIN: f32 = 0.1;

/// The most views per anchor; each has its own random stream, numbered within its anchor.
pub(super) const PER_ANCHOR_MAX: usize = 1 << 16;

/// How views are drawn. Defaults are the paper's: Gaussian neighbours, truncation 2
/// (Jahanian et al. 2022, <https://arxiv.org/abs/2106.05258>).
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
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
}

/// What a recipe may say of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename = "ViewsConfig")]
struct Section {
    kind: Option<ViewKind>,
    std: Option<f32>,
    truncation: Option<f32>,
    per_anchor: Option<usize>,
}

impl From<Section> for ViewsConfig {
    fn from(section: Section) -> Self {
        let kind = section.kind.unwrap_or(ViewKind::Gaussian);
        Self {
            kind,
            std: section.std.unwrap_or(kind.std_default()),
            truncation: section.truncation.unwrap_or(2.0),
            per_anchor: section.per_anchor.unwrap_or(2),
        }
    }
}

impl Default for ViewsConfig {
    fn default() -> Self {
        Section { kind: None, std: None, truncation: None, per_anchor: None }.into()
    }
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
        problems
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
    fn every_impossible_value_is_listed() {
        let config = ViewsConfig { std: -1.0, truncation: 0.0, per_anchor: 0, ..ViewsConfig::default() };
        assert_eq!(config.validate().len(), 3);
        let not_numbers = ViewsConfig { std: f32::NAN, truncation: f32::NAN, ..ViewsConfig::default() };
        assert_eq!(not_numbers.validate().len(), 2);
        assert!(ViewsConfig::default().validate().is_empty());
    }
}
