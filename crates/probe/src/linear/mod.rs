//! Linear classifiers on frozen features.

mod fit;
mod lbfgs;
mod line_search;
mod logistic;
mod path;
mod penalty;
pub(crate) mod preconditioner;
mod predictions;
mod probe;
mod standardiser;
mod undecided;

pub use fit::{LogisticConfig, LogisticFit, LogisticProblem};
pub use lbfgs::{LbfgsConfig, LbfgsOutcome, Stop, minimise};
pub use logistic::Logistic;
pub use path::LogisticPath;
pub use penalty::{PenaltyChoice, PenaltyRule, PenaltyScore, choose_penalty};
pub use predictions::Predictions;
pub(crate) use probe::per_class_accuracy;
pub use probe::{LinearProbe, LinearProbeConfig, LinearScore, linear_probe};
pub use standardiser::Standardiser;
