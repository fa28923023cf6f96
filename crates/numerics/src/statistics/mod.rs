//! How sure a figure is: intervals, tests, and where its spread comes from.

mod arms;
mod bootstrap;
mod cluster_bootstrap;
mod cochran_cox;
mod fieller;
mod mcnemar;
mod mean;
mod paired_seeds;
mod student_t;
mod variance_split;

pub use arms::arms_difference_interval;
pub use bootstrap::{Interval, accuracy_interval, paired_difference_interval, percentile_interval};
pub use cluster_bootstrap::{cluster_accuracy_interval, cluster_difference_interval};
pub use fieller::ratio_interval;
pub use mcnemar::{PairedTest, holm, mcnemar};
pub use mean::{MeanInterval, mean_interval, median, welch_interval};
pub use paired_seeds::{PairedSeeds, paired_seeds_difference};
pub use student_t::{student_t_cdf, student_t_quantile};
pub use variance_split::{VarianceSplit, variance_split};
