//! Cells in processes of their own, which end when this one does.

use std::collections::VecDeque;
use std::process::{Child, Command, Stdio};

use zview_runtime::stop::{EXIT_STOPPED, StopSignal};

use super::cell::Cell;
use super::run::{Ended, ready};
use crate::ExperimentError;

/// Runs the cells numbered `numbers`, `jobs` at once, each by the command that `command_of` makes for its number; the
/// processor's cores are shared out among them. A cell waits until all that it needs is finished, and is left out where
/// that failed. Asked to stop, or killed, this process leaves none behind: each holds the reading end of a pipe, and must
/// save and stop when the other end closes.
///
/// # Errors
/// A process that cannot be started or waited for; a folder that holds something else.
pub fn run_in_processes<C: Cell>(
    cells: &[C],
    numbers: &[usize],
    jobs: usize,
    stop: &StopSignal,
    tell: impl Fn(&str),
    command_of: impl Fn(usize) -> Command,
) -> Result<Ended, ExperimentError> {
    let mut waiting: VecDeque<usize> = numbers.iter().copied().collect();
    let mut running: Vec<(usize, Child)> = Vec::new();
    let mut ended = Ended::default();
    loop {
        while running.len() < jobs && !stop.requested() {
            let under_way = |needed: &usize| {
                waiting.contains(needed) || running.iter().any(|(number, _)| number == needed)
            };
            let needs = |number: &usize| cells.get(*number).map(Cell::needs).unwrap_or_default();
            let Some(place) = waiting.iter().position(|number| !needs(number).iter().any(under_way)) else {
                break;
            };
            let Some(number) = waiting.remove(place) else { break };
            if let Err(error) = ready(cells, number) {
                tell(&format!("cell {number} failed: {error}"));
                ended.failed.push((number, error.to_string()));
                continue;
            }
            running.push((number, started(command_of(number), jobs)?));
        }
        let mut still = Vec::new();
        for (number, mut child) in running {
            if stop.requested() {
                drop(child.stdin.take());
            }
            match child.try_wait().map_err(ExperimentError::Process)? {
                None => still.push((number, child)),
                Some(status) => {
                    let stopped = status.code() == Some(EXIT_STOPPED);
                    let how = match (status.success(), stopped) {
                        (true, _) => "done",
                        (_, true) => "stopped",
                        _ => "failed",
                    };
                    tell(&format!("cell {number}: {how}"));
                    ended.stopped |= stopped;
                    if how == "failed" {
                        ended.failed.push((number, format!("its process ended with {status}")));
                    }
                }
            }
        }
        running = still;
        if running.is_empty() && (waiting.is_empty() || stop.requested() || ended.stopped) {
            ended.stopped |= stop.requested();
            return Ok(ended);
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

fn started(mut command: Command, jobs: usize) -> Result<Child, ExperimentError> {
    // A number of threads that the user gave stays.
    if std::env::var_os("RAYON_NUM_THREADS").is_none() {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        command.env("RAYON_NUM_THREADS", (cores / jobs).max(1).to_string());
    }
    command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().map_err(ExperimentError::Process)
}
