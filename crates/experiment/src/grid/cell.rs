//! One piece of work of a grid.

use std::path::{Path, PathBuf};

use serde::Serialize;
use zview_runtime::device::ChosenDevice;
use zview_runtime::stop::StopSignal;

use crate::ExperimentError;

/// What tells a cell from the others of its grid.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Key {
    /// The arm that it is of.
    pub arm: String,
    /// Its seed.
    pub seed: u64,
    /// Which of an arm's cells that follow one another, such as the generations of a loop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<u64>,
}

impl Key {
    /// The name of its folder.
    #[must_use]
    pub fn folder_name(&self) -> String {
        let stage = self.stage.map_or_else(String::new, |stage| format!("-stage{stage}"));
        format!("{}-seed{}{stage}", self.arm, self.seed)
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "{}, seed {}", self.arm, self.seed)?;
        self.stage.map_or(Ok(()), |stage| write!(to, ", stage {stage}"))
    }
}

/// How far a cell is, by what is in its folder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reached {
    /// Not begun.
    Absent,
    /// Begun.
    Begun,
    /// Done.
    Finished(Took),
}

/// Seconds that a finished cell took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Took {
    /// All of them.
    pub seconds: f64,
    /// Those of the work that [`Cell::timed`] foretells.
    pub timed: f64,
}

/// How a cell ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellOutcome {
    /// It is finished, now or from before.
    Finished,
    /// A signal ended it; what was reached is saved.
    Stopped,
}

/// What a cell is computed with.
#[derive(Debug, Clone)]
pub struct CellOptions<'a> {
    /// Where to compute.
    pub device: &'a ChosenDevice,
    /// Where named data sets are looked up first.
    pub data_dir: Option<PathBuf>,
    /// Asks for an orderly end.
    pub stop: &'a StopSignal,
    /// Where features are kept.
    pub cache_folder: Option<&'a Path>,
    /// Folders of other grids, or folders of such, whose finished cells are taken where they are of the same content.
    pub reuse: &'a [PathBuf],
}

/// One piece of work. Its number is its place in its grid.
pub trait Cell {
    /// What tells it from the others.
    fn key(&self) -> Key;

    /// Its folder, in which nobody else writes.
    fn folder(&self) -> PathBuf;

    /// The numbers of the cells that must be finished before it begins, all smaller than its own.
    fn needs(&self) -> Vec<usize> {
        Vec::new()
    }

    /// Optimizer steps; `None` where they are not known yet.
    fn steps(&self) -> Option<u64>;

    /// How far it is.
    ///
    /// # Errors
    /// A folder that holds something else.
    fn reached(&self) -> Result<Reached, ExperimentError>;

    /// Cells with the same word take about as long.
    fn as_long_as(&self) -> String {
        self.key().arm
    }

    /// Seconds that it will take by a little of its work, done for the purpose; `None` where that says nothing.
    ///
    /// # Errors
    /// Work that cannot be done.
    fn timed(&self, _options: &CellOptions<'_>) -> Result<Option<f64>, ExperimentError> {
        Ok(None)
    }

    /// Does what there is left to do.
    ///
    /// # Errors
    /// [`ExperimentError`]; what was finished stays.
    fn run(&self, options: &CellOptions<'_>) -> Result<CellOutcome, ExperimentError>;
}
