//! How sure a figure is: intervals, tests, and where its spread comes from.

mod bootstrap;
mod cluster_bootstrap;
mod student_t;

pub use bootstrap::{Interval, accuracy_interval, paired_difference_interval};
pub use cluster_bootstrap::{cluster_accuracy_interval, cluster_difference_interval};
pub use student_t::{MeanInterval, mean_interval, student_t_cdf, student_t_quantile};
