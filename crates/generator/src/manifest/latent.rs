//! The section `[latent]`: what z is drawn from.

use serde::{Deserialize, Serialize};

use super::parse::EXTENT_MAX;

/// The space that latents z are drawn from: one distribution, or parts beside each other.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Latent {
    /// D, the number of values of one z; with `parts` their sum, which need not be said.
    pub dimension: usize,
    /// What z was drawn from in the generator's training; not with `parts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distribution: Option<Distribution>,
    /// As [`LatentPart::low`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<f32>,
    /// As [`LatentPart::high`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<f32>,
    /// As [`LatentPart::mean`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<f32>,
    /// As [`LatentPart::std`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub std: Option<f32>,
    /// As [`LatentPart::truncation`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncation: Option<f32>,
    /// Parts with a distribution each, first values of z first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<LatentPart>,
}

/// Some of the values of z.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LatentPart {
    /// The number of values.
    pub dimension: usize,
    /// What they are drawn from.
    pub distribution: Distribution,
    /// Of `uniform`: the least value; default -1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f32>,
    /// Of `uniform`: the largest value; default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f32>,
    /// Of `normal`: default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<f32>,
    /// Of `normal`: default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub std: Option<f32>,
    /// Of `truncated-normal`: the bound, in standard deviations of the whole normal, that no z goes beyond. Of
    /// `normal`: a bound of anchors that the recipe's `[views] truncation` cannot widen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncation: Option<f32>,
}

/// A distribution of latents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    /// Independent normal values.
    Normal,
    /// Independent values, every one between two bounds equally likely.
    Uniform,
    /// Independent standard normal values within a bound.
    TruncatedNormal,
    /// 1 at one place, every place equally likely, and 0 elsewhere.
    #[serde(alias = "categorical")]
    OneHot,
}

impl Distribution {
    /// The name in a manifest.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Uniform => "uniform",
            Self::TruncatedNormal => "truncated-normal",
            Self::OneHot => "one-hot",
        }
    }
}

impl Latent {
    /// `dimension` standard normal values.
    #[must_use]
    pub fn normal(dimension: usize) -> Self {
        Self { dimension, distribution: Some(Distribution::Normal), ..Self::default() }
    }

    /// The parts; one where the section has none.
    #[must_use]
    pub fn all_parts(&self) -> Vec<LatentPart> {
        if !self.parts.is_empty() {
            return self.parts.clone();
        }
        let Self { dimension, low, high, mean, std, truncation, .. } = *self;
        let distribution = self.distribution.unwrap_or(Distribution::Normal);
        vec![LatentPart { dimension, distribution, low, high, mean, std, truncation }]
    }

    /// Fills in the dimension from the parts, where it was not said.
    pub(super) fn settle(&mut self) {
        if self.dimension == 0 {
            self.dimension = self.parts.iter().fold(0, |sum: usize, part| sum.saturating_add(part.dimension));
        }
    }

    /// Everything wrong with the values, one line each.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.parts.is_empty() {
            if self.distribution.is_none() {
                problems.push(
                    "`latent.distribution`: expected \"normal\", \"uniform\", \"truncated-normal\" or [[latent.parts]], \
                     got none"
                        .to_owned(),
                );
            }
            let part = self.all_parts()[0];
            problems.extend(
                part.problems().into_iter().map(|(key, problem)| format!("`latent.{key}`: {problem}")),
            );
        } else {
            let numbers = [self.low, self.high, self.mean, self.std, self.truncation];
            if self.distribution.is_some() || numbers.iter().any(Option::is_some) {
                problems.push(
                    "[latent]: expected `dimension` alone beside [[latent.parts]], which have the distributions; got \
                     others"
                        .to_owned(),
                );
            }
            let sum = self.parts.iter().fold(0, |sum: usize, part| sum.saturating_add(part.dimension));
            if sum > EXTENT_MAX {
                problems
                    .push(format!("`latent.parts`: expected at most {EXTENT_MAX} values in all, got {sum}"));
            } else if sum != self.dimension {
                let got = self.dimension;
                problems.push(format!("`latent.dimension`: expected {sum}, the sum of the parts, got {got}"));
            }
            for (index, part) in self.parts.iter().enumerate() {
                let named = |(key, problem)| format!("`latent.parts[{index}].{key}`: {problem}");
                problems.extend(part.problems().into_iter().map(named));
            }
        }
        if self.all_parts().iter().all(|part| part.distribution == Distribution::OneHot) {
            problems.push(
                "[latent]: expected a part that is not \"one-hot\", because views differ in it; got none"
                    .to_owned(),
            );
        }
        problems
    }

    /// The distribution in words.
    #[must_use]
    pub fn in_words(&self) -> String {
        let words = |part: &LatentPart| {
            let name = part.distribution.name();
            let number = |key: &str, value: Option<f32>| value.map(|value| format!(" {key} {value}"));
            let numbers = [
                number("low", part.low),
                number("high", part.high),
                number("mean", part.mean),
                number("std", part.std),
                number("truncation", part.truncation),
            ];
            let numbers: String = numbers.into_iter().flatten().collect();
            if self.parts.is_empty() {
                format!("{name}{numbers}")
            } else {
                format!("{} {name}{numbers}", part.dimension)
            }
        };
        self.all_parts().iter().map(words).collect::<Vec<_>>().join(" + ")
    }
}

impl LatentPart {
    fn problems(&self) -> Vec<(&'static str, String)> {
        use Distribution::{Normal, TruncatedNormal, Uniform};
        let mut problems = Vec::new();
        let (least, got) = (if self.distribution == Distribution::OneHot { 2 } else { 1 }, self.dimension);
        if !(least..=EXTENT_MAX).contains(&got) {
            problems.push(("dimension", format!("expected {least} to {EXTENT_MAX}, got {got}")));
        }
        let name = self.distribution.name();
        let keys: [(&'static str, Option<f32>, &[Distribution]); 5] = [
            ("low", self.low, &[Uniform]),
            ("high", self.high, &[Uniform]),
            ("mean", self.mean, &[Normal]),
            ("std", self.std, &[Normal]),
            ("truncation", self.truncation, &[Normal, TruncatedNormal]),
        ];
        for (key, value, of) in keys {
            let Some(value) = value else { continue };
            if !of.contains(&self.distribution) {
                problems.push((key, format!("not a key of \"{name}\"; remove it")));
            } else if value.is_nan() || ["std", "truncation"].contains(&key) && value <= 0.0 {
                problems.push((key, format!("expected above 0, got {value}")));
            } else if key != "truncation" && !value.is_finite() {
                problems.push((key, format!("expected a finite number, got {value}")));
            }
        }
        if self.distribution == TruncatedNormal && !self.truncation.is_some_and(f32::is_finite) {
            problems.push(("truncation", "expected the bound of \"truncated-normal\", got none".to_owned()));
        }
        let (low, high) = (self.low.unwrap_or(-1.0), self.high.unwrap_or(1.0));
        if self.distribution == Uniform && low >= high {
            problems.push(("low", format!("expected below `high`, got {low} and {high}")));
        }
        problems
    }
}
