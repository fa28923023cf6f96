//! `zview compare`: arms x seeds at equal updates, on the same test images.

mod cell_command;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use serde_json::json;
use zview_experiment::ExperimentError;
use zview_experiment::commands::command_line;
use zview_experiment::comparison::{
    FailedCell, Spread, Study, StudyCell, collect, comparison_page, in_markdown, in_words,
};
use zview_experiment::grid::{self, Cell, CellOptions, CellOutcome, Key, Plan};
use zview_runtime::atomic::write_file;
use zview_runtime::cache_folder;
use zview_runtime::device::{ChosenDevice, choose};
use zview_runtime::stop::{EXIT_STOPPED, StopSignal};
use zview_selfcheck::Workload;

use self::cell_command::cell_command;
use super::device_check::checked;
use crate::arguments::Common;
use crate::failure::Failure;
use crate::file_kinds::{Wanted, refuse_other_kind};
use crate::output;
use crate::output_folder::check_output_folder;

/// What to compare.
#[derive(Debug, Args)]
pub struct CompareArguments {
    /// Comparison: a TOML file, or the name of one that comes with zview (`zview recipe list`).
    config: PathBuf,
    /// Change a value of it, such as `seeds=[0]`, or of every arm's recipe, such as train.steps=100; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Folder of all runs; `runs/<config>` where it is not given. Finished cells in it are kept.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Only say what there is to do and how long it takes, by finished cells or a few timed steps of each arm.
    #[arg(long, conflicts_with_all = ["cell", "collect"])]
    plan: bool,
    /// With --plan: time nothing, only read what is there (where the device is another machine's).
    #[arg(long, requires = "plan")]
    untimed: bool,
    /// With --plan: how differences spread over seeds and test images in an earlier study, its comparison.json; by finished
    /// cells where it is not given.
    #[arg(long, requires = "plan", value_name = "FILE.json")]
    spread_of: Option<PathBuf>,
    /// Only run this cell (for batch schedulers).
    #[arg(long, value_name = "K", conflicts_with = "collect")]
    cell: Option<usize>,
    /// Only make the table of the cells that are there.
    #[arg(long)]
    collect: bool,
    /// Take encoders that another comparison trained by exactly the same recipe and seed: its folder, or a folder of
    /// such folders; may be repeated.
    #[arg(long, value_name = "DIR")]
    reuse: Vec<PathBuf>,
    /// Cells at once, each in a process of its own.
    #[arg(long, default_value_t = 1, value_name = "N")]
    jobs: usize,
    /// Stop, saved, when stdin ends: whoever started this process and holds the other end is gone or wants it to end.
    #[arg(long, requires = "cell", hide = true)]
    until_stdin_ends: bool,
}

/// What the folder of a comparison has, begun or done.
const OF_A_COMPARISON: [&str; 3] = ["cells", "pace.json", "comparison.json"];

impl CompareArguments {
    /// All of the comparison `config` in the folder `out`, whose cost nobody asks for before.
    pub fn all_of(config: PathBuf, overrides: Vec<String>, out: PathBuf) -> Self {
        Self {
            config,
            overrides,
            out: Some(out),
            plan: false,
            untimed: true,
            spread_of: None,
            cell: None,
            collect: false,
            reuse: Vec::new(),
            jobs: 1,
            until_stdin_ends: false,
        }
    }
}

pub fn run(arguments: &CompareArguments, common: &Common) -> Result<ExitCode, Failure> {
    run_checked(arguments, common, |_| Ok(()))
}

/// As [`run`]; `check` looks at the comparison before anything is computed.
pub fn run_checked(
    arguments: &CompareArguments,
    common: &Common,
    check: impl FnOnce(&Study) -> Result<(), Failure>,
) -> Result<ExitCode, Failure> {
    if arguments.jobs == 0 {
        return Err(Failure::usage("--jobs: expected 1 or more, got 0"));
    }
    refuse_other_kind(&arguments.config, Wanted::Comparison)?;
    let out = arguments
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("runs").join(arguments.config.file_stem().unwrap_or_default()));
    let study = Study::load(&arguments.config, &arguments.overrides, &out, common.data_dir.as_deref())?;
    // Not once more in the process of each cell, nor when all is done.
    if !arguments.until_stdin_ends && !arguments.collect {
        study.remarks().iter().for_each(|told| tracing::warn!("{told}"));
    }
    let cells = study.cells();
    let plan = || if arguments.untimed { Ok(Plan::of(&cells)?) } else { timed_plan(&cells, common) };
    if arguments.plan {
        let spreads = study.planned_spreads(arguments.spread_of.as_deref())?;
        output::result(common.json, &Planned { plan: plan()?, spreads }, Planned::in_words)?;
        return Ok(ExitCode::SUCCESS);
    }
    let has_begun = OF_A_COMPARISON.iter().any(|name| out.join(name).exists());
    if !has_begun {
        check_output_folder("--out", &out, None)?;
    }
    if arguments.until_stdin_ends {
        StopSignal::listen().request_at_end_of(std::io::stdin());
    }
    if let Some(number) = arguments.cell {
        return run_cell(&cells, number, &arguments.reuse, common);
    }
    if arguments.collect && !has_begun {
        return Err(Failure::usage(format!(
            "--collect: {} has no cells of a comparison; leave --collect out to compute them, or name their folder with \
             --out",
            out.display()
        )));
    }
    let mut failed = Vec::new();
    if !arguments.collect {
        let plan = plan()?;
        check(&study)?;
        say(&plan.in_words());
        measure_pace(&study, common)?;
        let open = plan.open_cells();
        let ended = if arguments.jobs == 1 {
            grid::run(&cells, &open, say, |cell| work(cell, &arguments.reuse, common))?
        } else {
            let program = std::env::current_exe().map_err(Failure::failed)?;
            let command_of = |number| cell_command(&program, number, arguments, &out, common);
            let stop = StopSignal::listen();
            grid::run_in_processes(&cells, &open, arguments.jobs, &stop, say, command_of)?
        };
        failed = ended.failed;
        if ended.stopped {
            say(&format!("stopped and saved in {}; the same command continues", out.display()));
            return Ok(ExitCode::from(EXIT_STOPPED as u8));
        }
    }
    let mut comparison = collect(&study);
    // Such as one that another process is at, or whose folder cannot be written.
    for (cell, error) in failed {
        if !comparison.failed.iter().any(|listed| listed.cell == cell) {
            let Key { arm, seed, .. } = cells[cell].key();
            comparison.failed.push(FailedCell { cell, arm, seed, error });
        }
    }
    if arguments.collect && !comparison.has_results() && comparison.failed.is_empty() {
        return Err(Failure::usage(format!(
            "--collect: no cell in {} is finished; leave --collect out to compute them",
            out.display()
        )));
    }
    std::fs::create_dir_all(&out).map_err(Failure::failed)?;
    write_file(&out.join("comparison.json"), format!("{:#}\n", json!(comparison)).as_bytes())?;
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let (report, command) = (out.join("report.html"), command_line(&words));
    let page = comparison_page(&study, &comparison, &command, common.data_dir.as_deref())?;
    write_file(&report, page.as_bytes())?;
    let short = format!("zview compare {}", arguments.config.display());
    write_file(&out.join("comparison.md"), in_markdown(&comparison, &short).as_bytes())?;
    output::result(common.json, &comparison, |comparison| {
        format!("{}\n\nreport: {}", in_words(comparison), report.display())
    })?;
    Ok(if comparison.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What there is to do, and what it finds.
#[derive(Serialize)]
struct Planned {
    #[serde(flatten)]
    plan: Plan,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    spreads: Vec<Spread>,
}

impl Planned {
    fn in_words(&self) -> String {
        let spreads = self.spreads.iter().map(|spread| spread.in_words(&spread.measure));
        std::iter::once(self.plan.in_words()).chain(spreads).collect::<Vec<_>>().join("\n")
    }
}

pub fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}"); // a closed stderr must not end the work
}

/// The plan, with a few steps timed where no finished cell says what an arm takes.
fn timed_plan(cells: &[StudyCell<'_>], common: &Common) -> Result<Plan, Failure> {
    let device = choose(common.device)?;
    Ok(Plan::timed(cells, &cell_options(&device, common, &StopSignal::listen()))?)
}

/// What updates of the arms take, where it matters and is not known.
fn measure_pace(study: &Study, common: &Common) -> Result<(), Failure> {
    let device = choose(common.device)?;
    Ok(study.measure_pace(&cell_options(&device, common, &StopSignal::listen()))?)
}

/// For what is not computed to be kept.
pub fn cell_options<'a>(device: &'a ChosenDevice, common: &Common, stop: &'a StopSignal) -> CellOptions<'a> {
    CellOptions { device, data_dir: common.data_dir.clone(), stop, cache_folder: None, reuse: &[] }
}

/// One cell on the device asked for, once that is compared with the CPU on the cell's recipe.
fn work(
    cell: &StudyCell<'_>,
    reuse: &[PathBuf],
    common: &Common,
) -> Result<Result<CellOutcome, ExperimentError>, Failure> {
    if cell.arm.equal_time_of.is_some() {
        measure_pace(cell.study, common)?;
    }
    let recipe = cell.study.arm(cell.arm, cell.seed)?.recipe;
    let workload = Workload::Recipe { recipe: &recipe, data_dir: common.data_dir.as_deref() };
    let device = checked(choose(common.device)?, &workload, common)?;
    let (stop, cache) = (StopSignal::listen(), cache_folder());
    let options =
        CellOptions { cache_folder: cache.as_deref(), reuse, ..cell_options(&device, common, &stop) };
    Ok(cell.run(&options))
}

/// The one cell `number`, whose failure is this command's.
fn run_cell(
    cells: &[StudyCell<'_>],
    number: usize,
    reuse: &[PathBuf],
    common: &Common,
) -> Result<ExitCode, Failure> {
    let Some(cell) = cells.get(number) else {
        return Err(Failure::usage(format!(
            "--cell {number}: there are {} cells, 0 to {}",
            cells.len(),
            cells.len() - 1
        )));
    };
    say(&format!("cell {number} (1 of 1): {}", cell.key()));
    match grid::run_one(cells, number, |cell| work(cell, reuse, common))?? {
        CellOutcome::Finished => Ok(ExitCode::SUCCESS),
        CellOutcome::Stopped => Ok(ExitCode::from(EXIT_STOPPED as u8)),
    }
}
