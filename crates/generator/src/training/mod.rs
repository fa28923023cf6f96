//! Training a small generator from scratch: methods (one file each), the networks they train, and
//! the loop with its run folder.
//!
//! What comes out is a generator like anybody else's: a manifest and its weights.

mod batch;
mod config;
mod discriminator;
mod error;
mod gan;
mod layers;
mod method;
mod output;
mod picture;
mod problems;
mod recipe;
mod rehearsal;
mod spectral_norm;
mod train;
mod vae;

use serde::{Deserialize, Serialize};
use zview_runtime::seed::{Purpose, Stream};

pub use config::{GeneratorConfig, GeneratorTraining, OptimizerConfig, SourceConfig, TrainConfig};
pub use error::GeneratorTrainingError;
pub use method::MethodConfig;
use method::{Method, Setting};
use problems::changed_keys;
pub use rehearsal::first_losses;
pub use train::{GeneratorTrainingOptions, GeneratorTrainingSummary, train_generator};

recipe::methods! {
    gan => Gan, "generative adversarial network: hinge loss, spectral norm";
    vae => Vae, "variational autoencoder";
}
