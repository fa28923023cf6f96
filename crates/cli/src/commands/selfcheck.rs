//! `zview selfcheck`: does the device compute what the CPU computes?

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use zview_contrastive::selfcheck::{SelfCheck, selfcheck};
use zview_contrastive::train::Recipe;
use zview_runtime::device::choose;
use zview_study::demo::{RECIPE_NAME, embedded_recipe};

use crate::arguments::Common;
use crate::failure::Failure;
use crate::output;

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
        Some(path) => Recipe::load(path, &arguments.overrides)?,
        None => {
            let recipe = embedded_recipe(&arguments.overrides)?;
            recipe.validate(Path::new(RECIPE_NAME))?;
            recipe
        }
    };
    let device = choose(common.device)?;
    let result = selfcheck(&recipe, &device, common.data_dir.clone())?;
    output::result(common.json, &result, in_words)?;
    if result.holds { Ok(()) } else { Err(Failure::check(complaint(&result))) }
}

fn in_words(result: &SelfCheck) -> String {
    let width = |text: fn(&zview_contrastive::selfcheck::Check) -> &str| {
        result.checks.iter().map(|check| text(check).len()).max().unwrap_or(0)
    };
    let (name_width, what_width) = (width(|check| &check.name), width(|check| &check.what));
    let mut text =
        format!("{:name_width$}  {:>9}  {:>9}         worst part\n", "compared", "error", "allowed");
    for check in &result.checks {
        let verdict = if check.holds { "ok" } else { "WRONG" };
        let _ = writeln!(
            text,
            "{:name_width$}  {:>9.1e}  {:>9.0e}  {verdict:<5}  {:.what_width$}",
            check.name, check.error, check.tolerance, check.what
        );
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

fn complaint(result: &SelfCheck) -> String {
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
