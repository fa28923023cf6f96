//! A checkpoint that was found intact.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use zview_runtime::hash::{sha256_of_bytes, sha256_of_file};

use super::CheckpointError;
use super::manifest::{Manifest, Score};
use crate::StateError;
use crate::weights::StateDict;

/// A complete checkpoint whose files are what its manifest says.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    path: PathBuf,
    manifest: Manifest,
}

impl Checkpoint {
    pub(super) fn new(path: PathBuf, manifest: Manifest) -> Self {
        Self { path, manifest }
    }

    /// Steps taken when it was written.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.manifest.step
    }

    /// The folder that holds it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Something that is no tensor, if it was saved.
    #[must_use]
    pub fn state(&self, key: &str) -> Option<&Value> {
        self.manifest.state.get(key)
    }

    /// How good it is, if that was measured.
    #[must_use]
    pub fn score(&self) -> Option<&Score> {
        self.manifest.score.as_ref()
    }

    /// The newest checkpoint of a run whose files are intact; `None` where there is none at all. Those that are
    /// passed over are named in warnings, with what is wrong with each.
    ///
    /// # Errors
    /// [`CheckpointError::NoneValid`] where there are checkpoints but every one is damaged.
    pub fn newest(run: &Path) -> Result<Option<Self>, CheckpointError> {
        let mut rejected = Vec::new();
        for path in folders(run).into_iter().rev() {
            match Self::verify(&path) {
                Ok(checkpoint) => return Ok(Some(checkpoint)),
                Err(error) => {
                    tracing::warn!("passed over: {error}");
                    rejected.push(error.to_string());
                }
            }
        }
        if rejected.is_empty() {
            Ok(None)
        } else {
            Err(CheckpointError::NoneValid { run: run.to_owned(), rejected })
        }
    }

    /// The tensors of one part. The bytes that are handed out are the bytes whose hash was checked.
    ///
    /// # Errors
    /// [`CheckpointError::Damaged`] where the file changed, [`CheckpointError::State`] where it holds no tensors.
    pub fn open(&self, part: &str) -> Result<StateDict, CheckpointError> {
        let name = file_name(part);
        let damaged = |reason: String| CheckpointError::Damaged { path: self.path.clone(), reason };
        let expected = self.manifest.files.get(&name).ok_or_else(|| damaged(format!("it has no {name}")))?;
        let file = self.path.join(&name);
        let bytes = fs::read(&file).map_err(|error| damaged(format!("{name} cannot be read: {error}")))?;
        check(&name, expected, &sha256_of_bytes(&bytes)).map_err(damaged)?;
        Ok(StateDict::parse_safetensors(&file, &bytes).map_err(StateError::from)?)
    }

    /// The checkpoint at `path`, every file read and compared with its hash.
    ///
    /// # Errors
    /// [`CheckpointError::Damaged`], [`CheckpointError::Newer`].
    pub fn verify(path: &Path) -> Result<Self, CheckpointError> {
        let damaged = |reason: String| CheckpointError::Damaged { path: path.to_owned(), reason };
        let manifest = Manifest::read(path)?;
        for (name, expected) in &manifest.files {
            let got = sha256_of_file(&path.join(name))
                .map_err(|error| damaged(format!("{name} cannot be read: {error}")))?;
            check(name, expected, &got).map_err(damaged)?;
        }
        Ok(Self { path: path.to_owned(), manifest })
    }
}

fn check(name: &str, expected: &str, got: &str) -> Result<(), String> {
    if got == expected { Ok(()) } else { Err(format!("{name}: expected sha256 {expected}, got {got}")) }
}

pub(super) fn file_name(part: &str) -> String {
    format!("{part}.safetensors")
}

/// The checkpoint folders of a run, oldest first.
pub(super) fn folders(run: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(run.join("checkpoints"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("step-")))
        .collect();
    // Numbers of more than eight digits come last.
    paths.sort_by_cached_key(|path| (path.as_os_str().len(), path.clone()));
    paths
}
