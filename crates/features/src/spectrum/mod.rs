//! How many directions features really use.

mod covariance;
mod power_law;
mod report;

pub use covariance::{covariance, mean_row};
pub use power_law::{PowerLaw, power_law};
pub use report::{FeatureSpectrum, SpectrumConfig, VarianceShare, feature_spectrum};
