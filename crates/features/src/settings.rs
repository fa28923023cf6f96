//! Sections of a configuration that check themselves.

use std::fmt::{Debug, Display};

use crate::FeatureError;

/// Settings of which some values cannot work, whatever the images are.
pub trait Settings {
    /// Everything wrong with them, one line each: `key: expected 1 or more, got 0`.
    fn problems(&self) -> Vec<String>;

    /// Refuses what cannot work.
    ///
    /// # Errors
    /// [`FeatureError::Settings`] with all of it.
    fn check(&self) -> Result<(), FeatureError> {
        let problems = self.problems();
        if problems.is_empty() { Ok(()) } else { Err(FeatureError::Settings { problems }) }
    }
}

/// Collects what is wrong with settings.
#[derive(Debug, Default)]
pub struct Problems(Vec<String>);

impl Problems {
    /// Tells of `key` unless its value `holds`.
    #[must_use]
    pub fn require(mut self, holds: bool, key: &str, expected: impl Display, got: impl Debug) -> Self {
        if !holds {
            self.0.push(format!("{key}: expected {expected}, got {got:?}"));
        }
        self
    }

    /// A number that is at least `least`, where there is one.
    #[must_use]
    pub fn at_least(self, key: &str, least: usize, value: impl Into<Option<usize>>) -> Self {
        let value = value.into().unwrap_or(least);
        self.require(value >= least, key, format_args!("{least} or more"), value)
    }

    /// A positive number.
    #[must_use]
    pub fn positive(self, key: &str, value: impl Into<f64> + Copy + Debug) -> Self {
        let number: f64 = value.into();
        self.require(number > 0.0 && number.is_finite(), key, "a positive number", value)
    }

    /// One positive number or more.
    #[must_use]
    pub fn all_positive(self, key: &str, values: &[f64]) -> Self {
        let holds = !values.is_empty() && values.iter().all(|value| *value > 0.0 && value.is_finite());
        self.require(holds, key, "one positive number or more", values)
    }

    /// A share of 1, all and nothing among them.
    #[must_use]
    pub fn share(self, key: &str, value: impl Into<f64> + Copy + Debug) -> Self {
        self.require((0.0..=1.0).contains(&value.into()), key, "0 to 1", value)
    }

    /// A share that is neither all nor nothing.
    #[must_use]
    pub fn part(self, key: &str, value: f64) -> Self {
        self.require(value > 0.0 && value < 1.0, key, "a number between 0 and 1, both excluded", value)
    }

    /// What is wrong in `section`.
    #[must_use]
    pub fn within(mut self, section: &str, problems: Vec<String>) -> Self {
        self.0.extend(problems.into_iter().map(|problem| format!("{section}.{problem}")));
        self
    }

    /// What says its key already.
    #[must_use]
    pub fn and(mut self, problems: Vec<String>) -> Self {
        self.0.extend(problems);
        self
    }

    /// All of it.
    #[must_use]
    pub fn list(self) -> Vec<String> {
        self.0
    }
}
