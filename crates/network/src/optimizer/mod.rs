//! From gradients to new weights.

mod adam;
mod config;
mod gate;
mod schedule;
mod sgd;

pub use adam::Adam;
pub use config::{OptimizerConfig, OptimizerKind};
pub use gate::{StepGate, squared_gradients};
pub use schedule::warmup_cosine;
pub use sgd::Sgd;
