//! Opening a run folder: a new run, or one that goes on.

use serde_json::json;
use zview_encoder::ViewFormat;
use zview_network::checkpoint::{Checkpoint, Retention};
use zview_network::training::{Run, RunPlan, TrainingError};
use zview_runtime::progress::say;
use zview_runtime::run_folder::{CONFIG, ImagesSha256, LOSS, RunFolder, RunFolderError, other_images};

use super::error::PretrainError;
use super::forecast::SHORTER;
use super::learnt_from::{LearntFrom, changed_since, learnt_from_others};
use super::length::{Extension, finished};
use super::pretrain::PretrainOptions;
use super::recipe::Recipe;
use super::trainer::Trainer;
use super::view_picture::show_views;

/// What may keep a run from diverging.
const STEADIER: &str = "lower optimizer.lr, lengthen train.warmup_steps, or look at the views of that step";

/// What the loop needs to know of `recipe`.
pub(super) fn plan<'a>(recipe: &Recipe, options: &PretrainOptions<'a>) -> RunPlan<'a> {
    let train = &recipe.train;
    RunPlan {
        doing: "pretraining",
        losses: &[LOSS],
        per_step: (recipe.views_per_step(), "views"),
        seed: recipe.seed,
        steps: train.steps,
        log_every: train.log_every,
        checkpoint_every: train.checkpoint_every,
        checkpoint_minutes: train.checkpoint_minutes,
        retention: Retention { last: train.keep_checkpoints, best: train.keep_best },
        device: options.device,
        stop: options.stop,
        tell: options.tell,
        shorter: SHORTER,
        steadier: STEADIER,
    }
}

/// Locks the run folder, and checks that what a run that goes on learnt from is what there is.
pub(super) fn take_folder(
    recipe: &Recipe,
    options: &PretrainOptions<'_>,
) -> Result<RunFolder, TrainingError> {
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
pub(super) fn check_images(
    recipe: &Recipe,
    options: &PretrainOptions<'_>,
    images: &ImagesSha256,
) -> Result<(), PretrainError> {
    let Some(named) = recipe.source.read_from() else { return Ok(()) };
    let run = options.out.to_owned();
    if let Some(changed) = other_images(options.out, named, images).filter(|_| options.resume) {
        return Err(TrainingError::from(RunFolderError::Changed { path: run, changed }).into());
    }
    match learnt_from_others(options.beside, &recipe.source, images) {
        Some((other, changed)) => Err(PretrainError::OtherImages { run, changed, other: other.to_owned() }),
        None => Ok(()),
    }
}

/// Checks that the run in `folder` is that of `recipe`, which may have more steps and save at other times.
pub(super) fn same_run(folder: &RunFolder, recipe: &Recipe) -> Result<Option<Extension>, PretrainError> {
    const MINUTES: &str = "train.checkpoint_minutes";
    // Images may have moved: whether they are the same is asked of themselves.
    const FREE_IN_FILE: [&str; 4] = [MINUTES, "source.data", "source.shards", "probe.data"];
    let stored: Recipe = folder.config().map_err(TrainingError::from)?;
    let recipe = &recipe.with_paths_as_in(&stored);
    let free: [&[&str]; 2] = [&FREE_IN_FILE, &["train.steps", MINUTES]];
    folder.check_same_config(&stored, recipe, free).map_err(TrainingError::from)?;
    Extension::of(folder.path(), stored, recipe)
}

/// The run in `folder` from `checkpoint` on, where `trainer` is put.
pub(super) fn go_on<'a>(
    folder: RunFolder,
    (recipe, options): (&Recipe, &PretrainOptions<'a>),
    (checkpoint, extension): (Option<&Checkpoint>, Option<Extension>),
    trainer: &mut Trainer,
) -> Result<Run<'a>, TrainingError> {
    if let Some(checkpoint) = checkpoint {
        trainer.restore(checkpoint)?;
    }
    let mut run = Run::resume(folder, plan(recipe, options), checkpoint)?;
    if let Some(extension) = extension {
        say(&extension.in_words(recipe, trainer.step));
        let mut extended = extension.event(recipe, trainer.step);
        extended[CONFIG] = json!(recipe.with_absolute_paths());
        run.append(&extended)?;
        run.folder().write_config(&recipe.with_absolute_paths())?;
    } else if options.tell && recipe.train.steps > 0 && trainer.step >= recipe.train.steps {
        say(&finished(run.folder().path(), recipe.train.steps));
    }
    Ok(run)
}

/// A new run in `folder`, with what was `decided` for the user and the SHA-256 of its `images`.
pub(super) fn begin<'a>(
    folder: RunFolder,
    (recipe, options): (&Recipe, &PretrainOptions<'a>),
    (decided, images): (&[String], ImagesSha256),
    trainer: &mut Trainer,
) -> Result<Run<'a>, PretrainError> {
    let mut started = json!({});
    started[ViewFormat::EVENT_KEY] = json!(trainer.learner.encoder.view());
    if let Some(weights) = &trainer.learner.initial_weights {
        started["encoder_weights"] = json!(weights);
    }
    LearntFrom::of(&recipe.with_absolute_paths(), images).log(&mut started);
    let source = &trainer.views.source;
    let said = [("left_out", source.left_out()), ("data", source.account()), ("decided", decided.to_vec())];
    for (key, said) in said.into_iter().filter(|(_, said)| !said.is_empty()) {
        started[key] = json!(said);
    }
    started[CONFIG] = json!(recipe.with_absolute_paths());
    let mut run = Run::begin(folder, plan(recipe, options), started)?;
    show_views(trainer, recipe, &mut run)?;
    // Last: a folder with a config.toml is a run that can be resumed.
    run.folder().write_config(&recipe.with_absolute_paths()).map_err(TrainingError::from)?;
    Ok(run)
}
