//! A recipe for images or a generator that are named without one, with the reason of each choice.

mod choices;
mod machine;
mod subject;

use std::path::Path;

use serde::Serialize;
use zview_runtime::config::ConfigError;

pub use machine::Machine;
pub use subject::{AutomaticError, Images, Subject, Unreadable, short_name};

use super::recipe::Recipe;
use choices::choices;

/// One chosen value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// `section.key`
    pub key: &'static str,
    /// The value, as TOML writes it.
    pub value: String,
    /// Why.
    pub reason: String,
}

/// A recipe and how it came about.
#[derive(Debug, Clone)]
pub struct Automatic {
    /// What is trained.
    pub recipe: Recipe,
    /// What was chosen, in the order of the choices; a key that `overrides` sets is not among them.
    pub choices: Vec<Choice>,
}

impl Choice {
    fn new(key: &'static str, value: impl Into<toml::Value>, reason: impl Into<String>) -> Self {
        Self { key, value: value.into().to_string(), reason: reason.into() }
    }
}

/// The recipe for `subject` on `machine`, after `overrides` of the form `section.key=value`.
///
/// # Errors
/// [`ConfigError`] where the overrides do not go with it.
pub fn automatic_recipe(
    subject: &Subject,
    machine: &Machine,
    overrides: &[String],
) -> Result<Automatic, ConfigError> {
    let asked = |key: &str| {
        let of_key =
            |change: &String| change.split_once('=').filter(|(name, _)| name.trim() == key).is_some();
        overrides
            .iter()
            .rev()
            .find(|change| of_key(change))
            .and_then(|change| change.split_once('=').map(|(_, value)| value.trim().to_owned()))
    };
    let mut choices = choices(subject, machine, &asked);
    let lines: Vec<String> =
        choices.iter().map(|Choice { key, value, .. }| format!("{key} = {value}")).collect();
    let name = format!("(the recipe for {})", subject.name());
    let recipe = Recipe::parse_in_layers(Path::new(&name), &lines.join("\n"), &[], &[overrides])?;
    choices.retain(|choice| asked(choice.key).is_none());
    Ok(Automatic { recipe, choices })
}

#[cfg(test)]
mod tests;
