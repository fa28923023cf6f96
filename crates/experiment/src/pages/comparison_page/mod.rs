//! The page of a comparison: arms that differ in what their encoder learns from, over data sets and seeds.
//!
//! Everything in [`ComparisonPage`] is plain numbers, names and PNG files; a section is on the page where there is
//! something in it. Accuracies, shares and probabilities are fractions, 0 to 1.

mod arm;
mod axis;
mod cells;
mod config;
mod contrasts;
mod dots;
mod equal_time;
mod limits;
mod losses;
mod machines;
mod page;
mod pairs;
mod pictures;
mod progress;
mod recovered;
mod results;
mod training_time;

pub use arm::{ArmAxis, ComparedArm, MinusArm, ShownScore};
pub use cells::{FailedCell, MissingCell};
pub use config::{ConfigText, RepeatCommand};
pub use contrasts::PlannedContrast;
pub use equal_time::EqualTimeTable;
pub use losses::ArmLosses;
pub use machines::CellMachine;
#[cfg(test)]
pub(super) use page::COMPARISON_STYLE;
pub use page::ComparisonPage;
pub use pairs::{ArmPair, PairTable};
pub use pictures::{ArmViews, ComparedNeighbours};
pub use progress::{ArmProgress, ProgressFigure, ProgressPoint};
pub use recovered::RecoveredShare;
