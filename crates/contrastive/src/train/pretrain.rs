//! From a recipe to a trained encoder in a run folder.

use std::path::{Path, PathBuf};

use serde::Serialize;
use zview_encoder::save_encoder;
use zview_generator::Conditions;
use zview_network::count_parameters;
use zview_network::training::{TrainingError, newest_checkpoint};
use zview_runtime::device::ChosenDevice;
use zview_runtime::run_folder::{EventReader, no_folder};
use zview_runtime::stop::StopSignal;

use super::error::PretrainError;
use super::forecast::{check_memory, run_size};
use super::left_open::{as_begun, decided};
use super::length::{all_warm_up, with_epochs};
use super::opening::{begin, check_images, go_on, same_run, take_folder};
use super::pretraining::Pretraining;
use super::recipe::Recipe;
use super::stages::StageSeconds;
use super::trainer::{Trainer, source_of};
use super::verdict::verdict;
use super::without_effect::without_effect_here;
use crate::source::has_classes;

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
    let source = source_of(recipe, options.data_dir.clone(), device)?;
    let images = source.content_sha256();
    check_images(recipe, options, &images)?;
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
    let checkpoint = if options.resume { newest_checkpoint(options.out)? } else { None };
    let mut begun = recipe.clone();
    if checkpoint.is_some() {
        (begun.encoder.weights, begun.encoder.branch) = (None, None);
    }
    let mut trainer = Trainer::new(&begun, source, device)?;
    if recipe.train.steps > 0 {
        check_memory(&run_size(&trainer, recipe), options.device)?;
    }
    let folder = taken.map_or_else(|| take_folder(recipe, options), Ok)?;
    let mut run = if options.resume {
        go_on(folder, (recipe, options), (checkpoint.as_ref(), extension), &mut trainer)?
    } else {
        begin(folder, (recipe, options), (&decided, images), &mut trainer)?
    };
    let mut pretraining = Pretraining::new(trainer, recipe);
    let trained = run.train(&mut pretraining)?;
    let Trainer { learner, step, clock, .. } = &pretraining.trainer;
    let file = |name: &str| run.folder().file(name);
    save_encoder(&learner.encoder, &file("encoder.safetensors")).map_err(TrainingError::from)?;
    let mut summary = PretrainSummary {
        run: run.folder().path().to_owned(),
        steps: *step,
        loss: run.last_losses().next().map(|(_, loss)| loss),
        views_per_second: trained.per_second,
        seconds: trained.seconds,
        stages: clock.seconds,
        device: options.device.name.clone(),
        encoder_parameters: count_parameters(&learner.encoder),
        stopped: trained.stopped,
        said: Vec::new(),
    };
    if !summary.stopped {
        let log = EventReader::new(&file("events.jsonl")).new_events().map_err(TrainingError::from)?;
        summary.said = verdict(&log, recipe);
        summary.said.iter().for_each(|said| tracing::warn!("{said}"));
    }
    run.end((*step, &trained), &summary, &summary.said)?;
    Ok(summary)
}
