//! Where a step's time goes.

use std::time::Instant;

use serde::Serialize;

/// The parts of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Drawing latents and rendering them, or gathering real images.
    Views,
    /// Pixel augmentation.
    Augment,
    /// Encoder, projector and loss.
    Forward,
    /// Gradients.
    Backward,
    /// New weights.
    Optimize,
}

/// Seconds spent in each part since the last reset. On a GPU, work is queued: only a run that
/// synchronises after each stage (`zview bench`) gives the device's times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct StageSeconds {
    /// Drawing latents and rendering them, or gathering real images.
    pub views: f64,
    /// Pixel augmentation.
    pub augment: f64,
    /// Encoder, projector and loss.
    pub forward: f64,
    /// Gradients.
    pub backward: f64,
    /// New weights.
    pub optimize: f64,
}

impl StageSeconds {
    /// Adds the time since `started` to `stage` and gives the present moment.
    pub fn add(&mut self, stage: Stage, started: Instant) -> Instant {
        let now = Instant::now();
        let seconds = (now - started).as_secs_f64();
        match stage {
            Stage::Views => self.views += seconds,
            Stage::Augment => self.augment += seconds,
            Stage::Forward => self.forward += seconds,
            Stage::Backward => self.backward += seconds,
            Stage::Optimize => self.optimize += seconds,
        }
        now
    }

    /// All stages together.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.views + self.augment + self.forward + self.backward + self.optimize
    }
}
