//! What there is to do, before anything is done.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use zview_numerics::statistics::median;
use zview_runtime::progress::about;

use super::cell::{Cell, CellOptions, Key, Reached, Took};
use super::run::has_failed;
use crate::ExperimentError;

/// How far a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellState {
    /// Done.
    Finished,
    /// Begun, or all but its end.
    Begun,
    /// Not begun.
    Absent,
    /// The last attempt failed.
    Failed,
}

/// One cell.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedCell {
    /// Its number.
    pub cell: usize,
    /// What tells it from the others.
    #[serde(flatten)]
    pub key: Key,
    /// Its folder.
    pub run: PathBuf,
    /// How far it is.
    pub state: CellState,
    /// Optimizer steps; `None` where they are not known yet.
    pub steps: Option<u64>,
    /// The cells that must be finished before it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<usize>,
}

/// All cells, and what the open ones will take.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// Every cell.
    pub cells: Vec<PlannedCell>,
    /// Cells that are not finished.
    pub open: usize,
    /// Seconds that the open cells take one after another; `None` where nothing is known of them.
    pub estimated_seconds: Option<f64>,
    /// What that is known from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_by: Option<EstimatedBy>,
}

/// What an estimate is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EstimatedBy {
    /// Cells that are finished: of the same arm, else of all.
    FinishedCells,
    /// A few steps of each arm that has no finished cell. Where no cell is finished at all, judging is not in it.
    TimedSteps,
}

impl Plan {
    /// What there is to do, and how long it takes by the cells that are finished. Computes nothing.
    ///
    /// # Errors
    /// A folder that holds something else.
    pub fn of<C: Cell>(cells: &[C]) -> Result<Self, ExperimentError> {
        Self::estimated(cells, &BTreeMap::new())
    }

    /// The same, with a little work timed of each kind of cell that no finished one speaks of.
    ///
    /// # Errors
    /// A folder that holds something else; work that cannot be done.
    pub fn timed<C: Cell>(cells: &[C], options: &CellOptions<'_>) -> Result<Self, ExperimentError> {
        let (mut finished, mut open) = (Vec::new(), Vec::new());
        for cell in cells {
            match cell.reached()? {
                Reached::Finished(_) => finished.push(cell.as_long_as()),
                _ => open.push(cell),
            }
        }
        let mut timed = BTreeMap::new();
        for cell in open {
            let kind = cell.as_long_as();
            if finished.contains(&kind) || timed.contains_key(&kind) {
                continue;
            }
            if let Some(seconds) = cell.timed(options)? {
                timed.insert(kind, seconds);
            }
        }
        Self::estimated(cells, &timed)
    }

    /// `timed` are the seconds of those that no finished cell speaks of.
    fn estimated<C: Cell>(cells: &[C], timed: &BTreeMap<String, f64>) -> Result<Self, ExperimentError> {
        let (mut planned, mut open, mut took) = (Vec::new(), Vec::new(), Vec::new());
        for (number, cell) in cells.iter().enumerate() {
            let state = match cell.reached()? {
                Reached::Finished(seconds) => {
                    took.push((cell.as_long_as(), seconds));
                    CellState::Finished
                }
                _ if has_failed(&cell.folder()) => CellState::Failed,
                Reached::Absent => CellState::Absent,
                Reached::Begun => CellState::Begun,
            };
            if state != CellState::Finished {
                open.push(cell.as_long_as());
            }
            let (key, run, needs) = (cell.key(), cell.folder(), cell.needs());
            planned.push(PlannedCell { cell: number, key, run, state, steps: cell.steps(), needs });
        }
        let middle = |of: Vec<f64>| (!of.is_empty()).then(|| median(of));
        let all = middle(took.iter().map(|(_, took)| took.seconds).collect());
        let untimed = middle(took.iter().map(|(_, took)| took.seconds - took.timed).collect());
        let of_kind = |kind: &String| {
            let same = |(other, took): &(String, Took)| (other == kind).then_some(took.seconds);
            let timed = timed.get(kind).map(|seconds| seconds + untimed.unwrap_or(0.0));
            middle(took.iter().filter_map(same).collect()).or(timed).or(all)
        };
        let estimated_seconds = open.iter().map(of_kind).sum::<Option<f64>>();
        let estimated_by = match estimated_seconds {
            _ if open.is_empty() => None,
            None => None,
            Some(_) if timed.is_empty() => Some(EstimatedBy::FinishedCells),
            Some(_) => Some(EstimatedBy::TimedSteps),
        };
        Ok(Self { cells: planned, open: open.len(), estimated_seconds, estimated_by })
    }

    /// The numbers of the cells that are not finished.
    #[must_use]
    pub fn open_cells(&self) -> Vec<usize> {
        let open = self.cells.iter().filter(|cell| cell.state != CellState::Finished);
        open.map(|cell| cell.cell).collect()
    }

    /// How many cells there are and how far, what they take, and the arms.
    #[must_use]
    pub fn in_words(&self) -> String {
        let of = |state: CellState| self.cells.iter().filter(|cell| cell.state == state).count();
        let time = about(self.estimated_seconds.unwrap_or(0.0));
        let cost = match self.estimated_by {
            None => String::new(),
            Some(EstimatedBy::FinishedCells) => format!("; {time} one after another, by the finished ones"),
            Some(EstimatedBy::TimedSteps) if of(CellState::Finished) > 0 => {
                format!("; {time} one after another, by a few steps of each arm and the finished ones")
            }
            Some(EstimatedBy::TimedSteps) => {
                format!("; {time} one after another, by a few steps of each arm; judging comes on top")
            }
        };
        let lines: String = self.arms().iter().map(|arm| format!("\n  {arm}")).collect();
        format!(
            "{} cells: {} finished, {} begun, {} failed before, {} not begun{cost}{lines}",
            self.cells.len(),
            of(CellState::Finished),
            of(CellState::Begun),
            of(CellState::Failed),
            of(CellState::Absent)
        )
    }

    /// A line for each arm: its steps and seeds.
    fn arms(&self) -> Vec<String> {
        let mut arms: Vec<(&str, Vec<&PlannedCell>)> = Vec::new();
        for cell in &self.cells {
            match arms.iter_mut().find(|(arm, _)| *arm == cell.key.arm) {
                Some((_, cells)) => cells.push(cell),
                None => arms.push((&cell.key.arm, vec![cell])),
            }
        }
        let width = arms.iter().map(|(arm, _)| arm.chars().count()).max().unwrap_or(0);
        let line = |(arm, cells): &(&str, Vec<&PlannedCell>)| {
            let steps = cells.iter().find_map(|cell| cell.steps);
            let steps =
                steps.map_or_else(|| "steps by the reference's time".to_owned(), |n| format!("{n} steps"));
            let mut seeds: Vec<String> = cells.iter().map(|cell| cell.key.seed.to_string()).collect();
            seeds.dedup();
            let s = if seeds.len() == 1 { "" } else { "s" };
            format!("{arm:width$}  {steps} each, seed{s} {}", seeds.join(", "))
        };
        arms.iter().map(line).collect()
    }
}
