//! Why a run ended before its last step.

use zview_runtime::atomic::WriteError;
use zview_runtime::device::ReadError;
use zview_runtime::run_folder::{EventLogError, RunFolderError};

use super::divergence::NotFinite;
use crate::StateError;
use crate::checkpoint::CheckpointError;

/// A run could not go on; what was saved before stays.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// The run folder cannot be used.
    #[error(transparent)]
    Folder(#[from] RunFolderError),
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The event log could not be read or written.
    #[error(transparent)]
    Events(#[from] EventLogError),
    /// A checkpoint could not be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The state could not be read from the device.
    #[error(transparent)]
    State(#[from] StateError),
    /// A loss or a weight is not a number any more.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// The device did not give its results.
    #[error("after step {step}: {source}")]
    Device {
        /// The last step taken.
        step: u64,
        /// What the framework said.
        source: ReadError,
    },
}
