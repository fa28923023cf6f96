//! Checkpoints: folders that are there whole or not at all, with a hash for every file.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zview_runtime::atomic::{self, WriteError};
use zview_runtime::hash::sha256_of_file;

use crate::weights::StateDict;
use crate::{NamedTensors, StateError, write_tensors};

/// Version of the checkpoint format, in its manifest.
const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest.json";

/// A checkpoint could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file could not be written; what was there before is untouched.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A tensor is missing, wrong, or could not be read from the device.
    #[error(transparent)]
    State(#[from] StateError),
    /// A file is missing, changed or of another version.
    #[error("checkpoint {}: {reason}", path.display())]
    Damaged {
        /// The checkpoint.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There are checkpoints, and none can be used.
    #[error("no checkpoint of {} can be used; start a new run in another folder, or put one of these right:\n  - {}",
            run.display(), rejected.join("\n  - "))]
    NoneValid {
        /// The run folder.
        run: PathBuf,
        /// Each checkpoint and why it was rejected.
        rejected: Vec<String>,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: u32,
    step: u64,
    /// SHA-256 by file name.
    files: BTreeMap<String, String>,
}

/// A complete checkpoint whose files are what its manifest says.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    path: PathBuf,
    step: u64,
}

impl Checkpoint {
    /// Steps taken when it was written.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.step
    }

    /// The folder that holds it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `parts`, each a file `<name>.safetensors`, to `checkpoints/step-NNNNNNNN` of a run folder.
    ///
    /// # Errors
    /// [`CheckpointError`]; nothing half-written is left.
    pub fn write(run: &Path, step: u64, parts: &[(&str, NamedTensors)]) -> Result<Self, CheckpointError> {
        let path = run.join("checkpoints").join(format!("step-{step:08}"));
        let checkpoint = Self { path: path.clone(), step };
        if path.exists() {
            if Self::verify(&path).is_ok() {
                return Ok(checkpoint); // a stop right after the regular one
            }
            // Damaged, or the run would not have come here again.
            fs::remove_dir_all(&path).map_err(|source| WriteError { path: path.clone(), source })?;
        }
        atomic::write_folder(&path, |folder| {
            let mut files = BTreeMap::new();
            for (name, tensors) in parts {
                let file = folder.join(file_name(name));
                write_tensors(&file, tensors, HashMap::new())?;
                let hash = sha256_of_file(&file).map_err(|source| WriteError { path: file, source })?;
                files.insert(file_name(name), hash);
            }
            let manifest = Manifest { format: FORMAT, step, files };
            let text = serde_json::to_vec_pretty(&manifest)
                .map_err(|error| WriteError { path: folder.join(MANIFEST), source: error.into() })?;
            atomic::write_file(&folder.join(MANIFEST), &text)?;
            Ok::<(), CheckpointError>(())
        })?;
        Ok(checkpoint)
    }

    /// The newest checkpoint of a run whose files are intact; `None` where there is none at all.
    ///
    /// # Errors
    /// [`CheckpointError::NoneValid`] where there are checkpoints but every one is damaged. A damaged
    /// one that is passed over is named in a warning.
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

    /// Removes checkpoints older than this one, but for the `keep - 1` newest of them. This one is
    /// read back and verified first.
    ///
    /// # Errors
    /// [`CheckpointError`] where this checkpoint is not intact, or a folder cannot be removed.
    pub fn remove_older(&self, run: &Path, keep: usize) -> Result<(), CheckpointError> {
        Self::verify(&self.path)?;
        let older = folders(run).into_iter().filter(|path| *path < self.path);
        for path in older.rev().skip(keep.saturating_sub(1)) {
            fs::remove_dir_all(&path).map_err(|source| WriteError { path, source })?;
        }
        Ok(())
    }

    /// The tensors of one part.
    ///
    /// # Errors
    /// [`CheckpointError::State`] where the file holds no tensors or cannot be read.
    pub fn open(&self, part: &str) -> Result<StateDict, CheckpointError> {
        Ok(StateDict::read(&self.path.join(file_name(part)), None).map_err(StateError::from)?)
    }

    fn verify(path: &Path) -> Result<Self, CheckpointError> {
        let damaged = |reason: String| CheckpointError::Damaged { path: path.to_owned(), reason };
        let text = fs::read_to_string(path.join(MANIFEST))
            .map_err(|error| damaged(format!("{MANIFEST} cannot be read: {error}")))?;
        let manifest: Manifest =
            serde_json::from_str(&text).map_err(|error| damaged(format!("{MANIFEST}: {error}")))?;
        if manifest.format != FORMAT {
            return Err(damaged(format!("expected format {FORMAT}, got {}", manifest.format)));
        }
        if manifest.files.is_empty() {
            return Err(damaged(format!("{MANIFEST} lists no file")));
        }
        for (name, expected) in &manifest.files {
            let got =
                sha256_of_file(&path.join(name)).map_err(|error| damaged(format!("{name}: {error}")))?;
            if got != *expected {
                return Err(damaged(format!("{name}: expected sha256 {expected}, got {got}")));
            }
        }
        Ok(Self { path: path.to_owned(), step: manifest.step })
    }
}

fn file_name(part: &str) -> String {
    format!("{part}.safetensors")
}

/// The checkpoint folders of a run, oldest first.
fn folders(run: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(run.join("checkpoints"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("step-")))
        .collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};

    use super::*;

    fn write(run: &Path, step: u64) -> Checkpoint {
        let mut tensors = NamedTensors::default();
        tensors.add("step", Tensor::<1>::from_data([step as f32], &Device::flex())).unwrap();
        Checkpoint::write(run, step, &[("model", tensors)]).unwrap()
    }

    #[test]
    fn older_ones_go_only_when_the_new_one_is_intact() {
        let run = tempfile::tempdir().unwrap();
        for step in [10, 20, 30] {
            write(run.path(), step);
        }
        let newest = write(run.path(), 40);
        newest.remove_older(run.path(), 2).unwrap();
        let left: Vec<PathBuf> = folders(run.path());
        assert_eq!(left.len(), 2);
        assert!(left[0].ends_with("step-00000030") && left[1].ends_with("step-00000040"));

        fs::write(left[1].join("model.safetensors"), b"cut").unwrap();
        assert!(newest.remove_older(run.path(), 1).is_err());
        assert_eq!(folders(run.path()).len(), 2);
        let found = Checkpoint::newest(run.path()).unwrap().unwrap();
        assert_eq!(found.step(), 30);
        assert_eq!(found.open("model").unwrap().take("step", &[1]).unwrap(), [30.0]);
    }
}
