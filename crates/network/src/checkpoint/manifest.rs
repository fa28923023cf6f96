//! `manifest.json`: what a checkpoint holds, and the hash of every file. `manifest.sha256` holds its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use zview_runtime::format::check_format;
use zview_runtime::hash::sha256_of_bytes;

use super::CheckpointError;

/// Version of the checkpoint format, in its manifest. Format 1 had no state, no score and no hash of the manifest.
pub const CHECKPOINT_FORMAT: u32 = 2;
pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const SEAL: &str = "manifest.sha256";

/// How good the state of a checkpoint is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// What was measured, in words. Only scores of one measure are compared.
    pub measure: String,
    /// What came out.
    pub value: f64,
    /// Whether a higher value is the better one.
    pub higher_is_better: bool,
}

impl Score {
    /// Whether this score beats `other`: measured alike, and better.
    #[must_use]
    pub fn beats(&self, other: &Self) -> bool {
        let better = if self.higher_is_better { self.value > other.value } else { self.value < other.value };
        self.measure == other.measure && better
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) format: u32,
    pub(super) step: u64,
    /// What is no tensor: seed, last loss and the like.
    #[serde(default)]
    pub(super) state: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) score: Option<Score>,
    /// SHA-256 by file name.
    pub(super) files: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Claim {
    format: u64,
}

impl Manifest {
    /// The manifest of the checkpoint in `folder`, every byte of it checked against its hash.
    pub(super) fn read(folder: &Path) -> Result<Self, CheckpointError> {
        let damaged = |reason: String| CheckpointError::Damaged { path: folder.to_owned(), reason };
        let read = |name: &str| {
            fs::read(folder.join(name)).map_err(|error| damaged(format!("{name} cannot be read: {error}")))
        };
        let no_manifest = |error: serde_json::Error| damaged(format!("{MANIFEST}: {error}"));
        let text = read(MANIFEST)?;
        let claim: Claim = serde_json::from_slice(&text).map_err(no_manifest)?;
        // Before format 2 the manifest had no hash of its own.
        if claim.format >= 2 && read(SEAL)? != seal(&text) {
            return Err(damaged(format!("{MANIFEST} is not the one whose hash {SEAL} holds")));
        }
        check_format(&folder.join(MANIFEST), Some(claim.format), CHECKPOINT_FORMAT)
            .map_err(|source| CheckpointError::Newer { path: folder.to_owned(), source })?;
        let manifest: Self = serde_json::from_slice(&text).map_err(no_manifest)?;
        if manifest.files.is_empty() {
            return Err(damaged(format!("{MANIFEST} lists no file")));
        }
        if folder.file_name().is_none_or(|name| name.to_string_lossy() != folder_name(manifest.step)) {
            return Err(damaged(format!("{MANIFEST} is that of step {}", manifest.step)));
        }
        Ok(manifest)
    }

    /// The bytes of [`MANIFEST`] and of [`SEAL`].
    pub(super) fn to_files(&self) -> Result<[(&'static str, Vec<u8>); 2], serde_json::Error> {
        let text = serde_json::to_vec_pretty(self)?;
        let seal = seal(&text);
        Ok([(MANIFEST, text), (SEAL, seal)])
    }
}

/// What [`SEAL`] holds for a manifest; `sha256sum -c` understands it.
fn seal(manifest: &[u8]) -> Vec<u8> {
    format!("{}  {MANIFEST}\n", sha256_of_bytes(manifest)).into_bytes()
}

/// The folder of the checkpoint of a step.
pub(super) fn folder_name(step: u64) -> String {
    format!("step-{step:08}")
}
