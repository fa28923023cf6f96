//! `zview compare`: arms x seeds at equal updates, on the same test images.

mod processes;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use zview_runtime::atomic::write_file;
use zview_runtime::cache_folder;
use zview_runtime::device::{ChosenDevice, choose};
use zview_runtime::progress::about;
use zview_runtime::stop::{EXIT_STOPPED, StopSignal};
use zview_selfcheck::Subject;
use zview_study::commands::command_line;
use zview_study::comparison::{
    CellOptions, CellOutcome, CellState, EstimatedBy, Plan, Study, collect, comparison_page, in_markdown,
    in_words,
};

use self::processes::run_in_processes;
use super::compared::compared;
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
    let plan = || if arguments.untimed { Ok(study.plan()?) } else { timed_plan(&study, common) };
    if arguments.plan {
        output::result(common.json, &plan()?, plan_in_words)?;
        return Ok(ExitCode::SUCCESS);
    }
    if !OF_A_COMPARISON.iter().any(|name| out.join(name).exists()) {
        check_output_folder("--out", &out, None)?;
    }
    if arguments.until_stdin_ends {
        StopSignal::listen().request_at_end_of(std::io::stdin());
    }
    if let Some(cell) = arguments.cell {
        let at_equal_time = study.arm_and_seed(cell).is_some_and(|(arm, _)| arm.equal_time_of.is_some());
        if at_equal_time {
            measure_pace(&study, common)?;
        }
        return run_here(&study, &[cell], &arguments.reuse, common, true);
    }
    if arguments.collect && !OF_A_COMPARISON.iter().any(|name| out.join(name).exists()) {
        return Err(Failure::usage(format!(
            "--collect: {} has no cells of a comparison; leave --collect out to compute them, or name their folder with \
             --out",
            out.display()
        )));
    }
    if !arguments.collect {
        let plan = plan()?;
        check(&study)?;
        say(&plan_in_words(&plan));
        measure_pace(&study, common)?;
        let open: Vec<usize> = plan
            .cells
            .iter()
            .filter(|cell| cell.state != CellState::Finished)
            .map(|cell| cell.cell)
            .collect();
        let ended = if arguments.jobs == 1 {
            run_here(&study, &open, &arguments.reuse, common, false)?
        } else {
            run_in_processes(&open, arguments, &out, common)?
        };
        if ended == ExitCode::from(EXIT_STOPPED as u8) {
            say(&format!("stopped and saved in {}; the same command continues", out.display()));
            return Ok(ended);
        }
    }
    let comparison = collect(&study);
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

pub fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}"); // a closed stderr must not end the work
}

/// The plan, with a few steps timed where no finished cell says what an arm takes.
fn timed_plan(study: &Study, common: &Common) -> Result<Plan, Failure> {
    let device = choose(common.device)?;
    Ok(study.timed_plan(&cell_options(&device, common, &StopSignal::listen()))?)
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

/// Cells one after another in this process. A failed cell does not end the others, unless it is the only one asked for.
fn run_here(
    study: &Study,
    cells: &[usize],
    reuse: &[PathBuf],
    common: &Common,
    only: bool,
) -> Result<ExitCode, Failure> {
    let (stop, cache) = (StopSignal::listen(), cache_folder());
    for (done, &cell) in cells.iter().enumerate() {
        let Some((arm, seed)) = study.arm_and_seed(cell) else {
            return Err(Failure::usage(format!(
                "--cell {cell}: there are {} cells, 0 to {}",
                study.cells(),
                study.cells() - 1
            )));
        };
        say(&format!("cell {cell} ({} of {}): {}, seed {seed}", done + 1, cells.len(), arm.name));
        let recipe = study.arm(arm, seed)?.recipe;
        let subject = Subject::Recipe { recipe: &recipe, data_dir: common.data_dir.as_deref() };
        let device = compared(choose(common.device)?, &subject, common)?;
        let options = CellOptions {
            device: &device,
            data_dir: common.data_dir.clone(),
            stop: &stop,
            cache_folder: cache.as_deref(),
            reuse,
        };
        match study.run_cell(cell, &options) {
            Ok(CellOutcome::Finished) => {}
            Ok(CellOutcome::Stopped) => return Ok(ExitCode::from(EXIT_STOPPED as u8)),
            Err(error) if only => return Err(error.into()),
            Err(error) => say(&format!("cell {cell} failed: {error}")),
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn plan_in_words(plan: &Plan) -> String {
    let of = |state: CellState| plan.cells.iter().filter(|cell| cell.state == state).count();
    let time = about(plan.estimated_seconds.unwrap_or(0.0));
    let judged = of(CellState::Finished) > 0;
    let cost = match plan.estimated_by {
        None => String::new(),
        Some(EstimatedBy::FinishedCells) => {
            format!("; {time} one after another, by the finished ones")
        }
        Some(EstimatedBy::TimedSteps) => format!(
            "; {time} one after another, by a few steps of each arm{}",
            if judged { " and the finished ones" } else { "; judging comes on top" }
        ),
    };
    let mut arms: Vec<(&str, u64, Vec<String>)> = Vec::new();
    for cell in &plan.cells {
        match arms.iter_mut().find(|(arm, _, _)| *arm == cell.arm) {
            Some((_, _, seeds)) => seeds.push(cell.seed.to_string()),
            None => arms.push((&cell.arm, cell.steps.unwrap_or(0), vec![cell.seed.to_string()])),
        }
    }
    let width = arms.iter().map(|(arm, _, _)| arm.chars().count()).max().unwrap_or(0);
    let known = |arm: &str| plan.cells.iter().any(|cell| cell.arm == arm && cell.steps.is_some());
    let lines = arms.iter().map(|(arm, steps, seeds)| {
        let steps =
            if known(arm) { format!("{steps} steps") } else { "steps by the reference's time".to_owned() };
        let s = if seeds.len() == 1 { "" } else { "s" };
        format!("\n  {arm:width$}  {steps} each, seed{s} {}", seeds.join(", "))
    });
    let lines = lines.collect::<String>();
    format!(
        "{} cells: {} finished, {} begun, {} failed before, {} not begun{cost}{lines}",
        plan.cells.len(),
        of(CellState::Finished),
        of(CellState::Begun),
        of(CellState::Failed),
        of(CellState::Absent)
    )
}
