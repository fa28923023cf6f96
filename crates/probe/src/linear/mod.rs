//! Linear classifiers on frozen features.

mod lbfgs;
mod line_search;
mod logistic;
mod path;
mod penalty;
pub(crate) mod preconditioner;
mod predictions;
mod probe;

pub use lbfgs::{LbfgsConfig, LbfgsOutcome, Stop, minimise};
pub use logistic::{Logistic, LogisticConfig, LogisticFit, LogisticProblem};
pub use path::LogisticPath;
pub use penalty::{PenaltyChoice, PenaltyRule, PenaltyScore, choose_penalty};
pub use predictions::Predictions;
pub(crate) use probe::per_class_accuracy;
pub use probe::{LinearProbe, LinearProbeConfig, LinearScore, linear_probe};
