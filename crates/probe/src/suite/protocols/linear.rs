//! The linear probe on all training images, with its confusion and calibration.

use maud::Markup;
use serde::{Deserialize, Serialize};
use zview_report::numbers::{precise_percent, with_interval};

use super::Outcomes;
use crate::ProbeError;
use crate::calibration::{Calibration, calibration};
use crate::confusion::{Confusion, confusion};
use crate::linear::LinearScore;
use crate::suite::SuiteConfig;
use crate::suite::SuiteError;
use crate::suite::figures::class_scores::class_scores;
use crate::suite::figures::confusion::{ConfusionFigure, confusion as confusion_figure};
use crate::suite::figures::mistakes::{mistakes, worst_mistakes};
use crate::suite::figures::reliability::reliability;
use crate::suite::metric::{Better, Metric, Right, Score, Unit};
use crate::suite::protocol::{Bench, Protocol, Section, held_out};
use crate::suite::set_evaluation::SetEvaluation;

/// Worst mistakes on the page.
const MISTAKES: usize = 16;
/// What the classifier is called on pages.
pub const CLASSIFIER: &str = "linear probe";

/// L-BFGS logistic regression.
pub struct Linear;

/// What it finds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    /// Accuracy.
    pub linear: LinearScore,
    /// Which classes are taken for which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confusion: Option<Confusion>,
    /// Whether its confidence can be believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
}

impl Outcome {
    /// The accuracy on the held-out training images that the penalty was picked on.
    fn validation(&self) -> Option<f64> {
        let picked = |tried: &&crate::linear::PenaltyScore| tried.penalty == self.linear.penalty;
        self.linear.validation.iter().find(picked).map(|tried| tried.validation_top1)
    }
}

/// The key of its accuracy.
pub const KEY: &str = "linear";
/// The key of its calibration error.
pub const CALIBRATION: &str = "ece";

/// The metric of its accuracy.
#[must_use]
pub fn metric() -> Metric {
    Metric::accuracy(KEY.to_owned(), "Linear".to_owned(), "linear".to_owned(), (0, 0.0))
}

impl Protocol for Linear {
    type Outcome = Outcome;
    const KEY: &'static str = KEY;
    const READS: &'static [&'static str] = &["linear", "confusion", "calibration"];

    fn decided(config: &SuiteConfig) -> Option<String> {
        Some(match config.linear.fixed_penalty {
            Some(penalty) => format!("linear: L-BFGS logistic regression, penalty {penalty:e} given"),
            None => format!(
                "linear: L-BFGS logistic regression, penalty picked from {} on {}, refitted on all of them",
                config.linear.penalties.len(),
                held_out(config.linear.validation_share)
            ),
        })
    }

    fn run(bench: &Bench<'_>, _: &Outcomes) -> Result<Option<Outcome>, ProbeError> {
        let (test, config) = (&bench.encoded.test, bench.config);
        let mut linear = bench.linear_probe()?.score(test);
        let interval = bench.interval(&linear.correct);
        (linear.low, linear.high) = (interval.low, interval.high);
        let confusion = confusion(&linear.predictions, test.labels(), test.class_names(), &config.confusion)?;
        let calibration = calibration(&linear.predictions, &config.calibration)?;
        Ok(Some(Outcome { linear, confusion: Some(confusion), calibration: Some(calibration) }))
    }

    fn scores(found: &Outcome, set: &SetEvaluation) -> Vec<Score> {
        let linear = &found.linear;
        let note = match linear.validation.len() {
            0 => format!("penalty {:.1e}, given", linear.penalty),
            tried => {
                format!("penalty {:.1e}, picked from {tried} on held-out training images", linear.penalty)
            }
        };
        let mut scores = vec![Score {
            interval: Some((linear.low, linear.high)),
            over: set.intervals.short(),
            n_train: linear.n_train,
            note,
            right: (!linear.correct.is_empty()).then(|| Right::once(&linear.correct)),
            ..set.score(metric(), linear.top1)
        }];
        if let Some(validation) = found.validation() {
            scores.push(set.score(metric().on_validation(), validation));
        }
        if let Some(Calibration { ece, ece_interval, .. }) = found.calibration {
            let metric =
                Metric::other(CALIBRATION, "Calibration error", Unit::Share, Better::Lower, (7, 0.0));
            let interval = Some((ece_interval.low, ece_interval.high));
            scores.push(Score { interval, ..set.score(metric, ece) });
        }
        scores
    }

    fn lines(found: &Outcome) -> Vec<(String, String)> {
        let linear = &found.linear;
        let how = match linear.validation.len() {
            0 => "given".to_owned(),
            tried => format!("picked from {tried} on a validation split"),
        };
        let top1 = with_interval(linear.top1, Some((linear.low, linear.high)), precise_percent);
        let top5 = linear.top5.map_or_else(String::new, |top5| format!(", {} top-5", precise_percent(top5)));
        let probe = format!("{top1} top-1{top5} (penalty {:.1e}, {how})", linear.penalty);
        let mut lines = vec![("linear probe".to_owned(), probe)];
        if let Some(Calibration { ece, ece_interval, .. }) = &found.calibration {
            let value = with_interval(*ece, Some((ece_interval.low, ece_interval.high)), precise_percent);
            lines.push(("  calibration".to_owned(), format!("error {value} (ECE, 15 bins by default)")));
        }
        let classes = found.confusion.iter().flat_map(|confusion| &confusion.classes);
        let worst = classes.filter_map(|class| Some((class.accuracy?, &class.class)));
        if let Some((accuracy, class)) = worst.min_by(|a, b| a.0.total_cmp(&b.0)) {
            lines.push(("  worst class".to_owned(), format!("{class}: {}", precise_percent(accuracy))));
        }
        lines
    }

    fn sections(found: &Outcome, bench: &Bench<'_>, _: &SetEvaluation) -> Result<Vec<Section>, SuiteError> {
        let section = |place, heading, content: Markup| Section { place, heading, content };
        let (test, predictions) = (bench.images.test, &found.linear.predictions);
        let labels = bench.encoded.test.labels();
        let figure = ConfusionFigure::count(test.classes.clone(), labels, &predictions.classes, CLASSIFIER);
        let worst = worst_mistakes(predictions, test, MISTAKES, CLASSIFIER)?;
        let mut sections = vec![
            section(20, "Confusion matrix", confusion_figure(&figure)),
            section(21, "Accuracy of each class", class_scores(&figure.class_scores())),
            section(22, "Worst mistakes", mistakes(&worst)),
        ];
        if let Some(calibration) = &found.calibration {
            sections.push(section(23, "Calibration", reliability(calibration, CLASSIFIER)?));
        }
        Ok(sections)
    }
}
