//! The one training loop: a [`Run`] in its folder takes [`Step`]s until the last or a stop, logs them, and saves.

mod divergence;
mod error;
mod loss_log;
mod run;
mod step;
#[cfg(test)]
mod tests;

pub use divergence::{NotFinite, squared_weights};
pub use error::TrainingError;
pub use loss_log::LossLog;
pub use run::{Run, RunPlan, Trained, newest_checkpoint};
pub use step::Step;
