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

impl Stage {
    /// Every stage, in the order of a step.
    pub const ALL: [Self; 5] = [Self::Views, Self::Augment, Self::Forward, Self::Backward, Self::Optimize];

    /// Its name in a report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Views => "views",
            Self::Augment => "augment",
            Self::Forward => "forward",
            Self::Backward => "backward",
            Self::Optimize => "optimize",
        }
    }
}

/// Something for each part of a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct PerStage<T> {
    /// Drawing latents and rendering them, or gathering real images.
    pub views: T,
    /// Pixel augmentation.
    pub augment: T,
    /// Encoder, projector and loss.
    pub forward: T,
    /// Gradients.
    pub backward: T,
    /// New weights.
    pub optimize: T,
}

/// Seconds spent in each part since the last reset. On a GPU, work is queued: only a run that
/// synchronises after each stage (`zview bench`) gives the device's times.
pub type StageSeconds = PerStage<f64>;

impl<T> PerStage<T> {
    /// What `value` makes of each stage.
    pub fn of(mut value: impl FnMut(Stage) -> T) -> Self {
        Self {
            views: value(Stage::Views),
            augment: value(Stage::Augment),
            forward: value(Stage::Forward),
            backward: value(Stage::Backward),
            optimize: value(Stage::Optimize),
        }
    }

    /// What belongs to `stage`.
    pub fn at(&self, stage: Stage) -> &T {
        match stage {
            Stage::Views => &self.views,
            Stage::Augment => &self.augment,
            Stage::Forward => &self.forward,
            Stage::Backward => &self.backward,
            Stage::Optimize => &self.optimize,
        }
    }

    /// What belongs to `stage`, to be changed.
    pub fn at_mut(&mut self, stage: Stage) -> &mut T {
        match stage {
            Stage::Views => &mut self.views,
            Stage::Augment => &mut self.augment,
            Stage::Forward => &mut self.forward,
            Stage::Backward => &mut self.backward,
            Stage::Optimize => &mut self.optimize,
        }
    }
}

impl<T: Copy + std::iter::Sum> PerStage<T> {
    /// All stages together.
    #[must_use]
    pub fn total(&self) -> T {
        Stage::ALL.into_iter().map(|stage| *self.at(stage)).sum()
    }
}

impl StageSeconds {
    /// Adds the time since `started` to `stage` and gives the present moment.
    pub fn add(&mut self, stage: Stage, started: Instant) -> Instant {
        let now = Instant::now();
        *self.at_mut(stage) += (now - started).as_secs_f64();
        now
    }
}
