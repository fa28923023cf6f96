//! `zview pretrain`: train an encoder from a recipe, or from images or a generator for which one is made.

use std::process::ExitCode;

use clap::Args;
use zview_contrastive::train::Recipe;
use zview_contrastive::train::automatic::Choice;
use zview_contrastive::train::{PretrainOptions, PretrainSummary, forecast, pretrain};
use zview_data::find_data;
use zview_runtime::device::choose;
use zview_runtime::forecast::Forecast;
use zview_runtime::stop::{EXIT_STOPPED, StopSignal};
use zview_runtime::words::counted;
use zview_selfcheck::Workload;

use super::device_check::checked;
use super::named::{Named, Taken, made_for, recipe_file, recipe_of_run};
use crate::arguments::{Common, RunArguments};
use crate::failure::Failure;
use crate::file_kinds::{Wanted, refuse_other_kind};
use crate::output;

/// What to train, and how long.
#[derive(Debug, Args)]
pub struct PretrainArguments {
    #[command(flatten)]
    run: RunArguments,
    /// Optimizer steps, instead of the recipe's; with --resume more of them extend a run, a finished one too.
    #[arg(long, value_name = "N", conflicts_with = "epochs")]
    steps: Option<u64>,
    /// As many steps as see every image or anchor N times; generated anchors without `anchors.unique` have no end.
    #[arg(long, value_name = "N")]
    epochs: Option<f64>,
    /// Only say what the run would take: its first steps are timed, and nothing is written.
    #[arg(long, conflicts_with = "resume")]
    forecast: bool,
}

pub fn run(arguments: &PretrainArguments, common: &Common) -> Result<ExitCode, Failure> {
    refuse_two_lengths(arguments)?;
    let mut overrides = arguments.run.overrides.clone();
    overrides.extend(arguments.steps.map(|steps| format!("train.steps={steps}")));
    if Named::of(&arguments.run.config) != Named::Generator {
        refuse_other_kind(&arguments.run.config, Wanted::Recipe)?;
    }
    let given = &arguments.run.config;
    let begun =
        arguments.run.begun().map(|run| recipe_of_run(given, &run, &overrides)).transpose()?.flatten();
    let read = match begun {
        None => recipe_file(&arguments.run.config, &overrides)?,
        begun => begun,
    };
    let device = choose(common.device)?;
    let taken = match read {
        Some(read) => read,
        None => made_for(&arguments.run.config, &overrides, &device, common.data_dir.clone())?,
    };
    let Taken { recipe, choices } = taken;
    check_probe_data(&recipe, &overrides, common)?;
    let out = arguments.run.out(recipe.seed);
    let workload = Workload::Recipe { recipe: &recipe, data_dir: common.data_dir.as_deref() };
    recipe.train.precision.check(&device)?;
    let device = checked(device, &workload, common)?;
    let stop = StopSignal::listen();
    let options = PretrainOptions {
        out: &out,
        resume: arguments.run.resume,
        device: &device,
        data_dir: common.data_dir.clone(),
        stop: &stop,
        decided: choices
            .iter()
            .map(|Choice { key, value, reason }| format!("{key} = {value}: {reason}"))
            .collect(),
        epochs: arguments.epochs,
        beside: &[],
        tell: true,
    };
    if arguments.forecast {
        let Some(forecast) = forecast(&recipe, &options)? else {
            return Err(Failure::usage("--forecast: a run of fewer than two steps has nothing to forecast"));
        };
        output::result(common.json, &forecast, Forecast::in_words)?;
        return Ok(ExitCode::SUCCESS);
    }
    let summary = pretrain(&recipe, &options)?;
    output::result(common.json, &summary, in_words)?;
    Ok(if summary.stopped { ExitCode::from(EXIT_STOPPED as u8) } else { ExitCode::SUCCESS })
}

/// Looks for the images that the run is to be probed on: no step reads them.
fn check_probe_data(recipe: &Recipe, overrides: &[String], common: &Common) -> Result<(), Failure> {
    const KEY: &str = "probe.data";
    let Some(probe) = &recipe.probe else { return Ok(()) };
    let Err(error) = find_data(&probe.data, common.data_dir.as_deref()) else { return Ok(()) };
    if overrides.iter().any(|change| change.trim_start().starts_with(KEY)) {
        return Err(Failure::usage(format!("--set {KEY}={}: {error}", probe.data)));
    }
    tracing::warn!("{KEY}: {error}; the run does not need them, `zview probe` takes others with --data");
    Ok(())
}

/// Refuses a length that is said twice.
fn refuse_two_lengths(arguments: &PretrainArguments) -> Result<(), Failure> {
    let steps = arguments.steps.map(|steps| format!("--steps {steps}"));
    let option = steps.or(arguments.epochs.map(|epochs| format!("--epochs {epochs}")));
    let set = arguments
        .run
        .overrides
        .iter()
        .find(|change| change.split_once('=').is_some_and(|(key, _)| key.trim() == "train.steps"));
    match (option, set) {
        (Some(option), Some(set)) => Err(Failure::usage(format!(
            "{option} and --set {set}: both say how long the run is; leave one of them out"
        ))),
        _ => Ok(()),
    }
}

fn in_words(summary: &PretrainSummary) -> String {
    let ended = if summary.stopped { "stopped and saved (continue with --resume)" } else { "done" };
    let loss = summary.loss.map_or_else(String::new, |loss| format!(", loss {loss:.4}"));
    format!(
        "{ended}: {}{loss} in {:.1} s, {:.0} views/s on {}\n{}",
        counted(summary.steps as usize, "step"),
        summary.seconds,
        summary.views_per_second,
        summary.device,
        summary.run.display()
    )
}
