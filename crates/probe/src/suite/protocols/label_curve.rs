//! Accuracy over the number of labels.

use serde::{Deserialize, Serialize};
use zview_report::numbers::{precise_percent, with_interval};
use zview_runtime::words::counted;

use super::Outcomes;
use crate::ProbeError;
use crate::few_labels::{LabelCurve as Curve, LabelCurvePoint, label_curve};
use crate::suite::SuiteConfig;
use crate::suite::SuiteError;
use crate::suite::figures::label_curve::label_curve as figure;
use crate::suite::metric::{Better, Metric, Score, Unit};
use crate::suite::protocol::{Bench, Protocol, Section};
use crate::suite::set_evaluation::SetEvaluation;

/// Nested draws of more and more labels.
pub struct LabelCurve;

/// What it finds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    /// A point for each number of labels.
    pub label_curve: Curve,
}

/// The metric of a point; of all labels without a number.
fn metric(point: &LabelCurvePoint) -> Metric {
    let (key, title, labels) = match point.labels_per_class {
        Some(labels) => (format!("{labels}"), format!("{labels} per class"), labels as f64),
        None => ("all".to_owned(), "all labels".to_owned(), f64::MAX),
    };
    let (key, title) = (format!("label_curve_{key}"), format!("Label curve at {title}"));
    Metric::other(&key, &title, Unit::Share, Better::Higher, (4, labels))
}

impl Protocol for LabelCurve {
    type Outcome = Outcome;
    const KEY: &'static str = "label_curve";
    const READS: &'static [&'static str] = &["label_curve"];

    fn decided(config: &SuiteConfig) -> Option<String> {
        let draws = counted(config.label_curve.draws, "draw");
        Some(format!("label-curve: {draws}, larger ones contain smaller ones"))
    }

    fn run(bench: &Bench<'_>, _: &Outcomes) -> Result<Option<Outcome>, ProbeError> {
        let label_curve = label_curve(&bench.encoded.train, &bench.encoded.test, &bench.config.label_curve)?;
        Ok(Some(Outcome { label_curve }))
    }

    fn scores(found: &Outcome, set: &SetEvaluation) -> Vec<Score> {
        let score = |point: &LabelCurvePoint| Score {
            interval: point.low.zip(point.high),
            over: format!("{} of the labels", counted(point.draws.len(), "draw")),
            n_train: point.labels,
            note: "linear, nested draws".to_owned(),
            draws: point.draws.clone(),
            ..set.score(metric(point), point.mean)
        };
        found.label_curve.points.iter().map(score).collect()
    }

    fn lines(found: &Outcome) -> Vec<(String, String)> {
        let line = |point: &LabelCurvePoint| {
            let labels = point.labels_per_class.map_or_else(|| "all".to_owned(), |labels| labels.to_string());
            let mean = with_interval(point.mean, point.low.zip(point.high), precise_percent);
            (format!("curve, {labels}"), mean)
        };
        found.label_curve.points.iter().map(line).collect()
    }

    fn sections(found: &Outcome, _: &Bench<'_>, _: &SetEvaluation) -> Result<Vec<Section>, SuiteError> {
        let content = figure(&found.label_curve)?;
        Ok(vec![Section { place: 10, heading: "Label efficiency", content }])
    }
}
