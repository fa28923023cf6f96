//! What there is to do, before anything is done.

use std::path::PathBuf;

use serde::Serialize;

use super::cell;
use super::study::Study;
use crate::StudyError;
use crate::training::{Progress, progress};

/// How far a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellState {
    /// Trained and judged.
    Finished,
    /// Begun, or trained and not judged.
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
    /// Its arm.
    pub arm: String,
    /// Its seed.
    pub seed: u64,
    /// Its run folder.
    pub run: PathBuf,
    /// How far it is.
    pub state: CellState,
}

/// All cells, and what the open ones will take.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// Every cell.
    pub cells: Vec<PlannedCell>,
    /// Cells that are not finished.
    pub open: usize,
    /// Seconds that the open cells take one after another, from the finished ones of the same arm, else of all; `None`
    /// before any is finished.
    pub estimated_seconds: Option<f64>,
}

impl Study {
    /// What there is to do. Computes nothing.
    ///
    /// # Errors
    /// A run folder of another recipe.
    pub fn plan(&self) -> Result<Plan, StudyError> {
        let (mut cells, mut seconds) = (Vec::new(), Vec::new());
        for number in 0..self.cells() {
            let Some((arm, seed)) = self.arm_and_seed(number) else { continue };
            let run = self.run_folder(arm, seed);
            let state = match (cell::finished_seconds(&run), progress(&self.arm(arm, seed)?, &run)?) {
                (Some(taken), _) => {
                    seconds.push((arm.name.clone(), taken));
                    CellState::Finished
                }
                _ if cell::has_failed(&run) => CellState::Failed,
                (None, Progress::Absent) => CellState::Absent,
                (None, _) => CellState::Begun,
            };
            cells.push(PlannedCell { cell: number, arm: arm.name.clone(), seed, run, state });
        }
        let mean = |of: &[f64]| (!of.is_empty()).then(|| of.iter().sum::<f64>() / of.len() as f64);
        let all: Vec<f64> = seconds.iter().map(|(_, taken)| *taken).collect();
        let open: Vec<&PlannedCell> = cells.iter().filter(|cell| cell.state != CellState::Finished).collect();
        let of_cell = |cell: &&PlannedCell| {
            let same: Vec<f64> =
                seconds.iter().filter(|(arm, _)| *arm == cell.arm).map(|(_, taken)| *taken).collect();
            mean(&same).or_else(|| mean(&all))
        };
        let estimated_seconds = open.iter().map(of_cell).sum();
        Ok(Plan { open: open.len(), cells, estimated_seconds })
    }
}
