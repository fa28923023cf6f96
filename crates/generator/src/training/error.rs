//! Why training a generator ended without one.

use zview_data::picture::PictureError;
use zview_network::training::TrainingError;
use zview_runtime::config::ConfigError;

/// Training a generator failed; what was saved before stays.
#[derive(Debug, thiserror::Error)]
pub enum GeneratorTrainingError {
    /// Recipe and images do not go together.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The run could not be opened or go on.
    #[error(transparent)]
    Training(#[from] TrainingError),
    /// A sample grid could not be written.
    #[error(transparent)]
    Picture(#[from] PictureError),
}
