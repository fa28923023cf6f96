//! Reading TOML files into typed configuration: unknown keys are refused with a suggestion.

mod document;
mod error;
mod former;
mod kinds;
mod named_paths;
mod overrides;
mod shipped;
mod source_text;
mod wording;

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use self::document::{Document, Misfit};
pub use self::error::ConfigError;
pub use self::former::Former;
pub use self::kinds::{FieldNames, Kind, Section, keys_of, read_section};
pub use self::named_paths::{beside, is_of_a_run, path_from_file};
use self::overrides::Override;
pub use self::overrides::Written;
pub use self::shipped::{Shipped, ship, shipped, take_silently};
use self::source_text::read_text;

/// Version of the TOML files that zview writes: their top-level key `format`. Files without it are as old as the first.
pub const CONFIG_FORMAT: u32 = 1;

/// Reads `path` as TOML into `T`.
///
/// # Errors
/// [`ConfigError`] with file, line, key and, for an unknown key, the nearest known one.
pub fn read_toml<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    parse_toml(path, &read_text(path)?)
}

/// Reads `path` as TOML into `T` after `overrides` of the form `section.key=value`.
///
/// # Errors
/// As [`read_toml`]; [`ConfigError::Override`] for an override that is not of that form or does not fit.
pub fn read_toml_with<T: DeserializeOwned>(path: &Path, overrides: &[String]) -> Result<T, ConfigError> {
    parse_toml_with(path, &read_text(path)?, overrides)
}

/// As [`read_toml_with`], with overrides in layers, and which keys were written in which.
///
/// # Errors
/// As [`read_toml_with`].
pub fn read_toml_in_layers<T: DeserializeOwned>(
    path: &Path,
    layers: &[&[String]],
) -> Result<(T, Written), ConfigError> {
    parse_toml_in_layers(path, &read_text(path)?, layers)
}

/// Parses `text` as TOML into `T` after `overrides`; `path` is only named in errors.
///
/// # Errors
/// As [`read_toml_with`].
pub fn parse_toml_with<T: DeserializeOwned>(
    path: &Path,
    text: &str,
    overrides: &[String],
) -> Result<T, ConfigError> {
    parse_toml_in_layers(path, text, &[overrides]).map(|(value, _)| value)
}

/// Parses `text` as TOML into `T` after layers of overrides; `path` is only named in errors.
///
/// # Errors
/// As [`read_toml_in_layers`].
pub fn parse_toml_in_layers<T: DeserializeOwned>(
    path: &Path,
    text: &str,
    layers: &[&[String]],
) -> Result<(T, Written), ConfigError> {
    parse_toml_renamed(path, text, layers, &[])
}

/// As [`read_toml_in_layers`], of a file and overrides that may say keys by their `former` names, with a word.
///
/// # Errors
/// As [`read_toml_with`].
pub fn read_toml_renamed<T: DeserializeOwned>(
    path: &Path,
    layers: &[&[String]],
    former: &[Former],
) -> Result<(T, Written), ConfigError> {
    parse_toml_renamed(path, &read_text(path)?, layers, former)
}

fn parse_toml_renamed<T: DeserializeOwned>(
    path: &Path,
    text: &str,
    layers: &[&[String]],
    former: &[Former],
) -> Result<(T, Written), ConfigError> {
    let mut file = Document::parse(path, text)?;
    file.rename(path, former)?;
    let mut table = file.table(path)?;
    let mut written = Written::of_file(&table);
    file.each_line(|key, line| written.note_place(key, format!("line {line}")));
    let mut overrides = Vec::<Override>::new();
    let unusable = |problem| ConfigError::Override { problem };
    for (layer, changes) in (1..).zip(layers) {
        let of_layer = overrides.len();
        for change in *changes {
            let change = Override::parse(change).map_err(unusable)?.renamed(former);
            change.tell_repeated(&overrides[of_layer..]);
            change.apply(&mut table, &mut written, layer).map_err(unusable)?;
            overrides.push(change);
        }
    }
    if overrides.is_empty() {
        let value = file.read_all().map_err(|misfits| all_of(path, &file, &overrides, misfits))?;
        return Ok((value, written));
    }
    // Back to text, so that errors say the same of both.
    let text = table.to_string();
    let changed = Document::parse(path, &text)?;
    let value = changed.read_all().map_err(|misfits| all_of(path, &file, &overrides, misfits))?;
    Ok((value, written))
}

/// Everything that does not fit in `file` after `overrides`, as one error.
fn all_of(path: &Path, file: &Document<'_>, overrides: &[Override], mut misfits: Vec<Misfit>) -> ConfigError {
    let change_of = |misfit: &Misfit| {
        overrides.iter().rev().find(|change| change.is_about(&misfit.path, file.has(&misfit.path)))
    };
    // After a change places are those of another text.
    let line_of = |misfit: &Misfit| {
        if overrides.is_empty() { file.line(misfit) } else { file.line_of(&misfit.path) }
    };
    // As they are read: line by line, then the changes.
    misfits.sort_by_key(|misfit| match change_of(misfit) {
        None => (false, line_of(misfit)),
        Some(_) => (true, misfit.at),
    });
    if misfits.len() > 1 {
        let told = |misfit: &Misfit| {
            let place = match change_of(misfit) {
                Some(change) => format!("--set {}", change.given),
                None => format!("line {}", line_of(misfit)),
            };
            format!("{place}: {}{}", misfit.message, misfit.hint)
        };
        return ConfigError::Invalid { path: path.to_owned(), problems: misfits.iter().map(told).collect() };
    }
    let Some(misfit) = misfits.pop() else {
        return ConfigError::Invalid { path: path.to_owned(), problems: Vec::new() };
    };
    match change_of(&misfit) {
        Some(Override { given, .. }) => {
            ConfigError::Override { problem: format!("--set {given}: {}{}", misfit.message, misfit.hint) }
        }
        None => {
            let line = line_of(&misfit);
            let Misfit { message, hint, .. } = misfit;
            ConfigError::Parse { path: path.to_owned(), line, message, hint }
        }
    }
}

/// Parses `text` as TOML into `T`; `path` is only named in errors.
///
/// # Errors
/// As [`read_toml`].
pub fn parse_toml<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ConfigError> {
    parse_toml_with(path, text, &[])
}

/// The keys and sections at the top of a file in TOML; `None` where it is none.
#[must_use]
pub fn top_keys(path: &Path) -> Option<Vec<String>> {
    let text = read_text(path).ok()?;
    Some(text.parse::<toml::Table>().ok()?.keys().cloned().collect())
}

/// `value` as TOML that begins with its format.
///
/// # Errors
/// Where a value has no form in TOML.
pub fn to_toml(value: &impl Serialize) -> Result<String, toml::ser::Error> {
    Ok(format!("format = {CONFIG_FORMAT}\n{}", toml::to_string_pretty(value)?))
}

#[cfg(test)]
mod tests;
