//! Format versions: every file that outlives a process says which it has, and a reader names one that it does not know.

use std::path::{Path, PathBuf};

/// A file was written by a later version of zview.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} has format {got} and was written by a newer zview, this one reads up to {newest}; use the version that wrote it or a later one", path.display())]
pub struct NewerFormat {
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub got: u64,
    /// The newest format that is read here.
    pub newest: u32,
}

/// Checks the format that the file at `path` claims; files from before it was written down claim none.
///
/// # Errors
/// [`NewerFormat`].
pub fn check_format(path: &Path, claimed: Option<u64>, newest: u32) -> Result<(), NewerFormat> {
    match claimed {
        Some(got) if got > u64::from(newest) => Err(NewerFormat { path: path.to_owned(), got, newest }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_newer_format_is_refused_and_it_is_named() {
        let path = Path::new("run/result.json");
        for known in [None, Some(1), Some(2)] {
            check_format(path, known, 2).unwrap();
        }
        let error = check_format(path, Some(3), 2).unwrap_err().to_string();
        assert!(error.contains("run/result.json has format 3") && error.contains("up to 2"), "{error}");
    }
}
