//! Where a step's time goes.

use std::time::Instant;

use burn::tensor::Device;
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

/// Measures the parts of steps on a device.
pub struct StageClock {
    /// Time spent, by stage.
    pub seconds: StageSeconds,
    /// Wait for the device after each stage, so that `seconds` are the device's.
    pub synchronise: bool,
    /// Called at the end of each stage, after any waiting.
    pub after_stage: Option<Box<dyn FnMut(Stage)>>,
    device: Device,
}

impl StageClock {
    /// At 0 for all stages.
    pub(super) fn of(device: &Device) -> Self {
        Self {
            seconds: StageSeconds::default(),
            synchronise: false,
            after_stage: None,
            device: device.clone(),
        }
    }

    /// Adds the time since `started` to `stage`, which ends, and gives the present moment.
    pub(super) fn stage_done(&mut self, stage: Stage, started: Instant) -> Instant {
        if self.synchronise {
            // A failure shows at the next reading of a tensor, with a better message.
            let _ = self.device.sync();
        }
        let now = Instant::now();
        *self.seconds.at_mut(stage) += (now - started).as_secs_f64();
        if let Some(after_stage) = &mut self.after_stage {
            after_stage(stage);
        }
        now
    }
}
