//! From gradients to new weights: an optimizer is one file with its equation and one line in `rule.rs`.

mod adamw;
mod config;
mod gate;
mod gradients;
mod lars;
mod rule;
mod schedule;
mod sgd;
mod step;

pub use config::{GroupConfig, OptimizerConfig};
pub use gate::StepGate;
pub use gradients::NamedGradients;
pub use rule::{AnyRule, OptimizerKind};
pub use schedule::warmup_cosine;
pub use step::{Optimizer, UnmatchedGroup, Update};
