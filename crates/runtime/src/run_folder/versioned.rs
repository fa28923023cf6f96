//! JSON files of a run folder, with their format in the first line.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::format::{NewerFormat, check_format};

/// Version of `result.json` and `environment.json`, their key `format`. Files without it are as old as the first.
pub const RUN_FILE_FORMAT: u32 = 1;

/// A JSON file of a run folder could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RunFileError {
    /// The system refused.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not what it should be.
    #[error("{}: {source}; remove it and resume the run to have it written anew", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        source: serde_json::Error,
    },
    /// A later version of zview wrote it.
    #[error(transparent)]
    Newer(#[from] NewerFormat),
}

#[derive(Serialize)]
struct Versioned<'a, T> {
    format: u32,
    #[serde(flatten)]
    value: &'a T,
}

#[derive(Deserialize)]
struct Claim {
    format: Option<u64>,
}

/// `value` as indented JSON that begins with its format.
pub(super) fn to_json(value: &impl Serialize) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string_pretty(&Versioned { format: RUN_FILE_FORMAT, value })?;
    Ok(text + "\n")
}

/// Reads a JSON file of a run folder, such as `result.json`, of any format up to [`RUN_FILE_FORMAT`].
///
/// # Errors
/// [`RunFileError`].
pub fn read_run_json<T: DeserializeOwned>(path: &Path) -> Result<T, RunFileError> {
    let text = fs::read(path).map_err(|source| RunFileError::Read { path: path.to_owned(), source })?;
    let content = |source| RunFileError::Content { path: path.to_owned(), source };
    let claim: Claim = serde_json::from_slice(&text).map_err(content)?;
    check_format(path, claim.format, RUN_FILE_FORMAT)?;
    serde_json::from_slice(&text).map_err(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Result {
        steps: u64,
    }

    #[test]
    fn formats_up_to_this_one_are_read_and_a_newer_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("result.json");
        let read = |text: &str| {
            fs::write(&path, text).unwrap();
            read_run_json::<Result>(&path).map_err(|error| error.to_string())
        };
        let written = to_json(&Result { steps: 7 }).unwrap();
        assert!(written.starts_with("{\n  \"format\": 1,\n  \"steps\": 7\n}"), "{written}");
        assert_eq!(read(&written), Ok(Result { steps: 7 }));
        assert_eq!(read("{\"steps\": 8}"), Ok(Result { steps: 8 }), "from before formats were written");
        let newer = read("{\"format\": 2, \"epochs\": 1}").unwrap_err();
        assert!(newer.contains("result.json has format 2"), "{newer}");
        assert!(read("{\"format\": 1}").unwrap_err().contains("steps"));
    }
}
