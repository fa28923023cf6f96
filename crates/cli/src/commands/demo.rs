//! `zview demo`: the main job on built-in data, and a page about it. It is the comparison `studies/demo`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use zview_runtime::config::take_silently;
use zview_runtime::device::choose;
use zview_runtime::stop::StopSignal;

use super::compare::{CompareArguments, cell_options, run_checked, say};
use crate::arguments::Common;
use crate::failure::Failure;

/// The comparison, which is compiled in.
const COMPARISON: &str = "studies/demo";
/// The recipe of its arms.
const RECIPE: &str = "demo";

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
    [COMPARISON, RECIPE].into_iter().for_each(take_silently);
    let comparison = CompareArguments::all_of(COMPARISON.into(), arguments.changes(), arguments.out.clone());
    run_checked(&comparison, common, |study| {
        let device = choose(common.device)?;
        study.refuse_other_shapes(&cell_options(&device, common, &StopSignal::listen()))?;
        say(&format!("computing on {} ({})", device.name, device.reason));
        Ok(())
    })
}

impl DemoArguments {
    /// What the options change in the comparison.
    fn changes(&self) -> Vec<String> {
        let mut changes = self.overrides.clone();
        // How arms are judged is the comparison's to say.
        let pool = |change: &String| {
            let (key, pool) = change.split_once('=')?;
            (key.trim() == "probe.train_pool").then(|| format!("evaluation.train_pool={pool}"))
        };
        changes.extend(self.overrides.iter().filter_map(pool));
        changes.extend(self.seed.map(|seed| format!("seeds=[{seed}]")));
        let quoted = |text: &String| serde_json::Value::from(text.as_str()).to_string();
        if let Some(data) = self.data.as_ref().map(quoted) {
            changes.extend([
                format!("data=[{data}]"),
                format!("source.data={data}"),
                format!("probe.data={data}"),
            ]);
        }
        changes.extend(self.generator.as_ref().map(|name| format!("source.generator={}", quoted(name))));
        changes.extend(self.weights.as_ref().map(|file| format!("source.weights={}", quoted(file))));
        changes
    }
}
