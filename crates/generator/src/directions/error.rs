//! What can go wrong on the way to directions.

use std::path::PathBuf;

use zview_data::picture::PictureError;
use zview_network::StateError;
use zview_network::weights::WeightsError;
use zview_numerics::linalg::LinalgError;
use zview_runtime::device::ReadError;

use crate::GeneratorError;

/// Why directions could not be found, read or written.
#[derive(Debug, thiserror::Error)]
pub enum DirectionsError {
    /// The generator cannot render, or has no space w.
    #[error(transparent)]
    Generator(#[from] GeneratorError),
    /// The first thing that happens to a latent is not a product with a matrix.
    #[error(
        "the generator `{generator}` does not begin with a product with weights, which is what is factorised; use principal or learned directions"
    )]
    NoFirstLayer {
        /// The generator.
        generator: String,
    },
    /// The matrix whose eigenvectors are the directions could not be decomposed.
    #[error("cannot decompose the generator's weights or samples: {0}; its weights may be damaged")]
    Decomposition(#[from] LinalgError),
    /// A setting that cannot be used.
    #[error("{what}: expected {expected}, got {got}")]
    Setting {
        /// Which.
        what: &'static str,
        /// What can be used.
        expected: String,
        /// What was given.
        got: String,
    },
    /// The directions belong to another latent space.
    #[error(
        "{}: directions of dimension {got}, expected {expected} as the generator `{generator}` has in {space}; they were found for `{origin}`: find directions for this generator with `zview generator directions`",
        path.display()
    )]
    Dimension {
        /// The file.
        path: PathBuf,
        /// The generator they are to be used with.
        generator: String,
        /// Its space's name.
        space: &'static str,
        /// Dimensions of that space.
        expected: usize,
        /// Dimensions of the directions.
        got: usize,
        /// The generator that they were found for.
        origin: String,
    },
    /// The file does not hold directions.
    #[error(
        "{} does not hold directions: {problem}; make such a file with `zview generator directions`",
        path.display()
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// What is missing or wrong.
        problem: String,
    },
    /// The file could not be read.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The file could not be written.
    #[error(transparent)]
    State(#[from] StateError),
    /// The device did not return values.
    #[error(transparent)]
    Device(#[from] ReadError),
    /// The picture could not be written.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A walk's training gave values that are not finite, or the walk did not move.
    #[error("the walk for `{edit}` {problem}; try a smaller learning rate, or other steps")]
    Walk {
        /// The edit.
        edit: &'static str,
        /// What happened.
        problem: String,
    },
}
