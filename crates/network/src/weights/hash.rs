//! Checking that a weights file is the one that a manifest means.

use std::path::Path;

use zview_runtime::hash::{sha256_of_bytes, sha256_of_file};

use super::WeightsError;

/// Compares the SHA-256 of the file at `path` with `expected` (hexadecimal, either case), before
/// anything in the file is parsed.
///
/// # Errors
/// [`WeightsError::Read`] and [`WeightsError::Hash`].
pub fn check_hash(path: &Path, expected: &str) -> Result<(), WeightsError> {
    let got = sha256_of_file(path).map_err(|source| WeightsError::Read { path: path.to_owned(), source })?;
    same_hash(path, expected, got)
}

/// As [`check_hash`], of bytes that are already here; `path` is only named in errors.
///
/// # Errors
/// [`WeightsError::Hash`].
pub fn check_hash_of_bytes(path: &Path, bytes: &[u8], expected: &str) -> Result<(), WeightsError> {
    same_hash(path, expected, sha256_of_bytes(bytes))
}

fn same_hash(path: &Path, expected: &str, got: String) -> Result<(), WeightsError> {
    if got.eq_ignore_ascii_case(expected) {
        Ok(())
    } else {
        Err(WeightsError::Hash { path: path.to_owned(), expected: expected.to_ascii_lowercase(), got })
    }
}
