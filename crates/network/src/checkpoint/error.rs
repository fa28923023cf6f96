//! Why a checkpoint could not be written or read.

use std::path::PathBuf;

use zview_runtime::atomic::WriteError;
use zview_runtime::format::NewerFormat;

use crate::StateError;

/// A checkpoint could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file could not be written; what was there before is untouched.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A tensor is missing, wrong, or could not be read from the device.
    #[error(transparent)]
    State(#[from] StateError),
    /// A later version of zview wrote it.
    #[error("checkpoint {}: {source}", path.display())]
    Newer {
        /// The checkpoint.
        path: PathBuf,
        /// The file, and what it says.
        source: NewerFormat,
    },
    /// A file is missing or changed.
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
    /// The run was saved, and its checkpoints are gone.
    #[error("{} holds no checkpoint, but its events.jsonl says that step {saved} was saved: put its folder \
             `checkpoints` back, or start a new run in another folder with --out", run.display())]
    Gone {
        /// The run folder.
        run: PathBuf,
        /// The last step that was saved.
        saved: u64,
    },
    /// The thread that writes checkpoints could not be started, or did not end as it should.
    #[error("the checkpoint of step {step} was not written: {reason}; the one before is intact")]
    Thread {
        /// Steps taken when it was asked for.
        step: u64,
        /// What happened.
        reason: String,
    },
}
