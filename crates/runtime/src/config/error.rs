//! Why a configuration could not be used.

use std::path::PathBuf;

use crate::file_kind::FileKind;
use crate::format::NewerFormat;

/// Why a configuration could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read {}: {source}{hint}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
        /// What may have been meant, or empty.
        hint: String,
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
