//! From a recipe to a trained encoder in a run folder.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use serde_json::json;
use zview_data::picture::PictureError;
use zview_generator::Conditions;
use zview_runtime::atomic::WriteError;
use zview_runtime::device::{ChosenDevice, ReadError};
use zview_runtime::forecast::{Forecast, StepTimes};
use zview_runtime::progress::{Progress, say};
use zview_runtime::run_folder::{
    CONFIG, Changed, Environment, EventLog, EventLogError, EventReader, RunFolder, RunFolderError, no_folder,
    other_images,
};
use zview_runtime::stop::StopSignal;
use zview_runtime::tensorboard::LiveTensorBoard;

use super::divergence::NotFinite;
use super::forecast::{SHORTER, check_memory, run_size};
use super::learnt_from::{LearntFrom, changed_since, learnt_from_others};
use super::left_open::{as_begun, decided};
use super::length::{Extension, all_warm_up, finished, with_epochs};
use super::losses::Losses;
use super::precision::NoHalfPrecision;
use super::recipe::Recipe;
use super::saver::{self, Newest, Saver};
use super::stages::StageSeconds;
use super::trainer::Trainer;
use super::verdict::{FIRST_FEATURES, verdict};
use super::view_picture::show_views;
use super::watched::Watched;
use super::without_effect::without_effect_here;
use crate::source::{OpenSource, SourceError, ViewSource, has_classes, open_source};
use crate::watch::Collapse;
use zview_encoder::{ViewFormat, save_encoder};
use zview_network::checkpoint::CheckpointError;
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
    /// Runs that are compared learn from the same images.
    #[error(
        "{} would learn from {changed} than {} did; bring back what was there, or train all anew with --out",
        run.display(), other.display()
    )]
    OtherImages {
        /// The run folder.
        run: PathBuf,
        /// What changed.
        changed: Changed,
        /// The run that began before.
        other: PathBuf,
    },
    /// A run is resumed with fewer steps than it has.
    #[error(
        "{} has {had} steps, and {asked} were asked for: say --steps {had} to go on with it, more to extend it, or \
         start anew with --out", run.display()
    )]
    Shorter {
        /// The run folder.
        run: PathBuf,
        /// Its steps.
        had: u64,
        /// What was asked for.
        asked: u64,
    },
    /// A step needs more memory than there is.
    #[error("{said}: {remedy}")]
    Memory {
        /// What is needed and what there is.
        said: String,
        /// What to do.
        remedy: &'static str,
    },
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
    /// A loss or a weight is not a number any more.
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
    /// What was decided for the user on the way to the recipe, one sentence each, for the log.
    pub decided: Vec<String>,
    /// Takes the steps that see every image or anchor so often, instead of the recipe's.
    pub epochs: Option<f64>,
    /// The folders of runs that this one is compared with: of the same data set, they learn from the same images.
    pub beside: &'a [PathBuf],
    /// Whether what is most likely not meant, and the forecast, are told on stderr; the forecast is in the log in any
    /// case.
    pub tell: bool,
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
    /// What the log of a finished run says against its learning.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<String>,
}

/// The source of a recipe's views, opened for this run.
///
/// # Errors
/// [`SourceError`].
pub(super) fn source_of(
    recipe: &Recipe,
    options: &PretrainOptions<'_>,
) -> Result<Box<dyn ViewSource>, SourceError> {
    let how = OpenSource {
        anchors: recipe.train.batch,
        anchor_choice: recipe.anchors,
        data_dir: options.data_dir.clone(),
        device: &options.device.device,
    };
    open_source(&recipe.source, &recipe.views, &how)
}

/// Trains the encoder of `recipe` and leaves it in the run folder.
///
/// # Errors
/// [`PretrainError`]; what was saved before stays.
pub fn pretrain(recipe: &Recipe, options: &PretrainOptions<'_>) -> Result<PretrainSummary, PretrainError> {
    recipe.train.precision.check(options.device)?;
    let recipe = &as_begun(recipe, options);
    // A run that is there, or is being written, is found out before anything is loaded.
    let found_out = options.resume || options.out.exists() || no_folder(options.out).is_some();
    let taken = if found_out { Some(take_folder(recipe, options)?) } else { None };
    let mut extension = match &taken {
        Some(folder) if options.resume && options.epochs.is_none() => same_run(folder, recipe)?,
        _ => None,
    };
    let device = &options.device.device;
    let source = source_of(recipe, options)?;
    let images = source.content_sha256();
    check_images(recipe, options, images.as_deref())?;
    let channels = source.shape().channels;
    let decided = decided(recipe, channels, &options.decided);
    let recipe = match options.epochs {
        Some(epochs) => &with_epochs(recipe, source.epoch(), epochs)?,
        None => recipe,
    };
    if let (Some(folder), true, Some(_)) = (&taken, options.resume, options.epochs) {
        extension = same_run(folder, recipe)?;
    }
    let classes = recipe.anchors.conditions == Conditions::default() || has_classes(&recipe.source)?;
    // Of many runs whoever asked for them says it of all.
    let warm_up = all_warm_up(&recipe.train).filter(|_| options.tell);
    for told in without_effect_here(recipe, channels, classes).into_iter().chain(warm_up) {
        tracing::warn!("{told}");
    }
    let recipe = &recipe.of_images(channels);
    // A checkpoint replaces the weights that the run began with: their file need not be there any more.
    let newest = if options.resume { saver::newest(options.out)? } else { None };
    let mut begun = recipe.clone();
    if newest.is_some() {
        (begun.encoder.weights, begun.encoder.branch) = (None, None);
    }
    let mut trainer = Trainer::new(&begun, source, device)?;
    if recipe.train.steps > 0 {
        check_memory(&run_size(&trainer, recipe), options.device)?;
    }
    let Opened { folder, mut events, mut saver, last_loss } =
        open_run(recipe, options, (taken, newest, extension), &mut trainer, (&decided, images))?;
    let mut tensorboard = LiveTensorBoard::start(folder.path());
    let first_step = trainer.step;
    let started = Instant::now();
    let mut progress = Progress::going_on("pretraining", first_step, recipe.train.steps);
    let mut losses = Losses::new(last_loss);
    let mut timing = Some((StepTimes::default(), run_size(&trainer, recipe)));
    while trainer.step < recipe.train.steps && !options.stop.requested() {
        let step_started = Instant::now();
        let outcome = trainer.train_step()?;
        let first_features = (trainer.step == 1).then(|| Watched::first(&outcome, recipe));
        let watch_due = losses.push(outcome, trainer.step, recipe);
        if let Some((times, _)) = &mut timing {
            losses.wait(&trainer)?; // what does not fit on the device shows at once
            times.note(step_started.elapsed().as_secs_f64());
        }
        if let Some(measured) = first_features {
            let measured = measured.map_err(|source| PretrainError::Device { step: 1, source })?;
            events.append(&json!({ "event": FIRST_FEATURES, "step": 1, "features": measured }))?;
        }
        if let Some((times, size)) = timing.take_if(|(times, _)| times.enough())
            && let Some(forecast) = Forecast::new(&times, size, options.device)
        {
            tell_forecast(&forecast, trainer.step, options.tell.then_some(&progress), &mut events)?;
        }
        saver.poll(&mut events)?;
        let every = recipe.train.checkpoint_every;
        let checkpoint_due = (every > 0 && trainer.step.is_multiple_of(every)) || saver.is_due();
        let views_every = recipe.train.views_every;
        if views_every > 0 && trainer.step.is_multiple_of(views_every) {
            show_views(&mut trainer, recipe, &folder, &mut events)?;
        }
        if trainer.step.is_multiple_of(recipe.train.log_every) || checkpoint_due || watch_due {
            let read = losses.read(&mut trainer, recipe, &mut saver, &mut events);
            tensorboard.follow();
            read?;
            let rate = views_taken(recipe, trainer.step - first_step) / started.elapsed().as_secs_f64();
            let loss = losses.last().unwrap_or(f32::NAN);
            progress.update(trainer.step, &format!("loss {loss:.4}, {rate:.0} views/s"));
        } else {
            progress.step(trainer.step);
        }
        if checkpoint_due {
            saver.save(&trainer, recipe, losses.last(), &mut events)?;
        }
    }
    losses.read(&mut trainer, recipe, &mut saver, &mut events)?;
    tensorboard.follow();
    let seconds = started.elapsed().as_secs_f64();
    progress.finish();
    saver.save(&trainer, recipe, losses.last(), &mut events)?;
    saver.finish(&mut events)?;
    save_encoder(&trainer.learner.encoder, &folder.file("encoder.safetensors"))?;
    let taken = trainer.step - first_step;
    let mut summary = PretrainSummary {
        run: folder.path().to_owned(),
        steps: trainer.step,
        loss: losses.last(),
        views_per_second: if taken == 0 { 0.0 } else { views_taken(recipe, taken) / seconds },
        seconds,
        stages: trainer.clock.seconds,
        device: options.device.name.clone(),
        encoder_parameters: count_parameters(&trainer.learner.encoder),
        stopped: trainer.step < recipe.train.steps,
        said: Vec::new(),
    };
    if !summary.stopped {
        let log = EventReader::new(&folder.file("events.jsonl")).new_events()?;
        summary.said = verdict(&log, recipe);
        summary.said.iter().for_each(|said| tracing::warn!("{said}"));
    }
    folder.write_json("result.json", &summary)?;
    let event = if summary.stopped { "stopped" } else { "finished" };
    let mut ended = json!({ "event": event, "step": trainer.step, "seconds": seconds });
    if !summary.said.is_empty() {
        ended["said"] = json!(summary.said);
    }
    events.append(&ended)?;
    Ok(summary)
}

/// Logs a forecast made at `step`, tells it where `progress` is given, and warns of a run that takes very long.
fn tell_forecast(
    forecast: &Forecast,
    step: u64,
    progress: Option<&Progress>,
    events: &mut EventLog,
) -> Result<(), PretrainError> {
    if let Some(progress) = progress {
        progress.say(&forecast.in_words());
    }
    for warning in forecast.warnings(SHORTER) {
        tracing::warn!("{warning}");
    }
    let mut event = json!(forecast);
    event["event"] = json!("forecast");
    event["step"] = json!(step);
    Ok(events.append(&event)?)
}

/// A run folder, and where its run stands.
struct Opened {
    folder: RunFolder,
    events: EventLog,
    saver: Saver,
    /// The loss of the last step taken.
    last_loss: Option<f32>,
}

fn take_folder(recipe: &Recipe, options: &PretrainOptions<'_>) -> Result<RunFolder, PretrainError> {
    if !options.resume {
        return Ok(RunFolder::create(options.out)?);
    }
    let folder = RunFolder::resume(options.out)?;
    match changed_since(options.out, recipe) {
        Some(changed) => Err(RunFolderError::Changed { path: options.out.to_owned(), changed }.into()),
        None => Ok(folder),
    }
}

/// Checks that the images are those that the run began with, and those that the runs beside it learn from.
fn check_images(
    recipe: &Recipe,
    options: &PretrainOptions<'_>,
    images: Option<&str>,
) -> Result<(), PretrainError> {
    let (Some(now), Some(named)) = (images, recipe.source.read_from()) else { return Ok(()) };
    let run = options.out.to_owned();
    if let Some(changed) = other_images(options.out, named, now).filter(|_| options.resume) {
        return Err(RunFolderError::Changed { path: run, changed }.into());
    }
    match learnt_from_others(options.beside, &recipe.source, now) {
        Some((other, changed)) => Err(PretrainError::OtherImages { run, changed, other: other.to_owned() }),
        None => Ok(()),
    }
}

/// Checks that the run in `folder` is that of `recipe`, which may have more steps and save at other times.
fn same_run(folder: &RunFolder, recipe: &Recipe) -> Result<Option<Extension>, PretrainError> {
    const MINUTES: &str = "train.checkpoint_minutes";
    // Images may have moved: whether they are the same is asked of themselves.
    const FREE_IN_FILE: [&str; 4] = [MINUTES, "source.data", "source.shards", "probe.data"];
    let stored: Recipe = folder.config()?;
    let recipe = &recipe.with_paths_as_in(&stored);
    folder.check_same_config(&stored, recipe, [&FREE_IN_FILE, &["train.steps", MINUTES]])?;
    Extension::of(folder.path(), stored, recipe)
}

/// Takes the run folder, if it is not `folder` already, and puts the trainer where the run stands.
fn open_run(
    recipe: &Recipe,
    options: &PretrainOptions<'_>,
    (folder, newest, extension): (Option<RunFolder>, Option<Newest>, Option<Extension>),
    trainer: &mut Trainer,
    (decided, images): (&[String], Option<String>),
) -> Result<Opened, PretrainError> {
    let folder = folder.map_or_else(|| take_folder(recipe, options), Ok)?;
    if options.resume {
        if let Some((checkpoint, _)) = &newest {
            trainer.restore(checkpoint)?;
        }
        let restored = newest.as_ref().map(|(checkpoint, _)| checkpoint.step());
        let mut events = EventLog::reopen(&folder.file("events.jsonl"), trainer.step)?;
        let selfcheck = options.device.selfcheck;
        events.append(&json!({ "event": "resumed", "step": trainer.step, "selfcheck": selfcheck }))?;
        if let Some(extension) = extension {
            say(&extension.in_words(recipe, trainer.step));
            let mut extended = extension.event(recipe, trainer.step);
            extended[CONFIG] = json!(recipe.with_absolute_paths());
            events.append(&extended)?;
            folder.write_config(&recipe.with_absolute_paths())?;
        } else if options.tell && recipe.train.steps > 0 && trainer.step >= recipe.train.steps {
            say(&finished(folder.path(), recipe.train.steps));
        }
        let saver = Saver::new(folder.path(), &recipe.train, restored);
        return Ok(Opened { folder, events, saver, last_loss: newest.and_then(|(_, loss)| loss) });
    }
    let mut events = EventLog::create(&folder.file("events.jsonl"))?;
    folder.write_json("environment.json", &Environment::of(options.device))?;
    let selfcheck = options.device.selfcheck;
    let mut started = json!({ "event": "started", "step": 0, "seed": recipe.seed, "selfcheck": selfcheck });
    started[ViewFormat::EVENT_KEY] = json!(trainer.learner.encoder.view());
    if let Some(weights) = &trainer.learner.initial_weights {
        started["encoder_weights"] = json!(weights);
    }
    LearntFrom::of(&recipe.with_absolute_paths(), images).log(&mut started);
    if let left_out @ [_, ..] = &*trainer.views.source.left_out() {
        started["left_out"] = json!(left_out);
    }
    if let account @ [_, ..] = &*trainer.views.source.account() {
        started["data"] = json!(account);
    }
    if !decided.is_empty() {
        started["decided"] = json!(decided);
    }
    started[CONFIG] = json!(recipe.with_absolute_paths());
    events.append(&started)?;
    show_views(trainer, recipe, &folder, &mut events)?;
    // Last: a folder with a config.toml is a run that can be resumed.
    folder.write_config(&recipe.with_absolute_paths())?;
    let saver = Saver::new(folder.path(), &recipe.train, None);
    Ok(Opened { folder, events, saver, last_loss: None })
}

fn views_taken(recipe: &Recipe, steps: u64) -> f64 {
    steps as f64 * recipe.views_per_step() as f64
}
