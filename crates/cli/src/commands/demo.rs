//! `zview demo`: the main job on built-in data, and a page about it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use zview_runtime::device::choose;
use zview_runtime::stop::{EXIT_STOPPED, StopSignal};
use zview_selfcheck::Subject;
use zview_study::demo::{DemoConfig, DemoOutcome, DemoSummary, RECIPE_NAME, embedded_recipe, run_demo};
use zview_study::table;

use super::compared::compared;
use crate::arguments::Common;
use crate::failure::Failure;
use crate::output;
use crate::output_folder::check_output_folder;

/// What to compare. Finished arms of the same configuration in the folder are kept.
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Folder of the arms' run folders and of report.html.
    #[arg(long, value_name = "DIR", default_value = "runs/demo")]
    out: PathBuf,
    /// Seed of everything.
    #[arg(long)]
    seed: Option<u64>,
    /// Name or path of other labelled images than the built-in ones.
    #[arg(long)]
    data: Option<String>,
    /// Manifest, its folder, or its name, of another generator than the built-in one.
    #[arg(long)]
    generator: Option<String>,
    /// Weights file, where it is not the manifest's.
    #[arg(long)]
    weights: Option<String>,
    /// Change a value of the recipe, such as train.steps=1000; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
}

pub fn run(arguments: &DemoArguments, common: &Common) -> Result<ExitCode, Failure> {
    let mut recipe = embedded_recipe(&arguments.overrides)?;
    if let Some(seed) = arguments.seed {
        recipe.seed = seed;
    }
    if let (Some(data), Some(probe)) = (&arguments.data, &mut recipe.probe) {
        probe.data.clone_from(data);
    }
    if let Some(generator) = &arguments.generator {
        recipe.source.generator = Some(generator.clone());
    }
    if let Some(weights) = &arguments.weights {
        recipe.source.weights = Some(weights.clone());
    }
    recipe.validate(Path::new(RECIPE_NAME))?;
    let begun =
        |arm: std::fs::DirEntry| arm.path().join("lock").exists() || arm.path().join("config.toml").exists();
    let is_demo = std::fs::read_dir(&arguments.out).is_ok_and(|arms| arms.flatten().any(begun));
    if !is_demo {
        check_output_folder("--out", &arguments.out, None)?;
    }
    // The arms differ in where views come from, and the one of the recipe renders them.
    let subject = Subject::Recipe { recipe: &recipe, data_dir: common.data_dir.as_deref() };
    let device = compared(choose(common.device)?, &subject, common)?;
    let config = DemoConfig {
        recipe,
        out: arguments.out.clone(),
        data_dir: common.data_dir.clone(),
        command: std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect(),
    };
    let say = |what: &str| {
        let _ = writeln!(std::io::stderr(), "{what}"); // a closed stderr must not end the work
    };
    say(&format!("computing on {} ({})", device.name, device.reason));
    match run_demo(&config, &device, &StopSignal::listen(), &say)? {
        DemoOutcome::Finished(summary) => {
            output::result(common.json, &*summary, in_words)?;
            Ok(ExitCode::SUCCESS)
        }
        DemoOutcome::Stopped { out, finished } => {
            let stopped = json!({ "stopped": true, "out": out, "finished": finished });
            output::result(common.json, &stopped, |_| {
                format!("stopped and saved in {}; the same command continues", out.display())
            })?;
            Ok(ExitCode::from(EXIT_STOPPED as u8))
        }
    }
}

fn in_words(summary: &DemoSummary) -> String {
    format!(
        "{}\n{}\n\nreport: {} (seed {}, {:.0} s on {})",
        table::in_words(&summary.comparison),
        summary.answer,
        summary.report.display(),
        summary.comparison.seed,
        summary.seconds,
        summary.device
    )
}
