//! `zview selfcheck`: does the device compute what the CPU computes?

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use zview_contrastive::train::Recipe;
use zview_runtime::device::choose;
use zview_selfcheck::{Check, SelfCheck, selfcheck};

use crate::arguments::Common;
use crate::failure::Failure;
use crate::file_kinds::{Wanted, refuse_other_kind};
use crate::output;

/// The demo's recipe.
const DEMO: &str = include_str!("../../../../configs/demo.toml");

/// What to compare. Exit code 3 where something differs, 2 where the device is the CPU itself.
#[derive(Debug, Args)]
pub struct SelfcheckArguments {
    /// Recipe whose training step is compared; the demo's where none is given.
    config: Option<PathBuf>,
    /// Change a value of the recipe, such as encoder.width=4; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
}

pub fn run(arguments: &SelfcheckArguments, common: &Common) -> Result<(), Failure> {
    let recipe = match &arguments.config {
        Some(path) => {
            refuse_other_kind(path, Wanted::Recipe)?;
            Recipe::load(path, &arguments.overrides)?
        }
        None => {
            let name = Path::new("configs/demo.toml (built in)");
            Recipe::parse_in_layers(name, DEMO, &[], &[&arguments.overrides])?
        }
    };
    let device = choose(common.device)?;
    if device.is_gpu() {
        recipe.train.precision.check(&device)?;
    }
    let result = selfcheck(&recipe, &device, common.data_dir.clone(), common.plant_fault.as_deref())?;
    output::result(common.json, &result, in_words)?;
    verdict(&result)
}

fn verdict(result: &SelfCheck) -> Result<(), Failure> {
    if result.holds { Ok(()) } else { Err(Failure::check(complaint(result))) }
}

fn in_words(result: &SelfCheck) -> String {
    let width = result.checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    let mut text = format!("{:width$}  {:>7}  {:>7}         worst part\n", "compared", "error", "allowed");
    for Check { name, what, error, tolerance, holds, .. } in &result.checks {
        let verdict = if *holds { "ok" } else { "WRONG" };
        let _ = writeln!(text, "{name:width$}  {error:>7.1e}  {tolerance:>7.0e}  {verdict:<5}  {what}");
    }
    let wrong = result.checks.iter().filter(|check| !check.holds).count();
    let total = result.checks.len();
    let _ = match wrong {
        0 => writeln!(
            text,
            "\n{} ({}) agrees with the CPU in all {total} checks",
            result.device, result.request
        ),
        _ => writeln!(
            text,
            "\n{} ({}) computes WRONGLY: {wrong} of {total} checks do not hold",
            result.device, result.request
        ),
    };
    text
}

/// What a device that does not agree is told to be, and what to do.
pub fn complaint(result: &SelfCheck) -> String {
    let mut text = format!("{} ({}) cannot be trusted", result.device, result.request);
    let wrong = || result.checks.iter().filter(|check| !check.holds);
    for check in wrong() {
        let _ = write!(text, "\n  - {}", check.complaint());
    }
    if let Some(remedy) = wrong().find_map(|check| check.remedy) {
        let _ = write!(text, "\n{remedy}");
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::process::ExitCode;

    use zview_runtime::device::cpu;
    use zview_selfcheck::{Operation, check_operations, operations};

    use super::*;

    /// The CPU as a device whose convolution 1x1 errs by `factor`.
    fn device_with(factor: f32) -> SelfCheck {
        let chosen = cpu("for a test");
        let plant = |operation: Operation| {
            let faulty = operation.name == "conv2d 1x1, stride 1";
            if faulty { operation.with_fault(move |x| x * factor) } else { operation }
        };
        let faulty: Vec<Operation> = operations().into_iter().map(plant).collect();
        let device = &chosen.device;
        let checks = check_operations(&operations(), &faulty, device, device, |_| ()).unwrap();
        SelfCheck::new(&chosen, checks)
    }

    #[test]
    fn a_planted_fault_ends_with_3_and_names_operation_error_tolerance_and_remedy() {
        let result = device_with(1.01);
        let text = in_words(&result);
        let marked: Vec<&str> = text.lines().filter(|line| line.contains("  WRONG  ")).collect();
        assert!(marked.len() == 1 && marked[0].starts_with("conv2d 1x1, stride 1"), "{text}");
        let count = operations().len();
        assert!(text.trim_end().ends_with(&format!("1 of {count} checks do not hold")), "{text}");
        let message = complaint(&result);
        let plain = zview_runtime::optional_shader_features().is_empty();
        let by_build = if plain { "fusion nor autotune" } else { "rebuild without" };
        for words in ["conv2d 1x1, stride 1", "1.0e-2", "1e-5", "--device cpu", by_build] {
            assert!(message.contains(words), "{words}: {message}");
        }
        assert_eq!(verdict(&result).unwrap_err().report(), ExitCode::from(3));
    }

    #[test]
    fn a_device_without_fault_passes() {
        let result = device_with(1.0);
        assert!(verdict(&result).is_ok());
        let count = operations().len();
        assert!(in_words(&result).contains(&format!("agrees with the CPU in all {count} checks")));
    }
}
