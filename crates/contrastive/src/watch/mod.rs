//! The collapse watch: what the features of the last batch say about the run, one file per measure.
//!
//! Everything here works on the host in f64 on features that were read together with the losses; nothing reaches
//! back into training. What each number means for a user is in `docs/watching.md`.

mod agreement;
mod alignment;
mod collapse;
mod config;
mod effective_rank;
mod feature_rows;
mod feature_std;
mod measures;
mod online_probe;
mod similarities;
mod uniformity;

pub(crate) use agreement::view_agreement;
pub use alignment::alignment;
pub use collapse::{Collapse, CollapseWatch};
pub use config::WatchConfig;
pub use effective_rank::{effective_rank, rank_of_singular_values};
pub use feature_rows::FeatureRows;
pub use feature_std::feature_std;
pub use measures::Measures;
pub use online_probe::OnlineProbe;
pub use similarities::{Similarities, similarities};
pub use uniformity::uniformity;
