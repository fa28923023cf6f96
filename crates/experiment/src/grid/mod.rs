//! A grid of cells: pieces of work that are planned, run here or in processes of their own, kept, and never done twice.
//!
//! A [`Cell`] says what it is, where it lies, how far it is, what it needs first and how it is done. [`Plan`] says what
//! there is to do and what it takes, [`run`] and [`run_in_processes`] do it. How far a grid is stands in the cells'
//! folders alone, so cells may be computed anywhere, and folders of several machines be put together.

mod cell;
mod plan;
mod processes;
mod reuse;
mod run;
#[cfg(test)]
mod tests;

pub use cell::{Cell, CellOptions, CellOutcome, Key, Reached, Took};
pub use plan::{CellState, EstimatedBy, Plan, PlannedCell};
pub use processes::run_in_processes;
pub(crate) use reuse::take_over;
pub(crate) use run::failure;
pub use run::{Ended, run, run_one};
