//! Where views come from: a generator, real images, a mix of both, or view shards. One file per source.

mod batch;
mod config;
mod generator;
mod mix;
mod open;
mod real;
mod shards;
mod stored;

use std::time::Duration;

use zview_data::view_shards::ShardError;
use zview_data::{DataError, ImageShape};
use zview_generator::GeneratorError;
use zview_runtime::device::ReadError;
use zview_runtime::run_folder::ImagesSha256;

pub use batch::ViewBatch;
pub use config::{CropFrom, GeneratorShare, SourceConfig, SourceKind};
pub use generator::GeneratorSource;
pub use mix::MixSource;
pub(crate) use open::has_classes;
pub use open::{OpenSource, open_source, open_source_on};
pub use real::{CropsOfPhotographs, RealSource};
pub use shards::ShardSource;
pub use stored::Stored;

use zview_encoder::{PretrainedError, UnfitImages};

/// Endless batches of views, each a pure function of (run seed, step).
pub trait ViewSource {
    /// The shape of the images.
    fn shape(&self) -> ImageShape;

    /// The views of a step, before augmentation, with what is known of them.
    ///
    /// # Errors
    /// [`SourceError`] where rendering fails.
    fn views(&mut self, run_seed: u64, step: u64) -> Result<ViewBatch, SourceError>;

    /// Dimensions of the views' latents; `None` where views have none.
    fn latent_dimension(&self) -> Option<usize>;

    /// Number of classes of the views' labels; `None` where views have none.
    fn classes(&self) -> Option<usize>;

    /// What an epoch is; `None` where there is no end of fresh anchors.
    fn epoch(&self) -> Option<Epoch> {
        None
    }

    /// The std of views whose distance adapts; `None` where it is fixed. All of a run's state that a source has.
    fn view_std(&self) -> Option<f32> {
        None
    }

    /// Goes on with that std.
    fn set_view_std(&mut self, _std: f32) {}

    /// Told how far the encoder finds the views of an anchor alike: the share of its features' variance that they have
    /// in common.
    fn adapt(&mut self, _agreement: f32) {}

    /// How long batches were waited for in all, where another thread reads them; `None` where they are made at once.
    fn waited(&self) -> Option<Duration> {
        None
    }

    /// SHA-256 that changes with the images that it reads; says nothing where it makes them.
    fn content_sha256(&self) -> ImagesSha256 {
        ImagesSha256::default()
    }

    /// What was damaged and left out, and why.
    fn left_out(&self) -> Vec<String> {
        Vec::new()
    }

    /// How its images came about: what was decided, and what was not looked at; one sentence each.
    fn account(&self) -> Vec<String> {
        Vec::new()
    }
}

/// One visit of every anchor of a source that has so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch {
    /// How many there are.
    pub anchors: u64,
    /// How many of them a batch takes.
    pub per_batch: usize,
    /// What they are, in the plural.
    pub unit: &'static str,
}

/// Views could not be had, or what is trained on them does not fit.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The real images could not be loaded.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The view shards cannot be used.
    #[error(transparent)]
    Shards(#[from] ShardError),
    /// The generator could not be loaded or does not render.
    #[error(transparent)]
    Generator(#[from] GeneratorError),
    /// The encoder's initial weights cannot be used.
    #[error(transparent)]
    Encoder(Box<PretrainedError>),
    /// The device did not give what it was asked for.
    #[error(transparent)]
    Device(ReadError),
    /// A section of the recipe asks for something that the others do not give.
    #[error("{field}: {problem}")]
    Recipe {
        /// The key.
        field: &'static str,
        /// What is wrong and what to write.
        problem: String,
    },
}

impl From<UnfitImages> for SourceError {
    fn from(UnfitImages { field, problem }: UnfitImages) -> Self {
        Self::Recipe { field, problem }
    }
}

impl From<PretrainedError> for SourceError {
    fn from(error: PretrainedError) -> Self {
        Self::Encoder(Box::new(error))
    }
}
