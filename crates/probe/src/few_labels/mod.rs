//! What can be learnt from few labels.

mod draw;
mod few_shot;
mod label_curve;
mod shares;

pub use few_shot::{FewShotConfig, FewShotScore, few_shot};
pub use label_curve::{IntervalOver, LabelCurve, LabelCurveConfig, LabelCurvePoint, label_curve};
pub use shares::few_shot_shares;
