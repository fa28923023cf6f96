//! What a run of a recipe will take.

use zview_network::training::TrainingError;
use zview_runtime::device::ChosenDevice;
use zview_runtime::device::MemoryLimit;
use zview_runtime::forecast::{Fit, Forecast, RunSize, StepTimes, fit};

use super::error::PretrainError;
use super::length::with_epochs;
use super::pretrain::PretrainOptions;
use super::profile::{ProfileError, seconds_of_steps};
use super::recipe::Recipe;
use super::trainer::{Trainer, source_of};

/// What makes a run that is too long shorter.
pub(super) const SHORTER: &str =
    "lower train.steps (--steps), train.batch or source.size, or take a smaller encoder or a faster --device";
/// What makes a step that is too large smaller.
const SMALLER: &str =
    "lower train.batch (train.accumulate = 2 with half of it keeps the images of an update), or source.size";

/// Takes steps until their time is known: what a run takes from there on is told, and its first step apart.
///
/// # Errors
/// [`ProfileError`].
pub fn time_steps(trainer: &mut Trainer, most: u64) -> Result<StepTimes, ProfileError> {
    let mut times = StepTimes::default();
    for _ in 0..most {
        if times.enough() {
            break;
        }
        times.note(seconds_of_steps(trainer, 1)?);
    }
    Ok(times)
}

/// What `recipe` would take on this device. Takes a few steps and writes nothing. `None` for a run of fewer than two
/// steps.
///
/// # Errors
/// [`PretrainError`], as the run itself would have.
pub fn forecast(recipe: &Recipe, options: &PretrainOptions<'_>) -> Result<Option<Forecast>, PretrainError> {
    recipe.train.precision.check(options.device)?;
    let device = &options.device.device;
    let source = source_of(recipe, options.data_dir.clone(), device)?;
    let recipe = match options.epochs {
        Some(epochs) => &with_epochs(recipe, source.epoch(), epochs)?,
        None => recipe,
    };
    let mut trainer = Trainer::new(recipe, source, device)?;
    let size = run_size(&trainer, recipe);
    check_memory(&size, options.device)?;
    let times = time_steps(&mut trainer, recipe.train.steps).map_err(|error| match error {
        ProfileError::Source(source) => PretrainError::Source(source),
        ProfileError::Device(source) => TrainingError::Device { step: trainer.step, source }.into(),
    })?;
    let forecast = Forecast::new(&times, size, options.device);
    for warning in forecast.iter().flat_map(|forecast| forecast.warnings(SHORTER)) {
        tracing::warn!("{warning}");
    }
    Ok(forecast)
}

/// Refuses a step that cannot fit into memory, and warns of one that may not.
pub(super) fn check_memory(size: &RunSize, device: &ChosenDevice) -> Result<(), PretrainError> {
    match fit(size.memory_estimate.unwrap_or(0), MemoryLimit::of(device)) {
        Fit::Fits => Ok(()),
        Fit::Doubtful(said) => {
            tracing::warn!("{said}: if it ends for want of memory, {SMALLER}");
            Ok(())
        }
        Fit::Cannot(said) => Err(PretrainError::Memory { said, remedy: SMALLER }),
    }
}

/// How large the run of `trainer` is, which stands at its first step or at the one that it is resumed from.
pub(super) fn run_size(trainer: &Trainer, recipe: &Recipe) -> RunSize {
    let (epoch, steps) = (trainer.views.source.epoch(), recipe.train.steps);
    let epochs = epoch.filter(|epoch| epoch.anchors > 0).map(|epoch| {
        steps as f64 * recipe.train.accumulate as f64 * epoch.per_batch as f64 / epoch.anchors as f64
    });
    let shape = trainer.views.shape();
    RunSize {
        steps,
        steps_left: steps.saturating_sub(trainer.step),
        epochs,
        epoch_of: epoch.map(|epoch| format!("{} {}", thousands(epoch.anchors), epoch.unit)),
        parameters: trainer.learner.count_parameters(),
        view: [shape.channels, shape.height, shape.width],
        memory_estimate: Some(memory_estimate(trainer, recipe)),
    }
}

/// Bytes that a step holds at once: what the layers give, which the backward pass reads again; views before and after
/// augmentation; weights, gradients, and the optimizer's moments.
fn memory_estimate(trainer: &Trainer, recipe: &Recipe) -> u64 {
    let shape = trainer.views.shape();
    let views = (recipe.train.batch * recipe.views.per_anchor) as u64;
    let pixels = 4 * views * (shape.channels * shape.height * shape.width) as u64;
    let activations = views * trainer.activation_bytes();
    let parameters = trainer.learner.count_parameters();
    activations + 2 * pixels + 4 * parameters as u64 * (2 + recipe.optimizer.kept() as u64)
}

/// `14,976`
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
    groups.iter().map(|group| String::from_utf8_lossy(group)).collect::<Vec<_>>().join(",")
}
