//! Whether a classifier is as sure as it is right.

mod bins;
mod report;

pub use bins::{ReliabilityBin, equal_mass_bins, equal_width_bins, expected_calibration_error};
pub use report::{Calibration, CalibrationConfig, calibration};
