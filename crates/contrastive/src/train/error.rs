//! Why pretraining ended without an encoder.

use std::path::PathBuf;

use zview_data::picture::PictureError;
use zview_network::training::TrainingError;
use zview_runtime::run_folder::{Changed, RunFolderError};

use super::precision::NoHalfPrecision;
use crate::source::SourceError;
use crate::watch::Collapse;

/// Why pretraining ended without an encoder.
#[derive(Debug, thiserror::Error)]
pub enum PretrainError {
    /// No views could be had.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The run could not be opened or go on.
    #[error(transparent)]
    Training(#[from] TrainingError),
    /// Runs that are compared learn from the same images.
    #[error(
        "{} would learn from {changed} than {} did; bring back what was there, or train all anew with --out",
        run.display(), other.display()
    )]
    OtherImages {
        /// The run folder.
        run: PathBuf,
        /// What changed.
        changed: Changed,
        /// The run that began before.
        other: PathBuf,
    },
    /// A run is resumed with fewer steps than it has.
    #[error(
        "{} has {had} steps, and {asked} were asked for: say --steps {had} to go on with it, more to extend it, or \
         start anew with --out", run.display()
    )]
    Shorter {
        /// The run folder.
        run: PathBuf,
        /// Its steps.
        had: u64,
        /// What was asked for.
        asked: u64,
    },
    /// A step needs more memory than there is.
    #[error("{said}: {remedy}")]
    Memory {
        /// What is needed and what there is.
        said: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The picture of the views could not be written.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The device does not have the recipe's precision.
    #[error(transparent)]
    Precision(#[from] NoHalfPrecision),
    /// The features collapsed, and the recipe wants the run to end then.
    #[error(transparent)]
    Collapse(#[from] Collapse),
}

impl PretrainError {
    /// Whether it says that another process trains in the run folder.
    #[must_use]
    pub fn is_locked_run(&self) -> bool {
        matches!(self, Self::Training(TrainingError::Folder(RunFolderError::Locked { .. })))
    }
}
