//! Which checkpoints of a run stay.

use std::path::Path;

use zview_runtime::atomic;

use super::manifest::Manifest;
use super::saved::folders;
use super::{Checkpoint, CheckpointError};

/// Which checkpoints of a run stay when a new one is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// How many of the newest stay; 0 is taken as 1.
    pub last: usize,
    /// Whether the one with the best score stays too.
    pub best: bool,
}

impl Retention {
    /// Reads `newest` back, and only where it is intact removes those of the run folder `run` that are older and need
    /// not stay. Gives the folders' count that went.
    ///
    /// # Errors
    /// [`CheckpointError`] where `newest` is not intact (then all stay), or a folder cannot be removed.
    pub fn apply(&self, run: &Path, newest: &Checkpoint) -> Result<usize, CheckpointError> {
        Checkpoint::verify(newest.path())?;
        let mut paths = folders(run);
        // Newer than the newest are only damaged ones that a resumed run has passed over.
        paths.truncate(paths.iter().position(|path| path == newest.path()).map_or(0, |at| at + 1));
        let scores: Vec<_> =
            paths.iter().map(|path| Manifest::read(path).ok().and_then(|manifest| manifest.score)).collect();
        let mut best = None;
        for (at, score) in scores.iter().enumerate().filter(|_| self.best) {
            let Some(score) = score.as_ref().filter(|score| comparable(score, newest)) else { continue };
            if best.is_none_or(|(_, leader)| score.beats(leader)) {
                best = Some((at, score));
            }
        }
        let first_kept = paths.len().saturating_sub(self.last.max(1));
        let mut removed = 0;
        for (at, path) in paths[..first_kept].iter().enumerate() {
            if best.is_none_or(|(best, _)| best != at) {
                atomic::remove_folder(path)?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

/// Whether `score` was measured as the newest checkpoint's.
fn comparable(score: &super::Score, newest: &Checkpoint) -> bool {
    newest.score().is_some_and(|newest| newest.measure == score.measure)
}
