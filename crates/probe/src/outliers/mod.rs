//! Whether features tell images of another data set from images of this one.

mod detection;
mod mahalanobis;
mod nearest;
mod ranking;
mod shrinkage;

pub use detection::{OutlierConfig, OutlierDetection, OutlierScore, outlier_detection};
pub use mahalanobis::{MahalanobisDistance, mahalanobis_distance};
pub use nearest::neighbour_distance;
pub use ranking::{auroc, auroc_interval, false_positive_rate};
pub use shrinkage::ledoit_wolf_shrinkage;
