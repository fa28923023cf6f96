//! Why training a generator ended without one.

use zview_data::DataError;
use zview_data::picture::PictureError;
use zview_network::StateError;
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
    /// The generator in training gave no images.
    #[error("the generator in training renders nothing: {0}")]
    Rendering(String),
    /// An image cannot be had.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Weights of a new generator could not be made.
    #[error(transparent)]
    State(#[from] StateError),
    /// A sample grid could not be written.
    #[error(transparent)]
    Picture(#[from] PictureError),
}
