//! Reading TOML files into typed configuration: unknown keys are refused with a suggestion.

mod document;
mod overrides;
mod source_text;
mod wording;

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use self::document::{Document, Misfit};
use self::overrides::Override;
pub use self::overrides::Written;
use self::source_text::read_text;
use crate::file_kind::FileKind;
use crate::format::NewerFormat;

/// Version of the TOML files that zview writes: their top-level key `format`. Files without it are as old as the first.
pub const CONFIG_FORMAT: u32 = 1;

/// Why a configuration could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is not TOML, or a key or value is not what the format says.
    #[error("{}, line {line}: {message}{hint}", path.display())]
    Parse {
        /// The file (or a word for where the text came from).
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong, naming the key.
        message: String,
        /// What to write instead, or empty.
        hint: String,
    },
    /// It is some other kind of file.
    #[error("{} is {kind}, where a text file in TOML is needed{}", path.display(), remedy(*kind))]
    NotToml {
        /// The file.
        path: PathBuf,
        /// What it is.
        kind: FileKind,
    },
    /// It is larger than anything that is written by hand.
    #[error("{} is larger than {most_bytes} bytes, where a text file in TOML is needed", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read.
        most_bytes: u64,
    },
    /// A change of a key by `--set` cannot be made.
    #[error("{problem}")]
    Override {
        /// The change as it was given, the key, what was expected and what was found.
        problem: String,
    },
    /// A later version of zview wrote it.
    #[error(transparent)]
    Newer(NewerFormat),
    /// Values that parse but cannot work; everything wrong is listed at once.
    #[error("{} cannot be used:\n  - {}", path.display(), problems.join("\n  - "))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// One line per problem, each naming its key, what was expected and what was found.
        problems: Vec<String>,
    },
}

fn remedy(kind: FileKind) -> String {
    kind.remedy().map_or_else(String::new, |remedy| format!("; {remedy}"))
}

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
    let file = Document::parse(path, text)?;
    let mut table = file.table(path)?;
    let mut written = Written::of_file(&table);
    let mut overrides = Vec::new();
    let unusable = |problem| ConfigError::Override { problem };
    for (layer, changes) in (1..).zip(layers) {
        for change in *changes {
            let change = Override::parse(change).map_err(unusable)?;
            change.apply(&mut table, &mut written, layer).map_err(unusable)?;
            overrides.push(change);
        }
    }
    if overrides.is_empty() {
        let value = file.read().map_err(|misfit| file.error(path, misfit))?;
        return Ok((value, written));
    }
    // Back to text, so that errors say the same of both.
    let text = table.to_string();
    let changed = Document::parse(path, &text)?;
    let value = changed.read().map_err(|misfit: Misfit| {
        match overrides.iter().rev().find(|change| change.is_about(&misfit.path, file.has(&misfit.path))) {
            Some(Override { given, .. }) => {
                ConfigError::Override { problem: format!("--set {given}: {}{}", misfit.message, misfit.hint) }
            }
            None => ConfigError::Parse {
                path: path.to_owned(),
                line: file.line_of(&misfit.path),
                message: misfit.message,
                hint: misfit.hint,
            },
        }
    })?;
    Ok((value, written))
}

/// Parses `text` as TOML into `T`; `path` is only named in errors.
///
/// # Errors
/// As [`read_toml`].
pub fn parse_toml<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ConfigError> {
    let document = Document::parse(path, text)?;
    document.read().map_err(|misfit| document.error(path, misfit))
}

/// `value` as TOML that begins with its format.
///
/// # Errors
/// Where a value has no form in TOML.
pub fn to_toml(value: &impl Serialize) -> Result<String, toml::ser::Error> {
    Ok(format!("format = {CONFIG_FORMAT}\n{}", toml::to_string_pretty(value)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Example {
        momentum: f32,
        steps: Option<u32>,
    }

    #[test]
    fn an_unknown_key_names_file_line_and_the_nearest_key() {
        let error = parse_toml::<Example>(Path::new("recipe.toml"), "momentum = 0.9\nstep = 3\n")
            .unwrap_err()
            .to_string();
        assert!(error.contains("recipe.toml, line 2"), "{error}");
        assert!(error.contains("did you mean `steps`?"), "{error}");
    }

    #[test]
    fn an_override_changes_one_value_and_is_checked_like_the_file() {
        let with = |change: &str| {
            parse_toml_with::<Example>(Path::new("r.toml"), "momentum = 0.9\n", &[change.to_owned()])
                .map_err(|error| error.to_string())
        };
        assert_eq!(with("steps=7").unwrap().steps, Some(7));
        assert!(with("stepz=7").unwrap_err().contains("did you mean `steps`?"));
        assert!(with("steps").unwrap_err().contains("key=value"));
        assert!(with("momentum.x=1").unwrap_err().contains("not a section"));
    }

    #[test]
    fn the_format_is_a_key_of_every_file_and_a_newer_one_is_named() {
        let parse = |text: &str| parse_toml::<Example>(Path::new("runs/a/config.toml"), text);
        let written = to_toml(&toml::toml! { momentum = 0.5 }).unwrap();
        assert!(written.starts_with("format = 1\n"), "{written}");
        assert!((parse(&written).unwrap().momentum - 0.5).abs() < 1e-6);
        let newer = parse("format = 2\nmomentum = 0.9\nunheard_of = 1\n").unwrap_err().to_string();
        assert!(newer.contains("runs/a/config.toml has format 2"), "{newer}");
        assert!(parse("format = \"x\"\nmomentum = 0.9\n").unwrap_err().to_string().contains("expected 1"));
        let later = parse("format = 1\nmomentum = 0.9\nstep = 1\n").unwrap_err().to_string();
        assert!(later.contains("line 3"), "{later}");
        let with = parse_toml_with::<Example>(Path::new("r"), &written, &["steps=2".to_owned()]).unwrap();
        assert_eq!(with.steps, Some(2));
    }

    #[test]
    fn a_wrong_type_names_its_line() {
        let error =
            parse_toml::<Example>(Path::new("r.toml"), "\nmomentum = \"fast\"\n").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("expected f32"), "{error}");
    }
}
