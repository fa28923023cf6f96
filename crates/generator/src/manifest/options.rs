//! The section `[options]`: what some architectures let one choose.

use serde::{Deserialize, Serialize};

use super::Manifest;

/// Choices that an architecture offers; each belongs to some architectures only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// `stylegan2`: psi, how far w goes from the mean latent; 1 is all the way, the default. `biggan-deep`: t, the
    /// latent's standard deviation and the choice of statistics; default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncation: Option<f64>,
    /// `stylegan2`: the noise that is added to its maps; default `fixed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<Noise>,
}

/// The noise of a StyleGAN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Noise {
    /// The same maps for all images: those of the file, and where it has none, those of a fixed random stream.
    Fixed,
    /// None.
    None,
}

/// The name of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OptionKey {
    /// `truncation`.
    Truncation,
    /// `noise`.
    Noise,
}

impl OptionKey {
    fn name(self) -> &'static str {
        match self {
            Self::Truncation => "truncation",
            Self::Noise => "noise",
        }
    }
}

impl Options {
    /// Whether nothing was chosen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn chosen(&self) -> impl Iterator<Item = OptionKey> {
        let truncation = self.truncation.map(|_| OptionKey::Truncation);
        truncation.into_iter().chain(self.noise.map(|_| OptionKey::Noise))
    }
}

impl Manifest {
    /// Options that this architecture does not have.
    pub(crate) fn misplaced_options(&self, known: &[OptionKey]) -> Vec<String> {
        let architecture = self.architecture.name();
        let has = match known {
            [] => "it has none".to_owned(),
            known => {
                format!("it has `{}`", known.iter().map(|key| key.name()).collect::<Vec<_>>().join("`, `"))
            }
        };
        let misplaced = self.options.chosen().filter(|key| !known.contains(key));
        misplaced
            .map(|key| format!("`options.{}`: not an option of `{architecture}`; {has}", key.name()))
            .collect()
    }

    /// As [`Self::misplaced_options`], and layers, for an architecture that is not made of the manifest's.
    pub(crate) fn misplaced_sections(&self, known: &[OptionKey]) -> Vec<String> {
        let mut problems = self.misplaced_options(known);
        if !self.layers.is_empty() {
            problems.push(format!(
                "[[layers]]: only `architecture = \"sequential\"` is made of them, this is `{}`: leave them out",
                self.architecture.name()
            ));
        }
        problems
    }

    /// Everything in `[output]` that does not fit square images of one of `sides`, with `channels` if the
    /// architecture fixes them, and values in `range`.
    pub(crate) fn output_problems(
        &self,
        sides: &[usize],
        channels: Option<usize>,
        range: [f32; 2],
    ) -> Vec<String> {
        let (name, output) = (self.architecture.name(), self.output);
        let mut problems = Vec::new();
        if output.height != output.width || !sides.contains(&output.height) {
            let list: Vec<String> = sides.iter().map(|side| format!("{side} x {side}")).collect();
            problems.push(format!(
                "`output.height` and `output.width`: `{name}` makes images of {}, got {} x {}",
                list.join(", "),
                output.height,
                output.width
            ));
        }
        if let Some(expected) = channels.filter(|channels| *channels != output.channels) {
            problems.push(format!(
                "`output.channels`: `{name}` makes images of {expected} channels, got {}",
                output.channels
            ));
        }
        if output.range != range {
            problems.push(format!(
                "`output.range`: expected {range:?} as the last layer of `{name}` gives, got {:?}",
                output.range
            ));
        }
        problems
    }
}
