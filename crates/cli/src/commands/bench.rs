//! `zview bench`: where a training step's time goes.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use zview_contrastive::train::{
    KernelLaunches, Recipe, Stage, StageProfile, StepProfile, Trainer, profile_step,
};
use zview_runtime::device::{MemoryUse, choose};
use zview_selfcheck::Workload;

use super::device_check::checked;
use crate::arguments::Common;
use crate::commands::warm::warm;
use crate::failure::Failure;
use crate::file_kinds::{Wanted, refuse_other_kind};
use crate::output;

/// What to measure.
#[derive(Debug, Args)]
pub struct BenchArguments {
    /// Recipe whose step is measured.
    config: PathBuf,
    /// Change a value of the recipe; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Steps that are measured: as many for the rate, and again as many for the stages.
    #[arg(long, default_value_t = 20)]
    steps: u64,
    /// Steps before them that are not.
    #[arg(long, default_value_t = 3)]
    warmup: u64,
    /// Measure no step: take steps until the autotune cache holds all that the recipe's shapes need.
    #[arg(long, conflicts_with_all = ["steps", "warmup"])]
    warm: bool,
}

/// How many kernels are named in words; the JSON names all.
const SHOWN_KERNELS: usize = 4;

#[derive(Serialize)]
struct Measured {
    device: String,
    /// The adapter's driver and version; `None` for the CPU.
    driver: Option<String>,
    steps: u64,
    views_per_step: usize,
    views_per_second: f64,
    /// Share of a step that views and augmentation take.
    input_share: f64,
    #[serde(flatten)]
    profile: StepProfile,
}

pub fn run(arguments: &BenchArguments, common: &Common) -> Result<(), Failure> {
    refuse_other_kind(&arguments.config, Wanted::Recipe)?;
    let recipe = Recipe::load(&arguments.config, &arguments.overrides)?;
    let device = choose(common.device)?;
    recipe.train.precision.check(&device)?;
    let workload = Workload::Recipe { recipe: &recipe, data_dir: common.data_dir.as_deref() };
    let device = checked(device, &workload, common)?;
    let mut trainer = Trainer::open(&recipe, common.data_dir.clone(), &device.device)?;
    if arguments.warm {
        return warm(&mut trainer, &device, common.json);
    }
    let steps = arguments.steps.max(1);
    let profile = profile_step(&mut trainer, &device, arguments.warmup, steps)?;
    let views_per_step = recipe.views_per_step();
    let measured = Measured {
        device: device.name,
        driver: device.adapter.map(|adapter| adapter.driver),
        steps,
        views_per_step,
        views_per_second: views_per_step as f64 / profile.seconds_per_step,
        input_share: profile.input_share(),
        profile,
    };
    output::result(common.json, &measured, in_words)
}

fn in_words(measured: &Measured) -> String {
    let StepProfile { seconds_per_step, profile, step, peak, memory_before, memory_after, .. } =
        &measured.profile;
    let mut text = format!(
        "{:.0} views/s on {}: {:.1} ms per step of {} views ({} steps)\n\n",
        measured.views_per_second,
        measured.device,
        1e3 * seconds_per_step,
        measured.views_per_step,
        measured.steps,
    );
    let _ = writeln!(
        text,
        "{:<9}{:>10}{:>10}{:>10}{:>10}{:>12}{:>12}{:>9}",
        "stage", "ms", "floor ms", "GFLOP", "GB", "arithmetic", "bandwidth", "kernels"
    );
    for stage in Stage::ALL {
        text += &row(stage.name(), profile.at(stage));
    }
    text += &row("step", step);
    let _ = write!(
        text,
        "\nMeasured at most: {:.1} GFLOP/s (f32 product of side {}), {:.1} GB/s (in place over {} MiB).\n\
         Stages wait for the device one by one; the step does not. Views and augmentation: {:.1} %.\n",
        peak.operations_per_second / 1e9,
        peak.matrix_side,
        peak.bytes_per_second / 1e9,
        peak.bandwidth_bytes >> 20,
        100.0 * measured.input_share,
    );
    if let Some(waiting) = measured.profile.waiting_share {
        let _ = writeln!(text, "Waiting for views to be read: {:.2} %.", 100.0 * waiting);
    }
    text += &memory(memory_before, memory_after, 2 * measured.steps);
    text + &most_frequent(&measured.profile.kernels)
}

/// The kernels that are launched most, where any are.
fn most_frequent(kernels: &[KernelLaunches]) -> String {
    let named = |KernelLaunches { name, per_step }: &KernelLaunches| format!("{name} {per_step:.0}");
    let named: Vec<String> = kernels.iter().take(SHOWN_KERNELS).map(named).collect();
    if named.is_empty() { String::new() } else { format!("Kernels per step: {}.\n", named.join(", ")) }
}

/// One line of at most 100 characters.
fn row(name: &str, profile: &StageProfile) -> String {
    let kernels = profile.kernels.map_or_else(|| "-".to_owned(), |kernels| format!("{kernels:.0}"));
    format!(
        "{name:<9}{:>10.2}{:>10.2}{:>10.2}{:>10.3}{:>10.1} %{:>10.1} %{kernels:>9}\n",
        profile.milliseconds,
        profile.floor_milliseconds,
        profile.operations as f64 / 1e9,
        profile.bytes as f64 / 1e9,
        100.0 * profile.arithmetic_share,
        100.0 * profile.bandwidth_share,
    )
}

fn memory(before: &MemoryUse, after: &MemoryUse, steps: u64) -> String {
    let change = |what: &str, before: Option<u64>, after: Option<u64>| {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let (before, after) = (before?, after?);
        Some(format!("{what} {:.1} -> {:.1} MiB", mib(before), mib(after)))
    };
    let parts = [
        change("device", before.device_in_use, after.device_in_use),
        change("reserved there", before.device_reserved, after.device_reserved),
        change("process", before.resident, after.resident),
    ];
    let known: Vec<String> = parts.into_iter().flatten().collect();
    if known.is_empty() {
        return String::new();
    }
    format!("Memory over {steps} steps: {}.\n", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_fit_100_columns_and_say_what_was_measured() {
        let profile = StageProfile {
            milliseconds: 12_345.678,
            floor_milliseconds: 2_345.678,
            arithmetic_share: 0.256,
            bandwidth_share: 1.019,
            kernels: Some(1118.0),
            ..StageProfile::default()
        };
        let line = row("backward", &profile);
        assert!(line.trim_end().chars().count() <= 100, "{line}");
        for words in ["backward", "12345.68", "2345.68", "25.6 %", "101.9 %", "1118"] {
            assert!(line.contains(words), "{words}: {line}");
        }
        assert!(row("views", &StageProfile { kernels: None, ..profile }).ends_with(" -\n"));
    }

    #[test]
    fn growth_of_memory_shows_and_what_is_not_known_is_left_out() {
        let before = MemoryUse { resident: Some(100 << 20), ..MemoryUse::default() };
        let after = MemoryUse { resident: Some(160 << 20), ..MemoryUse::default() };
        assert_eq!(memory(&before, &after, 40), "Memory over 40 steps: process 100.0 -> 160.0 MiB.\n");
        assert_eq!(memory(&MemoryUse::default(), &MemoryUse::default(), 40), "");
    }
}
