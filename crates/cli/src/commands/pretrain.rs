//! `zview pretrain`: train an encoder from a recipe, or from images or a generator for which one is made.

use std::process::ExitCode;

use zview_contrastive::selfcheck::Subject;
use zview_contrastive::train::automatic::Choice;
use zview_contrastive::train::{PretrainOptions, PretrainSummary, pretrain};
use zview_runtime::device::choose;
use zview_runtime::stop::{EXIT_STOPPED, StopSignal};

use super::compared::compared;
use super::named::{Taken, made_for, recipe_file, recipe_of_run};
use crate::arguments::{Common, RunArguments};
use crate::failure::Failure;
use crate::output;

pub fn run(arguments: &RunArguments, common: &Common) -> Result<ExitCode, Failure> {
    let begun = arguments.begun().map(|run| recipe_of_run(&run, &arguments.overrides)).transpose()?.flatten();
    let read = match begun {
        None => recipe_file(&arguments.config, &arguments.overrides)?,
        begun => begun,
    };
    let device = choose(common.device)?;
    let taken = match read {
        Some(read) => read,
        None => made_for(&arguments.config, &arguments.overrides, &device, common.data_dir.clone())?,
    };
    let Taken { recipe, choices } = taken;
    let out = arguments.out(recipe.seed);
    let subject = Subject::Recipe { recipe: &recipe, data_dir: common.data_dir.as_deref() };
    recipe.train.precision.check(&device)?;
    let device = compared(device, &subject, common)?;
    let stop = StopSignal::listen();
    let options = PretrainOptions {
        out: &out,
        resume: arguments.resume,
        device: &device,
        data_dir: common.data_dir.clone(),
        stop: &stop,
        decided: choices
            .iter()
            .map(|Choice { key, value, reason }| format!("{key} = {value}: {reason}"))
            .collect(),
    };
    let summary = pretrain(&recipe, &options)?;
    output::result(common.json, &summary, in_words)?;
    Ok(if summary.stopped { ExitCode::from(EXIT_STOPPED as u8) } else { ExitCode::SUCCESS })
}

fn in_words(summary: &PretrainSummary) -> String {
    let ended = if summary.stopped { "stopped and saved (continue with --resume)" } else { "done" };
    let loss = summary.loss.map_or_else(String::new, |loss| format!(", loss {loss:.4}"));
    format!(
        "{ended}: {} steps{loss} in {:.1} s, {:.0} views/s on {}\n{}",
        summary.steps,
        summary.seconds,
        summary.views_per_second,
        summary.device,
        summary.run.display()
    )
}
