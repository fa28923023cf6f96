//! How sure a figure is: intervals, tests, and where its spread comes from.

mod bootstrap;
mod cochran_cox;
mod drawn;
mod fieller;
mod mcnemar;
mod mean;
mod paired_arms;
mod power;
mod shared_variance;
mod student_t;
mod unpaired_arms;
mod variance_split;
mod wilson;

pub use bootstrap::{Interval, percentile_interval};
pub use drawn::{drawn_accuracy_interval, drawn_difference_interval};
pub use fieller::{Ratio, ratio};
pub use mcnemar::{PairedTest, holm, mcnemar};
pub use mean::{MeanInterval, mean_interval, median, welch_interval};
pub use paired_arms::{Contrast, PairedArms};
pub use power::Planned;
pub use shared_variance::{Moderated, SHARED_DEGREES, SharedVariance};
pub use student_t::{student_t_cdf, student_t_quantile};
pub use unpaired_arms::{difference_of_one, unpaired_difference};
pub use variance_split::{VarianceSplit, variance_split};
pub use wilson::{accuracy_interval, clustered_accuracy_interval};
