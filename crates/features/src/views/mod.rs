//! What the features of a few views say of a run: one file per measure, on the host, in f64.

mod alignment;
mod effective_rank;
mod feature_rows;
mod feature_std;
mod similarities;
mod uniformity;

pub use alignment::alignment;
pub use effective_rank::{effective_rank, rank_of_singular_values};
pub use feature_rows::FeatureRows;
pub use feature_std::feature_std;
pub use similarities::{Similarities, similarities};
pub use uniformity::uniformity;
