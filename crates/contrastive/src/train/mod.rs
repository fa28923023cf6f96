//! The training loop: a recipe, its run folder, and what came out.

pub mod automatic;
mod error;
mod forecast;
pub mod keys;
mod learner;
mod learnt_from;
mod left_open;
mod length;
mod loss_scale;
mod monitors;
mod opening;
mod paths;
mod precision;
mod pretrain;
mod pretraining;
mod profile;
mod recipe;
mod stages;
mod trainer;
mod verdict;
mod view_picture;
mod without_effect;

pub use error::PretrainError;
pub use forecast::{forecast, time_steps};
pub use learner::{ENCODER, Learner};
pub use learnt_from::{changed_since, learnt_from_other_images};
pub use length::all_warm_up;
pub use loss_scale::LossScale;
pub use paths::path_in_file;
pub use precision::{NoHalfPrecision, Precision};
pub use pretrain::{PretrainOptions, PretrainSummary, pretrain};
pub use profile::{KernelLaunches, ProfileError, StageProfile, StepProfile, profile_step, seconds_of_steps};
pub use recipe::{ProbeConfig, Recipe, TrainConfig};
pub use stages::{PerStage, Stage, StageClock, StageSeconds};
pub use trainer::{StepOutcome, Trainer, Views, source_of};
