//! The page of an evaluation: one encoder on one or more data sets.
//!
//! A section is on the page where its figure is in the [`SetPage`]; each figure is plain numbers, names and PNG
//! files. Accuracies, shares and probabilities are fractions, 0 to 1.

mod class_scores;
mod clusters;
mod confusion;
mod corruptions;
mod label_curve;
pub mod machine;
mod map_drawing;
mod map_labels;
mod maps;
mod mistakes;
mod outliers;
mod overlap;
mod page;
mod paired;
mod reliability;
mod scores;
mod set;
mod spectrum;

pub use class_scores::ClassScore;
pub use clusters::ClusterFigure;
pub use confusion::ConfusionFigure;
pub use corruptions::{CorruptionFigure, CorruptionRow};
pub use label_curve::{CurvePoint, LabelCurve, LabelCurveFigure};
pub use maps::{MapFigure, MapPanel};
pub use mistakes::{Mistake, MistakesFigure, worst_mistakes};
pub use outliers::{OutlierFigure, OutlierRow};
pub use overlap::{OverlapFigure, OverlapPair};
pub use page::{EVALUATION_STYLE, EvaluatedEncoder, EvaluationPage};
pub use paired::PairedTest;
pub use reliability::{ReliabilityBin, ReliabilityFigure};
pub use scores::ScoreRow;
pub use set::{Protocol, SetPage};
pub use spectrum::SpectrumFigure;
