//! The training loop: a recipe, its run folder, and what came out.

mod divergence;
mod forecast;
mod length;
mod loss_scale;
mod losses;
mod precision;
mod pretrain;
mod profile;
mod recipe;
mod saver;
mod stages;
mod taught_by;
mod trainer;
mod verdict;
mod view_picture;
mod watched;
mod without_effect;

pub use divergence::NotFinite;
pub use forecast::{forecast, time_steps};
pub use loss_scale::LossScale;
pub use precision::{NoHalfPrecision, Precision};
pub use pretrain::{PretrainError, PretrainOptions, PretrainSummary, pretrain};
pub use profile::{KernelLaunches, ProfileError, StageProfile, StepProfile, profile_step, seconds_of_steps};
pub use recipe::{ProbeConfig, Recipe, TrainConfig};
pub use stages::{PerStage, Stage, StageSeconds};
pub use taught_by::generator_with_other_weights;
pub(crate) use trainer::ENCODER;
pub use trainer::{StepOutcome, Trainer};
