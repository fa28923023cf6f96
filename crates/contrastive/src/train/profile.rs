//! Where a training step's time goes, and how far that is from what the device can do.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;

use serde::Serialize;
use zview_kernels::{Cost, Costs, record_costs, take_costs};
use zview_runtime::device::{ChosenDevice, LaunchCounter, MemoryUse, PeakRates, ReadError, read_floats};

use super::stages::{PerStage, Stage, StageSeconds};
use super::trainer::Trainer;
use crate::source::SourceError;

/// A step could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// No views could be had.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The device failed.
    #[error(transparent)]
    Device(#[from] ReadError),
}

/// One part of a step, or all of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct StageProfile {
    /// Milliseconds per step.
    pub milliseconds: f64,
    /// Floating-point operations of convolutions and products per step.
    pub operations: u64,
    /// Bytes read and written at least per step.
    pub bytes: u64,
    /// Milliseconds that the arithmetic or the memory traffic takes at the peak rates, the longer of both.
    pub floor_milliseconds: f64,
    /// Achieved share of the peak rate of arithmetic: operations / rate / time.
    pub arithmetic_share: f64,
    /// Achieved share of the peak bandwidth: bytes / rate / time.
    pub bandwidth_share: f64,
    /// Kernels launched per step; `None` on the CPU.
    pub kernels: Option<f64>,
}

impl StageProfile {
    fn new(seconds: f64, cost: Cost, peak: &PeakRates, kernels: Option<f64>) -> Self {
        let arithmetic = cost.operations as f64 / peak.operations_per_second;
        let traffic = cost.bytes() as f64 / peak.bytes_per_second;
        Self {
            milliseconds: 1e3 * seconds,
            operations: cost.operations,
            bytes: cost.bytes(),
            floor_milliseconds: 1e3 * arithmetic.max(traffic),
            arithmetic_share: arithmetic / seconds,
            bandwidth_share: traffic / seconds,
            kernels,
        }
    }
}

/// The steps that were measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepProfile {
    /// Seconds of a step that does not wait between stages.
    pub seconds_per_step: f64,
    /// Share of it that waits for views that another thread reads; `None` where they are made at once.
    pub waiting_share: Option<f64>,
    /// Milliseconds per step by stage, with the device waited for after each.
    pub stages: StageSeconds,
    /// The stages against the peak rates, each with the device waited for.
    pub profile: PerStage<StageProfile>,
    /// A whole step that does not wait between stages.
    pub step: StageProfile,
    /// What the device can do.
    pub peak: PeakRates,
    /// Before the measured steps, after those that warm up.
    pub memory_before: MemoryUse,
    /// After the measured steps.
    pub memory_after: MemoryUse,
    /// Kernels launched per step by name, most frequent first; empty on the CPU.
    pub kernels: Vec<KernelLaunches>,
}

/// Launches of one kernel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KernelLaunches {
    /// The framework's name of it.
    pub name: String,
    /// How often per step.
    pub per_step: f64,
}

impl StepProfile {
    /// Share of a step that views and augmentation take.
    #[must_use]
    pub fn input_share(&self) -> f64 {
        (self.stages.views + self.stages.augment) / self.stages.total()
    }
}

/// Takes `warmup` steps, then `steps` without waiting between stages for the rate, and as many with it
/// for the stages; then measures what the device can do.
///
/// # Errors
/// [`ProfileError`].
pub fn profile_step(
    trainer: &mut Trainer,
    device: &ChosenDevice,
    warmup: u64,
    steps: u64,
) -> Result<StepProfile, ProfileError> {
    let steps = steps.max(1);
    seconds_of_steps(trainer, warmup)?;
    let memory_before = MemoryUse::now(&device.device);
    let waited_before = trainer.views.source.waited();
    let seconds_per_step = seconds_of_steps(trainer, steps)? / steps as f64;
    let waited = trainer
        .views
        .source
        .waited()
        .zip(waited_before)
        .map(|(after, before)| (after - before).as_secs_f64());
    let launches = device.is_gpu().then(|| Rc::new(Launches::default()));
    trainer.clock.seconds = StageSeconds::default();
    trainer.clock.synchronise = true;
    trainer.clock.after_stage = launches.clone().map(|launches| {
        let counter = LaunchCounter::start();
        Box::new(move |stage| launches.add(stage, counter.take())) as Box<dyn FnMut(Stage)>
    });
    seconds_of_steps(trainer, steps)?;
    trainer.clock.after_stage = None;
    trainer.clock.synchronise = false;
    let memory_after = MemoryUse::now(&device.device);
    let peak = PeakRates::measure(device)?;

    let per_step = |count: u64| count as f64 / steps as f64;
    let launches = launches.as_deref();
    let seconds = PerStage::of(|stage| trainer.clock.seconds.at(stage) / steps as f64);
    let cost = cost_of_step(trainer)?;
    let profile = PerStage::of(|stage| {
        let kernels = launches.map(|launches| per_step(*launches.by_stage.borrow().at(stage)));
        StageProfile::new(*seconds.at(stage), *cost.at(stage), &peak, kernels)
    });
    let all_kernels = launches.map(|launches| per_step(launches.by_stage.borrow().total()));
    Ok(StepProfile {
        seconds_per_step,
        waiting_share: waited.map(|seconds| seconds / steps as f64 / seconds_per_step),
        stages: PerStage::of(|stage| 1e3 * seconds.at(stage)),
        profile,
        step: StageProfile::new(seconds_per_step, cost.total(), &peak, all_kernels),
        peak,
        memory_before,
        memory_after,
        kernels: launches.map_or_else(Vec::new, |launches| launches.by_frequency(per_step)),
    })
}

/// What one more step of `trainer` takes, by stage: the gradients where they are computed, not where they are recorded.
fn cost_of_step(trainer: &mut Trainer) -> Result<PerStage<Cost>, SourceError> {
    let by_stage = Rc::new(RefCell::new(PerStage::<Cost>::default()));
    let sums = by_stage.clone();
    trainer.clock.after_stage = Some(Box::new(move |stage| {
        let Costs { forward, backward } = take_costs();
        let mut sums = sums.borrow_mut();
        *sums.at_mut(stage) += forward;
        sums.backward += backward;
    }));
    let (step, _) = record_costs(|| trainer.train_step());
    trainer.clock.after_stage = None;
    step.map(|_| by_stage.take())
}

/// Seconds that `steps` steps take, until the last loss has been read.
///
/// # Errors
/// [`ProfileError`].
pub fn seconds_of_steps(trainer: &mut Trainer, steps: u64) -> Result<f64, ProfileError> {
    let started = Instant::now();
    let mut last = None;
    for _ in 0..steps {
        last = Some(trainer.train_step()?.loss);
    }
    if let Some(loss) = last {
        read_floats(loss)?;
    }
    Ok(started.elapsed().as_secs_f64())
}

/// Kernels launched by stage and by name.
#[derive(Debug, Default)]
struct Launches {
    by_stage: RefCell<PerStage<u64>>,
    by_name: RefCell<BTreeMap<String, u64>>,
}

impl Launches {
    fn add(&self, stage: Stage, launched: BTreeMap<String, u64>) {
        *self.by_stage.borrow_mut().at_mut(stage) += launched.values().sum::<u64>();
        let mut by_name = self.by_name.borrow_mut();
        for (name, count) in launched {
            *by_name.entry(name).or_default() += count;
        }
    }

    fn by_frequency(&self, per_step: impl Fn(u64) -> f64) -> Vec<KernelLaunches> {
        let mut counts: Vec<(String, u64)> = self.by_name.take().into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count)); // stable: then by name
        counts.into_iter().map(|(name, count)| KernelLaunches { name, per_step: per_step(count) }).collect()
    }
}
