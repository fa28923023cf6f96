//! Checkpoints: folders that are there whole or not at all, with a hash for every file.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zview_generator::weights::StateDict;
use zview_runtime::atomic::{self, WriteError};
use zview_runtime::hash::sha256_of_file;

use super::trainer::Trainer;
use crate::network::{NamedTensors, StateError, read_network, track_gradients, write_tensors};

/// Version of the checkpoint format, in its manifest.
const FORMAT: u32 = 1;
const MODEL: &str = "model.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
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

    /// Writes the trainer's state to `checkpoints/step-NNNNNNNN` of a run folder.
    ///
    /// # Errors
    /// [`CheckpointError`]; nothing half-written is left.
    pub fn write(run: &Path, trainer: &Trainer) -> Result<Self, CheckpointError> {
        let path = run.join("checkpoints").join(format!("step-{:08}", trainer.step));
        let checkpoint = Self { path: path.clone(), step: trainer.step };
        if path.exists() {
            if Self::verify(&path).is_ok() {
                return Ok(checkpoint); // a stop right after the regular one
            }
            // Damaged, or the run would not have come here again.
            std::fs::remove_dir_all(&path).map_err(|source| WriteError { path: path.clone(), source })?;
        }
        atomic::write_folder(&path, |folder| {
            let mut model = NamedTensors::of_network(&trainer.encoder, "encoder.")?;
            model.extend(NamedTensors::of_network(&trainer.projector, "projector")?);
            write_tensors(&folder.join(MODEL), &model, HashMap::new())?;
            write_tensors(&folder.join(OPTIMIZER), &trainer.optimizer.state()?, HashMap::new())?;
            let mut files = BTreeMap::new();
            for name in [MODEL, OPTIMIZER] {
                let file = folder.join(name);
                let hash = sha256_of_file(&file).map_err(|source| WriteError { path: file, source })?;
                files.insert(name.to_owned(), hash);
            }
            let manifest = Manifest { format: FORMAT, step: trainer.step, files };
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
        let mut paths: Vec<PathBuf> = fs::read_dir(run.join("checkpoints"))
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("step-")))
            .collect();
        paths.sort();
        let mut rejected = Vec::new();
        for path in paths.into_iter().rev() {
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

    fn verify(path: &Path) -> Result<Self, CheckpointError> {
        let damaged = |reason: String| CheckpointError::Damaged { path: path.to_owned(), reason };
        let text = fs::read_to_string(path.join(MANIFEST))
            .map_err(|error| damaged(format!("{MANIFEST} cannot be read: {error}")))?;
        let manifest: Manifest =
            serde_json::from_str(&text).map_err(|error| damaged(format!("{MANIFEST}: {error}")))?;
        if manifest.format != FORMAT {
            return Err(damaged(format!("expected format {FORMAT}, got {}", manifest.format)));
        }
        for name in [MODEL, OPTIMIZER] {
            let expected =
                manifest.files.get(name).ok_or_else(|| damaged(format!("{name} is not listed")))?;
            let got =
                sha256_of_file(&path.join(name)).map_err(|error| damaged(format!("{name}: {error}")))?;
            if got != *expected {
                return Err(damaged(format!("{name}: expected sha256 {expected}, got {got}")));
            }
        }
        Ok(Self { path: path.to_owned(), step: manifest.step })
    }

    /// Puts the trainer in the checkpoint's state.
    ///
    /// # Errors
    /// [`CheckpointError`] where a tensor does not fit the trainer's networks.
    pub fn restore(&self, trainer: &mut Trainer) -> Result<(), CheckpointError> {
        let open = |name: &str| StateDict::read(&self.path.join(name), None).map_err(StateError::from);
        let mut model = open(MODEL)?;
        read_network(&mut trainer.encoder, "encoder.", &mut model)?;
        read_network(&mut trainer.projector, "projector", &mut model)?;
        track_gradients(&mut trainer.encoder);
        track_gradients(&mut trainer.projector);
        if self.step > 0 {
            let mut velocities = open(OPTIMIZER)?;
            trainer.optimizer.restore(&trainer.encoder, "encoder.", &mut velocities)?;
            trainer.optimizer.restore(&trainer.projector, "projector", &mut velocities)?;
        }
        trainer.step = self.step;
        Ok(())
    }
}
