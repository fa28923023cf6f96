//! What is trained, as the loop sees it.

use std::time::Duration;

use burn::tensor::Tensor;
use serde_json::Value;
use zview_runtime::forecast::RunSize;
use zview_runtime::run_folder::EventLog;

use super::error::TrainingError;
use super::run::Run;
use crate::StateError;
use crate::checkpoint::Snapshot;

/// Something that is trained step by step; a [`Run`] does the rest.
pub trait Step {
    /// Why it may end before the last step.
    type Error: From<TrainingError>;

    /// Steps taken so far.
    fn steps_taken(&self) -> u64;

    /// The learning rate of a step counted from 0.
    fn learning_rate(&self, step: u64) -> f64;

    /// How large the run is, with what is left of it from now on.
    fn size(&self) -> RunSize;

    /// Takes the next step; gives its losses, in the order of [`super::RunPlan::losses`], each `[1]`, without gradients
    /// and still on the device.
    ///
    /// # Errors
    /// Whatever keeps it from taking one.
    fn step(&mut self) -> Result<Vec<Tensor<1>>, Self::Error>;

    /// How long this process has waited for images that are read from disk; `None` where none are.
    fn waited(&self) -> Option<Duration> {
        None
    }

    /// After each step: what is shown of the state beside the log. Says whether the losses are to be read now.
    ///
    /// # Errors
    /// Whatever keeps it from being shown.
    fn after_step(&mut self, run: &mut Run<'_>) -> Result<bool, Self::Error>;

    /// Sums of squares of weights, each `[1]` and on the device, which are to be finite.
    fn squared_weights(&self) -> Vec<Tensor<1>> {
        Vec::new()
    }

    /// What is to be read from the device together with the losses.
    fn beside_losses(&mut self) -> Vec<Tensor<1>> {
        Vec::new()
    }

    /// Adds to a `train` event what was read for [`Self::beside_losses`], and logs it.
    ///
    /// # Errors
    /// A log that cannot be written, or what was read.
    fn log(&mut self, event: Value, _: &[f32], events: &mut EventLog) -> Result<(), Self::Error> {
        Ok(events.append(&event).map_err(TrainingError::from)?)
    }

    /// Everything that changes from step to step, read from the device.
    ///
    /// # Errors
    /// [`StateError::Device`] where the device cannot be read.
    fn snapshot(&mut self) -> Result<Snapshot, StateError>;
}
