//! Evaluating encoders that are there: several of them, on several data sets, by any protocols, in one table.
//!
//! [`evaluate`] is the way in. A way of judging is a file in [`protocols`] and a line in its table; what it measures goes
//! by [`metric`]s. [`arms`] sets arms of encoders against each other on the same test images, `table` says it in a few
//! lines, and [`page`] as an HTML page.

pub mod arms;
mod beside;
mod error;
pub mod examples;
pub mod figures;
pub mod intervals;
mod judged_at;
pub mod metric;
pub mod page;
pub mod protocol;
pub mod protocols;
mod run;
mod set_evaluation;
mod table;
mod versus;
mod without_effect;

pub use error::SuiteError;
pub use examples::neighbour_figure;
pub use judged_at::JudgedAt;
pub(crate) use protocols::outliers::unlabelled;
pub use protocols::{Outcomes, ProtocolKind, SuiteConfig};
pub use run::{EncoderEvaluation, NotOneArm, SuiteEvaluation, SuiteRequest, evaluate};
pub(crate) use run::{load_options, scaled};
pub use set_evaluation::{Beside, QueryNeighbours, SetEvaluation};
pub use table::in_words;
pub use versus::{ArmSummary, Versus};
pub use without_effect::without_effect;
