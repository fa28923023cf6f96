//! Training a small generator from scratch: methods (one file each), the networks they train, and
//! the loop with its run folder.
//!
//! What comes out is a generator like anybody else's: a manifest of architecture `sequential` and
//! its weights.

mod batch;
mod config;
mod discriminator;
mod error;
mod gan;
mod layer_network;
mod layers;
mod method;
mod output;
mod picture;
mod problems;
mod rehearsal;
mod spectral_norm;
mod train;
mod vae;

pub use config::{
    GanConfig, GeneratorConfig, GeneratorTraining, MethodKind, OptimizerConfig, SourceConfig, TrainConfig,
    VaeConfig,
};
pub use error::GeneratorTrainingError;
pub use rehearsal::first_losses;
pub use train::{GeneratorTrainingOptions, GeneratorTrainingSummary, train_generator};
