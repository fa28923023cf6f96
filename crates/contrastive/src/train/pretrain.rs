//! From a recipe to a trained encoder in a run folder.

use std::path::{Path, PathBuf};
use std::time::Instant;

use burn::tensor::Tensor;
use serde::Serialize;
use serde_json::json;
use zview_data::picture::PictureError;
use zview_runtime::atomic::WriteError;
use zview_runtime::device::{ChosenDevice, ReadError, read_floats};
use zview_runtime::progress::Progress;
use zview_runtime::run_folder::{Environment, EventLog, EventLogError, RunFolder, RunFolderError};
use zview_runtime::stop::StopSignal;
use zview_runtime::tensorboard::LiveTensorBoard;

use super::divergence::NotFinite;
use super::precision::NoHalfPrecision;
use super::recipe::Recipe;
use super::stages::StageSeconds;
use super::trainer::Trainer;
use super::view_picture::show_views;
use super::watched::{self, Watched};
use crate::encoder::save_encoder;
use crate::source::{OpenSource, SourceError, open_source};
use crate::watch::Collapse;
use zview_network::checkpoint::{Checkpoint, CheckpointError};
use zview_network::{StateError, count_parameters};

/// Why pretraining ended without an encoder.
#[derive(Debug, thiserror::Error)]
pub enum PretrainError {
    /// No views could be had.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The run folder cannot be used.
    #[error(transparent)]
    Folder(#[from] RunFolderError),
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The event log could not be written.
    #[error(transparent)]
    Events(#[from] EventLogError),
    /// A checkpoint could not be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The encoder could not be written.
    #[error(transparent)]
    State(#[from] StateError),
    /// The picture of the views could not be written.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The device does not have the recipe's precision.
    #[error(transparent)]
    Precision(#[from] NoHalfPrecision),
    /// The loss is not a number any more.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// The features collapsed, and the recipe wants the run to end then.
    #[error(transparent)]
    Collapse(#[from] Collapse),
    /// The device did not give the losses.
    #[error("after step {step}: {source}")]
    Device {
        /// The last step taken.
        step: u64,
        /// What the framework said.
        source: ReadError,
    },
}

/// What pretraining needs beside the recipe.
#[derive(Debug, Clone)]
pub struct PretrainOptions<'a> {
    /// The run folder.
    pub out: &'a Path,
    /// Continue the run that is there.
    pub resume: bool,
    /// Where to compute.
    pub device: &'a ChosenDevice,
    /// Where named data sets are looked up first.
    pub data_dir: Option<PathBuf>,
    /// Asks for an orderly end.
    pub stop: &'a StopSignal,
}

/// What came out of pretraining; `result.json` and `--json`.
#[derive(Debug, Clone, Serialize)]
pub struct PretrainSummary {
    /// The run folder.
    pub run: PathBuf,
    /// Steps taken in all.
    pub steps: u64,
    /// Loss of the last step; `None` without steps.
    pub loss: Option<f32>,
    /// Views per second of this process, whole pipeline; 0 without steps.
    pub views_per_second: f64,
    /// Seconds of this process, from the first step.
    pub seconds: f64,
    /// Seconds by stage.
    pub stages: StageSeconds,
    /// The device's name.
    pub device: String,
    /// Trained numbers in the encoder.
    pub encoder_parameters: usize,
    /// True where a signal ended the run early; the state is saved.
    pub stopped: bool,
}

/// Trains the encoder of `recipe` and leaves it in the run folder.
///
/// # Errors
/// [`PretrainError`]; what was saved before stays.
pub fn pretrain(recipe: &Recipe, options: &PretrainOptions<'_>) -> Result<PretrainSummary, PretrainError> {
    recipe.train.precision.check(options.device)?;
    let device = &options.device.device;
    let how = OpenSource { anchors: recipe.train.batch, data_dir: options.data_dir.clone(), device };
    let source = open_source(&recipe.source, &recipe.views, &how)?;
    // A checkpoint replaces the weights that the run began with: their file need not be there any more.
    let resumes = options.resume && Checkpoint::newest(options.out)?.is_some();
    let mut begun = recipe.clone();
    begun.encoder.weights = begun.encoder.weights.filter(|_| !resumes);
    let mut trainer = Trainer::new(&begun, source, device, options.device.is_gpu())?;
    let (folder, mut events) = open_run(recipe, options, &mut trainer)?;
    let mut tensorboard = LiveTensorBoard::start(folder.path());
    let first_step = trainer.step;
    let started = Instant::now();
    let mut progress = Progress::new("pretraining", recipe.train.steps);
    let mut losses = Losses { pending: Vec::new(), last: None, watched: Watched::default() };
    let mut last_checkpoint = first_step;
    while trainer.step < recipe.train.steps && !options.stop.requested() {
        let outcome = trainer.train_step()?;
        let watch_due = losses.watched.keep(&outcome, trainer.step, recipe);
        losses.pending.push(outcome.loss);
        if trainer.step == first_step + 1 {
            losses.wait(&trainer)?; // what does not fit on the device shows at once
        }
        let every = recipe.train.checkpoint_every;
        let checkpoint_due = every > 0 && trainer.step.is_multiple_of(every);
        let views_every = recipe.train.views_every;
        if views_every > 0 && trainer.step.is_multiple_of(views_every) {
            show_views(&mut trainer, recipe, &folder, &mut events)?;
        }
        if trainer.step.is_multiple_of(recipe.train.log_every) || checkpoint_due || watch_due {
            let read = losses.read(&mut trainer, recipe, last_checkpoint, &mut events);
            tensorboard.follow();
            read?;
            let rate = views_taken(recipe, trainer.step - first_step) / started.elapsed().as_secs_f64();
            let loss = losses.last.unwrap_or(f32::NAN);
            progress.update(trainer.step, &format!("loss {loss:.4}, {rate:.0} views/s"));
        }
        if checkpoint_due {
            last_checkpoint = trainer.checkpoint(folder.path())?.step();
        }
    }
    losses.read(&mut trainer, recipe, last_checkpoint, &mut events)?;
    tensorboard.follow();
    let seconds = started.elapsed().as_secs_f64();
    progress.finish();
    trainer.checkpoint(folder.path())?;
    save_encoder(&trainer.encoder, &folder.file("encoder.safetensors"))?;
    let taken = trainer.step - first_step;
    let summary = PretrainSummary {
        run: folder.path().to_owned(),
        steps: trainer.step,
        loss: losses.last,
        views_per_second: if taken == 0 { 0.0 } else { views_taken(recipe, taken) / seconds },
        seconds,
        stages: trainer.seconds,
        device: options.device.name.clone(),
        encoder_parameters: count_parameters(&trainer.encoder),
        stopped: trainer.step < recipe.train.steps,
    };
    folder.write_json("result.json", &summary)?;
    let event = if summary.stopped { "stopped" } else { "finished" };
    events.append(&json!({ "event": event, "step": trainer.step, "seconds": seconds }))?;
    Ok(summary)
}

/// Takes the run folder and puts the trainer where the run stands.
fn open_run(
    recipe: &Recipe,
    options: &PretrainOptions<'_>,
    trainer: &mut Trainer,
) -> Result<(RunFolder, EventLog), PretrainError> {
    let resolved = toml::to_string_pretty(recipe).unwrap_or_default();
    if options.resume {
        let folder = RunFolder::resume(options.out)?;
        folder.check_same_config(&resolved)?;
        match Checkpoint::newest(folder.path())? {
            Some(checkpoint) => trainer.restore(&checkpoint)?,
            None => tracing::warn!("{} has no checkpoint yet: starting at step 0", folder.path().display()),
        }
        let mut events = EventLog::reopen(&folder.file("events.jsonl"), trainer.step)?;
        let selfcheck = options.device.selfcheck;
        events.append(&json!({ "event": "resumed", "step": trainer.step, "selfcheck": selfcheck }))?;
        return Ok((folder, events));
    }
    let folder = RunFolder::create(options.out)?;
    let mut events = EventLog::create(&folder.file("events.jsonl"))?;
    folder.write_json("environment.json", &Environment::of(options.device))?;
    let selfcheck = options.device.selfcheck;
    let mut started = json!({ "event": "started", "step": 0, "seed": recipe.seed, "selfcheck": selfcheck });
    if let Some(weights) = &trainer.initial_weights {
        started["encoder_weights"] = json!(weights);
    }
    events.append(&started)?;
    show_views(trainer, recipe, &folder, &mut events)?;
    // Last: a folder with a config.toml is a run that can be resumed.
    folder.write_text("config.toml", &resolved)?;
    Ok((folder, events))
}

fn views_taken(recipe: &Recipe, steps: u64) -> f64 {
    steps as f64 * recipe.views_per_step() as f64
}

/// Losses that are still on the device, the last one that was read, and what is watched beside them.
struct Losses {
    pending: Vec<Tensor<1>>,
    last: Option<f32>,
    watched: Watched,
}

impl Losses {
    /// Waits for the device to have computed what is pending.
    fn wait(&self, trainer: &Trainer) -> Result<(), PretrainError> {
        let last = self.pending.last().cloned();
        let read = last.map_or(Ok(Vec::new()), read_floats);
        read.map(|_| ()).map_err(|source| PretrainError::Device { step: trainer.step, source })
    }

    /// Reads what is pending in one transfer, checks it, and logs it.
    fn read(
        &mut self,
        trainer: &mut Trainer,
        recipe: &Recipe,
        last_checkpoint: u64,
        events: &mut EventLog,
    ) -> Result<(), PretrainError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut tensors = std::mem::take(&mut self.pending);
        let taken = tensors.len();
        let mut asked = self.watched.ask(trainer);
        tensors.extend(asked.take_tensors());
        let values = read_floats(Tensor::cat(tensors, 0))
            .map_err(|source| PretrainError::Device { step: trainer.step, source })?;
        let (losses, watched_values) = values.split_at(taken);
        let first = trainer.step - losses.len() as u64; // steps before the first of these
        for (offset, &loss) in losses.iter().enumerate() {
            if !loss.is_finite() {
                let kept = match last_checkpoint {
                    0 => "no checkpoint was written before it (train.checkpoint_every)".to_owned(),
                    step => format!("the checkpoint of step {step} is kept"),
                };
                let not_finite = NotFinite {
                    step: first + offset as u64 + 1,
                    loss,
                    learning_rate: trainer.learning_rate(first + offset as u64),
                    seed: recipe.seed,
                    last_finite: self.last.unwrap_or(f32::NAN),
                    kept,
                };
                events.append(&json!({ "event": "not-finite", "step": not_finite.step, "message": not_finite.to_string() }))?;
                return Err(not_finite.into());
            }
            self.last = Some(loss);
        }
        let rate = trainer.learning_rate(trainer.step.saturating_sub(1));
        let mut event = json!({
            "event": "train", "step": trainer.step, "losses": losses, "learning_rate": rate,
            "stage_seconds": trainer.seconds,
        });
        let device_error = |source| PretrainError::Device { step: trainer.step, source };
        if let Some(scale) = &trainer.loss_scale {
            event["loss_scale"] = json!(scale.read().map_err(device_error)?);
        }
        if let Some(norm) = &trainer.gradient_norm {
            let norm = read_floats(norm.clone()).map_err(device_error)?;
            event["gradient_norm"] = json!(norm.first());
        }
        let collapse = self.watched.add_to(&mut event, &asked, watched_values, trainer, recipe);
        events.append(&event)?;
        collapse.map_or(Ok(()), |collapse| watched::tell(collapse, recipe, events))
    }
}
