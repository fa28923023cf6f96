//! What there is to do, before anything is done.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use zview_contrastive::train::time_steps;

use super::cell;
use super::collect::median;
use super::pace::{not_timed, trainer_of};

use super::study::{CellOptions, Study, StudyArm};
use crate::StudyError;
use crate::arms::Arm;
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
    /// Optimizer steps; `None` where they follow from what the reference takes.
    pub steps: Option<u64>,
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

impl Study {
    /// What there is to do, and how long it takes by the cells that are finished. Computes nothing.
    ///
    /// # Errors
    /// A run folder of another recipe.
    pub fn plan(&self) -> Result<Plan, StudyError> {
        self.estimated(&BTreeMap::new())
    }

    /// The same, with a few steps timed of each arm that no finished cell speaks of.
    ///
    /// # Errors
    /// A run folder of another recipe; an arm that cannot be trained.
    pub fn timed_plan(&self, options: &CellOptions<'_>) -> Result<Plan, StudyError> {
        let plan = self.plan()?;
        let of = |arm: &StudyArm, finished: bool| {
            plan.cells
                .iter()
                .any(|cell| cell.arm == arm.name && (cell.state == CellState::Finished) == finished)
        };
        let mut training_seconds = BTreeMap::new();
        for arm in self.arms.iter().filter(|arm| of(arm, false) && !of(arm, true)) {
            let seed = self.config.seeds.first().copied().unwrap_or_default();
            training_seconds.insert(arm.name.clone(), timed_training(&self.arm(arm, seed)?, options)?);
        }
        self.estimated(&training_seconds)
    }

    /// `training_seconds` are of the arms without finished cells.
    fn estimated(&self, training_seconds: &BTreeMap<String, f64>) -> Result<Plan, StudyError> {
        let (mut cells, mut finished) = (Vec::new(), Vec::new());
        for number in 0..self.cells() {
            let Some((arm, seed)) = self.arm_and_seed(number) else { continue };
            let run = self.run_folder(arm, seed);
            let (reached, steps) = if self.waits_for_pace(arm) {
                (Progress::Absent, None)
            } else {
                let built = self.arm(arm, seed)?;
                (progress(&built, &run)?, Some(built.recipe.train.steps))
            };
            let state = match (self.finished(arm, seed), reached) {
                (Some(cell), _) => {
                    finished.push((arm.name.clone(), cell));
                    CellState::Finished
                }
                _ if cell::has_failed(&run) => CellState::Failed,
                (None, Progress::Absent) => CellState::Absent,
                (None, _) => CellState::Begun,
            };
            cells.push(PlannedCell { cell: number, arm: arm.name.clone(), seed, run, state, steps });
        }
        let middle = |of: Vec<f64>| (!of.is_empty()).then(|| median(of));
        let all = middle(finished.iter().map(|(_, cell)| cell.seconds).collect());
        let judging = middle(finished.iter().map(|(_, cell)| cell.seconds - cell.training_seconds).collect());
        let open: Vec<&PlannedCell> = cells.iter().filter(|cell| cell.state != CellState::Finished).collect();
        let of_arm = |arm: &str| {
            let same = finished.iter().filter(|(name, _)| name == arm);
            let timed = training_seconds.get(arm).map(|seconds| seconds + judging.unwrap_or(0.0));
            middle(same.map(|(_, cell)| cell.seconds).collect()).or(timed)
        };
        // An arm at equal time takes what the reference takes.
        let at_equal_time = |cell: &PlannedCell| self.at_equal_time.iter().any(|arm| arm.name == cell.arm);
        let of_cell = |cell: &&PlannedCell| {
            of_arm(if at_equal_time(cell) { &self.config.reference } else { &cell.arm }).or(all)
        };
        let estimated_seconds = open.iter().map(of_cell).sum();
        let estimated_by = match estimated_seconds {
            _ if open.is_empty() => None,
            None => None,
            Some(_) if training_seconds.is_empty() => Some(EstimatedBy::FinishedCells),
            Some(_) => Some(EstimatedBy::TimedSteps),
        };
        Ok(Plan { open: open.len(), cells, estimated_seconds, estimated_by })
    }
}

/// Seconds that all steps of `arm` take, by a few of them.
fn timed_training(arm: &Arm, options: &CellOptions<'_>) -> Result<f64, StudyError> {
    if arm.recipe.train.steps == 0 {
        return Ok(0.0);
    }
    let mut trainer = trainer_of(arm, options)?;
    let times = time_steps(&mut trainer, arm.recipe.train.steps).map_err(not_timed)?;
    Ok(times.seconds_of(arm.recipe.train.steps).unwrap_or(0.0))
}
