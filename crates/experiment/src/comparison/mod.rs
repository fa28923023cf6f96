//! Comparing arms at equal updates: arms x seeds, each a run folder, judged on the same test images.
//!
//! [`Study::load`] reads and checks a configuration, [`Study::cells`] are its cells, which [`crate::grid`] plans and runs,
//! in any process and on any machine, and [`collect`] makes one table of all that is there.

mod answer;
pub mod arms;
mod cell;
mod cell_result;
mod changes;
mod collect;
mod config;
mod contrasts;
mod equal_time;
mod held_out;
#[cfg(test)]
mod made_up;
mod markdown;
mod measures;
mod one_arm;
mod pace;
mod page;
mod pairs;
mod paths;
mod problems;
mod progress;
mod recovered;
mod remarks;
mod repeat;
mod same_shape;
mod spread;
mod study;
mod table;
pub mod training;

pub use cell::StudyCell;
pub use collect::{ArmComparison, Comparison, FailedCell, collect};
pub use config::{ArmConfig, ComparisonConfig, GapConfig, Place, Vary};
pub use contrasts::{Contrast, ContrastConfig};
pub use equal_time::EqualTime;
pub use held_out::HeldOutPick;
pub use markdown::in_markdown;
pub use one_arm::one_arm;
pub use page::comparison_page;
pub use pairs::PairDifference;
pub use progress::ProgressScores;
pub use recovered::Recovered;
pub use spread::Spread;
pub use study::{Axis, Study, StudyArm};
pub use table::in_words;
