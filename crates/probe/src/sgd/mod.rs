//! The linear probe by stochastic gradient descent on augmented images.

mod batches;
mod config;
mod heads;
mod probe;
mod resized;
mod score;
#[cfg(test)]
mod tests;

pub use config::SgdProbeConfig;
pub use probe::{sgd_probe, sgd_probe_on_features};
pub use score::{RateScore, SgdScore};
