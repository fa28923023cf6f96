//! Cells one after another in this process, and what is kept of those that failed.

use std::path::Path;

use serde::{Deserialize, Serialize};
use zview_runtime::atomic::write_file;
use zview_runtime::run_folder::{RUN_FILE_FORMAT, read_run_json};

use super::cell::{Cell, CellOutcome, Reached};
use crate::ExperimentError;

/// In the folder of a cell whose last attempt failed.
const FAILED: &str = "failed.json";

#[derive(Deserialize, Serialize)]
struct Failed {
    format: u32,
    error: String,
}

/// How cells of a grid ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// A signal ended one, and what was reached is saved; else each was tried.
    pub stopped: bool,
    /// The numbers of those that are not finished for another reason, and why.
    pub failed: Vec<(usize, String)>,
}

/// Runs the cells numbered `numbers`, in their order; `work` does one, `tell` is told what happens. A failed cell does not
/// end the others: why it failed is kept in its folder.
///
/// # Errors
/// Those of `work` that are no failure of a cell.
pub fn run<C: Cell, E: From<ExperimentError>>(
    cells: &[C],
    numbers: &[usize],
    tell: impl Fn(&str),
    mut work: impl FnMut(&C) -> Result<Result<CellOutcome, ExperimentError>, E>,
) -> Result<Ended, E> {
    let mut ended = Ended::default();
    for (done, &number) in numbers.iter().enumerate() {
        let key = cell(cells, number)?.key();
        tell(&format!("cell {number} ({} of {}): {key}", done + 1, numbers.len()));
        match run_one(cells, number, &mut work)? {
            Ok(CellOutcome::Finished) => {}
            Ok(CellOutcome::Stopped) => return Ok(Ended { stopped: true, ..ended }),
            Err(error) => {
                tell(&format!("cell {number} failed: {error}"));
                ended.failed.push((number, error.to_string()));
            }
        }
    }
    Ok(ended)
}

/// Runs the cell `number`, and keeps in its folder why it failed.
///
/// # Errors
/// Those of `work` that are no failure of the cell; within, [`ExperimentError`], also where there is no such cell, or one that
/// it needs is not finished.
pub fn run_one<C: Cell, E>(
    cells: &[C],
    number: usize,
    work: impl FnOnce(&C) -> Result<Result<CellOutcome, ExperimentError>, E>,
) -> Result<Result<CellOutcome, ExperimentError>, E> {
    match ready(cells, number) {
        Ok(cell) => Ok(kept(&cell.folder(), work(cell)?)),
        Err(error) => Ok(Err(error)),
    }
}

/// The cell `number`, once all that it needs is finished.
pub(super) fn ready<C: Cell>(cells: &[C], number: usize) -> Result<&C, ExperimentError> {
    let this = cell(cells, number)?;
    for needed in this.needs() {
        let other = cell(cells, needed)?;
        if !matches!(other.reached()?, Reached::Finished(_)) {
            return Err(ExperimentError::Needs { cell: number, needed, key: other.key() });
        }
    }
    Ok(this)
}

fn cell<C>(cells: &[C], number: usize) -> Result<&C, ExperimentError> {
    cells.get(number).ok_or(ExperimentError::NoCell { cell: number, cells: cells.len() })
}

/// The outcome, after its failure was written into `folder`, or one of before removed.
fn kept(
    folder: &Path,
    outcome: Result<CellOutcome, ExperimentError>,
) -> Result<CellOutcome, ExperimentError> {
    if let Err(error) = &outcome {
        // Another process is at it: nothing failed.
        if error.is_locked_run() {
            return outcome;
        }
        let failed = Failed { format: RUN_FILE_FORMAT, error: error.to_string() };
        let text = format!("{:#}\n", serde_json::json!(failed));
        // Why the cell failed goes before why that cannot be kept.
        if (folder.is_dir() || std::fs::create_dir_all(folder).is_ok())
            && let Err(error) = write_file(&folder.join(FAILED), text.as_bytes())
        {
            tracing::warn!("{error}");
        }
    } else if has_failed(folder) {
        // It went well this time.
        let _ = std::fs::remove_file(folder.join(FAILED));
    }
    outcome
}

pub(super) fn has_failed(folder: &Path) -> bool {
    folder.join(FAILED).exists()
}

/// Why the last attempt in `folder` failed, if it did.
pub(crate) fn failure(folder: &Path) -> Option<String> {
    if !has_failed(folder) {
        return None;
    }
    let failed: Result<Failed, _> = read_run_json(&folder.join(FAILED));
    Some(failed.map_or_else(|error| error.to_string(), |failed| failed.error))
}
