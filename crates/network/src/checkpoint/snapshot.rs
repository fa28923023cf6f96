//! Everything that a run must remember, on the host.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use serde_json::Value;
use zview_runtime::atomic::{self, WriteError};
use zview_runtime::hash::sha256_of_bytes;

use super::manifest::{CHECKPOINT_FORMAT, Manifest, Score, folder_name};
use super::saved::file_name;
use super::{Checkpoint, CheckpointError};
use crate::NamedTensors;

/// Puts what is made of a state into a run folder.
type Product = Box<dyn FnOnce(&Path) -> Result<(), CheckpointError> + Send>;

/// The state of a run after a step, read from the device: what a checkpoint is written from, on any thread.
pub struct Snapshot {
    step: u64,
    parts: Vec<(&'static str, NamedTensors)>,
    state: BTreeMap<String, Value>,
    score: Option<Score>,
    product: Option<Product>,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("step", &self.step).finish_non_exhaustive()
    }
}

impl Snapshot {
    /// The state after `step` steps: `parts`, each to become a file `<name>.safetensors`.
    #[must_use]
    pub fn new(step: u64, parts: Vec<(&'static str, NamedTensors)>) -> Self {
        Self { step, parts, state: BTreeMap::new(), score: None, product: None }
    }

    /// Adds something that is no tensor; it goes into the manifest.
    #[must_use]
    pub fn with_state(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.state.insert(key.to_owned(), value.into());
        self
    }

    /// Says how good the state is; a value that is no number is as good as none.
    #[must_use]
    pub fn with_score(mut self, score: Option<Score>) -> Self {
        self.score = score.filter(|score| score.value.is_finite());
        self
    }

    /// Has `write` put what is made of the state into the run folder, once the checkpoint is there.
    #[must_use]
    pub fn with_product(
        mut self,
        write: impl FnOnce(&Path) -> Result<(), CheckpointError> + Send + 'static,
    ) -> Self {
        self.product = Some(Box::new(write));
        self
    }

    /// Steps taken.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.step
    }

    /// The name of the first tensor with a value that is not finite.
    #[must_use]
    pub fn first_not_finite(&self) -> Option<&str> {
        self.parts.iter().find_map(|(_, tensors)| tensors.first_not_finite())
    }

    /// Writes the checkpoint `checkpoints/step-NNNNNNNN` of the run folder `run`, then what is made of the state.
    ///
    /// # Errors
    /// [`CheckpointError`]; nothing half-written is left, and older checkpoints are untouched.
    pub fn write(mut self, run: &Path) -> Result<Checkpoint, CheckpointError> {
        let product = self.product.take();
        let checkpoint = self.write_checkpoint(run)?;
        product.map_or(Ok(()), |write| write(run))?;
        Ok(checkpoint)
    }

    fn write_checkpoint(self, run: &Path) -> Result<Checkpoint, CheckpointError> {
        let Self { step, parts, state, score, product: _ } = self;
        let path = run.join("checkpoints").join(folder_name(step));
        if path.exists() {
            if let Ok(checkpoint) = Checkpoint::verify(&path) {
                return Ok(checkpoint); // a stop right after the regular one
            }
            atomic::remove_folder(&path)?; // damaged, or the run would not have come here again
        }
        let mut manifest = Manifest { format: CHECKPOINT_FORMAT, step, state, score, files: BTreeMap::new() };
        atomic::write_folder(&path, |folder| {
            // Errors name the checkpoint, not the temporary folder.
            let failed = |name: &str, source| WriteError { path: path.join(name), source };
            let put =
                |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).map_err(|e| failed(name, e));
            for (part, tensors) in parts {
                let (name, bytes) = (file_name(part), tensors.to_bytes(HashMap::new())?);
                drop(tensors); // two copies of a part at most
                put(&name, &bytes)?;
                manifest.files.insert(name, sha256_of_bytes(&bytes));
            }
            for (name, bytes) in
                manifest.to_files().map_err(|error| failed(super::manifest::MANIFEST, error.into()))?
            {
                put(name, &bytes)?;
            }
            Ok::<(), CheckpointError>(())
        })?;
        Ok(Checkpoint::new(path, manifest))
    }
}
