//! Why training a generator ended without one.

use zview_data::picture::PictureError;
use zview_network::StateError;
use zview_network::checkpoint::CheckpointError;
use zview_runtime::atomic::WriteError;
use zview_runtime::config::ConfigError;
use zview_runtime::device::ReadError;
use zview_runtime::run_folder::{EventLogError, RunFolderError};

/// Training a generator failed; what was saved before stays.
#[derive(Debug, thiserror::Error)]
pub enum GeneratorTrainingError {
    /// Recipe and images do not go together.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The run folder cannot be used.
    #[error(transparent)]
    Folder(#[from] RunFolderError),
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The event log could not be written.
    #[error(transparent)]
    Events(#[from] EventLogError),
    /// A checkpoint could not be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The weights could not be written.
    #[error(transparent)]
    State(#[from] StateError),
    /// The manifest could not be written down.
    #[error("cannot write the manifest: {source}")]
    Manifest {
        /// What does not fit TOML.
        source: toml::ser::Error,
    },
    /// The generator in training gave no images.
    #[error("the generator in training renders nothing: {0}")]
    Rendering(String),
    /// A sample grid could not be written.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The device did not give its result.
    #[error("{}the device did not return its result: {source}", step.map_or(String::new(), |step| format!("after step {step}: ")))]
    Device {
        /// The last step taken, if it is known.
        step: Option<u64>,
        /// What the framework said.
        source: ReadError,
    },
    /// A loss or a weight is not a number any more.
    #[error(
        "training diverged: the {what} of step {step} is not finite (seed {seed}); lower optimizer.lr or \
         optimizer.discriminator_lr and start anew with --out; {kept}"
    )]
    NotFinite {
        /// Which loss or tensor.
        what: String,
        /// The first step where it was seen, counted from 1.
        step: u64,
        /// The run's seed: with the step it gives the batch.
        seed: u64,
        /// What is kept, such as the last good checkpoint.
        kept: String,
    },
}
