//! Which classes a classifier takes for which.

mod counts;
mod report;

pub use counts::ConfusionMatrix;
pub use report::{ClassAccuracy, ConfusedPair, Confusion, ConfusionConfig, confusion};
