//! Cells in processes of their own, which end when this one does.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use clap::ValueEnum;
use zview_runtime::stop::{EXIT_STOPPED, StopSignal};

use super::{CompareArguments, say};
use crate::arguments::Common;
use crate::failure::Failure;

/// Runs cells, `--jobs` at once; the processor's cores are shared out among them. Asked to stop, or killed, this
/// process leaves none behind: each holds the reading end of a pipe, and saves and stops when the other end closes.
pub fn run_in_processes(
    cells: &[usize],
    arguments: &CompareArguments,
    out: &Path,
    common: &Common,
) -> Result<ExitCode, Failure> {
    let stop = StopSignal::listen();
    let program = std::env::current_exe().map_err(Failure::failed)?;
    let mut waiting = cells.iter();
    let mut running = Vec::new();
    let mut stopped = false;
    loop {
        while running.len() < arguments.jobs && !stop.requested() {
            let Some(&cell) = waiting.next() else { break };
            let mut command = cell_command(&program, cell, arguments, out, common);
            command.stdin(Stdio::piped()).stdout(Stdio::null());
            running.push((cell, command.spawn().map_err(Failure::failed)?));
        }
        let mut still = Vec::new();
        for (cell, mut child) in running {
            if stop.requested() {
                drop(child.stdin.take());
            }
            match child.try_wait().map_err(Failure::failed)? {
                None => still.push((cell, child)),
                Some(status) => {
                    stopped |= status.code() == Some(EXIT_STOPPED);
                    say(&format!(
                        "cell {cell}: {}",
                        if status.success() { "done" } else { "failed or stopped" }
                    ));
                }
            }
        }
        running = still;
        if running.is_empty() && (waiting.len() == 0 || stop.requested() || stopped) {
            let ended_early = stopped || stop.requested();
            return Ok(if ended_early { ExitCode::from(EXIT_STOPPED as u8) } else { ExitCode::SUCCESS });
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// The command of one cell, with every option of this process that a cell listens to.
fn cell_command(
    program: &Path,
    cell: usize,
    arguments: &CompareArguments,
    out: &Path,
    common: &Common,
) -> Command {
    let mut command = Command::new(program);
    command.arg("compare").arg(&arguments.config).arg("--out").arg(out);
    command.args(["--cell", &cell.to_string(), "--until-stdin-ends"]);
    command.args(["--device", &common.device.to_string()]);
    if let Some(mode) = common.selfcheck.to_possible_value() {
        command.args(["--selfcheck", mode.get_name()]);
    }
    if let Some(operation) = &common.plant_fault {
        command.args(["--plant-fault", operation]);
    }
    for change in &arguments.overrides {
        command.args(["--set", change]);
    }
    for folder in &arguments.reuse {
        command.arg("--reuse").arg(folder);
    }
    if let Some(folder) = &common.data_dir {
        command.arg("--data-dir").arg(folder);
    }
    // A number of threads that the user gave stays.
    if std::env::var_os("RAYON_NUM_THREADS").is_none() {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        command.env("RAYON_NUM_THREADS", (cores / arguments.jobs).max(1).to_string());
    }
    command
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Command as Subcommand};

    fn parsed<'a>(line: impl IntoIterator<Item = &'a str>) -> (CompareArguments, Common) {
        let arguments = Arguments::try_parse_from(line).unwrap();
        let Subcommand::Compare(compare) = arguments.command else { unreachable!() };
        (compare, arguments.common)
    }

    /// `--selfcheck warn` was not: with `--jobs` every cell on a device that errs failed all the same.
    #[test]
    fn a_cell_is_told_every_option_that_the_comparison_was_given() {
        let (arguments, common) = parsed([
            "zview",
            "compare",
            "study.toml",
            "--set=seeds=[0]",
            "--set=data=[\"glyphs\"]",
            "--reuse=runs",
            "--jobs=3",
            "--device=vulkan:1",
            "--data-dir=data",
            "--selfcheck=warn",
            "--plant-fault=convolution",
        ]);
        let command = cell_command(Path::new("zview"), 7, &arguments, Path::new("out"), &common);
        let line = std::iter::once("zview").chain(command.get_args().map(|word| word.to_str().unwrap()));
        let (of_cell, common_of_cell) = parsed(line);
        assert_eq!((of_cell.cell, of_cell.until_stdin_ends, of_cell.jobs), (Some(7), true, 1));
        assert_eq!(of_cell.out.as_deref(), Some(Path::new("out")));
        assert_eq!(of_cell.config, arguments.config);
        assert_eq!(of_cell.overrides, arguments.overrides);
        assert_eq!(of_cell.reuse, arguments.reuse);
        assert_eq!(format!("{common_of_cell:?}"), format!("{common:?}"));
    }
}
