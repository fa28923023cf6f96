//! Reading TOML files into typed configuration: unknown keys are refused with a suggestion.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::format::{NewerFormat, check_format};

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

/// Reads `path` as TOML into `T`.
///
/// # Errors
/// [`ConfigError`] with file, line, key and, for an unknown key, the nearest known one.
pub fn read_toml<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    parse_toml(path, &text)
}

/// Reads `path` as TOML into `T` after `overrides` of the form `section.key=value`.
///
/// # Errors
/// As [`read_toml`]; [`ConfigError::Invalid`] for an override that is not of that form.
pub fn read_toml_with<T: DeserializeOwned>(path: &Path, overrides: &[String]) -> Result<T, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    parse_toml_with(path, &text, overrides)
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
    if overrides.is_empty() {
        return parse_toml(path, text);
    }
    let mut table: toml::Table = parse_toml(path, text)?;
    for change in overrides {
        apply_override(&mut table, change)
            .map_err(|problem| ConfigError::Invalid { path: path.to_owned(), problems: vec![problem] })?;
    }
    // Back to text, so that errors about keys read the same as for a file.
    parse_toml(&path.with_extension("toml (with --set)"), &table.to_string())
}

/// Parses `text` as TOML into `T`; `path` is only named in errors.
///
/// # Errors
/// As [`read_toml`].
pub fn parse_toml<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ConfigError> {
    let text = &without_format(path, text)?;
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let offset = error.span().map_or(0, |span| span.start);
        let line = text.as_bytes()[..offset.min(text.len())].iter().filter(|&&b| b == b'\n').count() + 1;
        let message = error.message().to_owned();
        let hint =
            nearest_known_key(&message).map_or_else(String::new, |key| format!("; did you mean `{key}`?"));
        ConfigError::Parse { path: path.to_owned(), line, message, hint }
    })
}

/// `value` as TOML that begins with its format.
///
/// # Errors
/// Where a value has no form in TOML.
pub fn to_toml(value: &impl Serialize) -> Result<String, toml::ser::Error> {
    Ok(format!("format = {CONFIG_FORMAT}\n{}", toml::to_string_pretty(value)?))
}

/// The text without its top-level key `format`, every other line where it was, after a look at what it says.
fn without_format(path: &Path, text: &str) -> Result<String, ConfigError> {
    let Ok(Some(format)) = text.parse::<toml::Table>().map(|table| table.get("format").cloned()) else {
        return Ok(text.to_owned()); // none, or no TOML: the parser says where
    };
    let claimed = format.as_integer().and_then(|format| u64::try_from(format).ok()).ok_or_else(|| {
        let problems = vec![format!("format: expected {CONFIG_FORMAT}, got {format}")];
        ConfigError::Invalid { path: path.to_owned(), problems }
    })?;
    check_format(path, Some(claimed), CONFIG_FORMAT).map_err(ConfigError::Newer)?;
    let is_format = |line: &&str| line.split('=').next().is_some_and(|key| key.trim() == "format");
    let top_level = text.split('[').next().unwrap_or_default().len();
    let line = text[..top_level].lines().find(is_format).unwrap_or_default();
    Ok(text.replacen(line, "", usize::from(!line.is_empty())))
}

/// From serde's "unknown field `x`, expected one of `a`, `b`": the listed name nearest to `x`.
fn nearest_known_key(message: &str) -> Option<String> {
    if !(message.starts_with("unknown field") || message.starts_with("unknown variant")) {
        return None;
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    quoted
        .map(|known| (strsim::damerau_levenshtein(unknown, known), known))
        .filter(|(distance, known)| *distance <= 2.max(known.len() / 2))
        .min()
        .map(|(_, known)| known.to_owned())
}

/// Sets `a.b` of `table` to a TOML value; a value that is not TOML is taken as text.
fn apply_override(table: &mut toml::Table, change: &str) -> Result<(), String> {
    let (key, value) = change
        .split_once('=')
        .ok_or_else(|| format!("--set {change}: expected key=value, such as train.steps=100"))?;
    let value = format!("value = {}", value.trim())
        .parse::<toml::Table>()
        .ok()
        .and_then(|mut parsed| parsed.remove("value"))
        .unwrap_or_else(|| toml::Value::String(value.trim().to_owned()));
    let mut names: Vec<&str> = key.trim().split('.').collect();
    let last = names.pop().unwrap_or_default();
    let mut section = table;
    for name in names {
        section = section
            .entry(name)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()))
            .as_table_mut()
            .ok_or_else(|| format!("--set {change}: `{name}` is a value, not a section"))?;
    }
    section.insert(last.to_owned(), value);
    Ok(())
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
