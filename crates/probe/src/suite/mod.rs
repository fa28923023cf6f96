//! Evaluating encoders that are there: several of them, on several data sets, by any protocols, in one table.
//!
//! [`evaluate`] is the way in: `measure` judges one encoder on one data set, `comparison` sets arms of encoders
//! against each other on the same test images, `table` says it in a few lines, and `page` as an HTML page.

mod beside;
mod comparison;
mod config;
mod error;
pub mod evaluation_page;
pub mod examples;
pub mod intervals;
mod judged_at;
mod measure;
mod page;
mod run;
mod set_evaluation;
mod table;
mod without_effect;

pub use comparison::{ArmComparison, ArmSummary, FewShotDifference};
pub use config::{Measure, SuiteConfig};
pub use error::SuiteError;
pub use judged_at::JudgedAt;
pub(crate) use measure::unlabelled;
pub use page::neighbour_figure;
pub use run::{EncoderEvaluation, NotOneArm, SuiteEvaluation, SuiteRequest, evaluate};
pub(crate) use run::{load_options, scaled};
pub use set_evaluation::{
    Beside, OutlierEvaluation, QueryNeighbours, SetEvaluation, Untrained, WithoutCopies,
};
pub use table::in_words;
pub use without_effect::without_effect;
