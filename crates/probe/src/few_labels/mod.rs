//! What can be learnt from few labels.

mod few_shot;

pub use few_shot::{FewShotConfig, FewShotScore, few_shot};
