//! `zview pretrain`: train an encoder from a recipe.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use zview_contrastive::train::{PretrainOptions, PretrainSummary, Recipe, pretrain};
use zview_runtime::device::choose;
use zview_runtime::stop::{EXIT_STOPPED, StopSignal};

use crate::arguments::Common;
use crate::failure::Failure;
use crate::output;

/// What to train.
#[derive(Debug, Args)]
pub struct PretrainArguments {
    /// Recipe, such as configs/mnist-real.toml.
    config: PathBuf,
    /// Change a value of the recipe, such as train.steps=100; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Run folder; `runs/<recipe>-seed<seed>` where it is not given.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Continue the run in the run folder from its newest intact checkpoint.
    #[arg(long)]
    resume: bool,
}

pub fn run(arguments: &PretrainArguments, common: &Common) -> Result<ExitCode, Failure> {
    let recipe = Recipe::load(&arguments.config, &arguments.overrides)?;
    let out = arguments.out.clone().unwrap_or_else(|| {
        let name = arguments.config.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        PathBuf::from("runs").join(format!("{name}-seed{}", recipe.seed))
    });
    let device = choose(common.device)?;
    let stop = StopSignal::listen();
    let options = PretrainOptions {
        out: &out,
        resume: arguments.resume,
        device: &device,
        data_dir: common.data_dir.clone(),
        stop: &stop,
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
