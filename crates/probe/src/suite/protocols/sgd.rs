//! The linear probe trained by steps on augmented images.

use serde::{Deserialize, Serialize};
use zview_report::numbers::{precise_percent, with_interval};

use super::Outcomes;
use crate::ProbeError;
use crate::sgd::{SgdScore, sgd_probe};
use crate::suite::SuiteConfig;
use crate::suite::metric::{Metric, Right, Score};
use crate::suite::protocol::{Bench, Protocol, held_out};
use crate::suite::set_evaluation::SetEvaluation;

/// Momentum SGD, a head for each learning rate.
pub struct Sgd;

/// What it finds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    /// Accuracy.
    pub sgd: SgdScore,
}

impl Protocol for Sgd {
    type Outcome = Outcome;
    const KEY: &'static str = "sgd";
    const READS: &'static [&'static str] = &["sgd"];

    fn decided(config: &SuiteConfig) -> Option<String> {
        Some(format!(
            "sgd: augmented images, {} epochs, rate picked from {} on {}",
            config.sgd.epochs,
            config.sgd.learning_rates.len(),
            held_out(config.sgd.validation_share)
        ))
    }

    fn run(bench: &Bench<'_>, _: &Outcomes) -> Result<Option<Outcome>, ProbeError> {
        let (images, pool) = (bench.images, Some(bench.config.train_pool));
        let sgd = sgd_probe(bench.judged.extractor, images.train, images.test, pool, &bench.config.sgd)?;
        Ok(Some(Outcome { sgd }))
    }

    fn scores(Outcome { sgd }: &Outcome, set: &SetEvaluation) -> Vec<Score> {
        let metric =
            Metric::accuracy("sgd".to_owned(), "Linear by SGD".to_owned(), "sgd".to_owned(), (5, 0.0));
        vec![Score {
            interval: Some((sgd.low, sgd.high)),
            over: "test images".to_owned(),
            n_train: sgd.n_train,
            note: format!(
                "rate {}, picked on held-out training images; {} epochs",
                sgd.learning_rate, sgd.epochs
            ),
            right: (!sgd.correct.is_empty()).then(|| Right::once(&sgd.correct)),
            ..set.score(metric, sgd.top1)
        }]
    }

    fn lines(Outcome { sgd }: &Outcome) -> Vec<(String, String)> {
        let top1 = with_interval(sgd.top1, Some((sgd.low, sgd.high)), precise_percent);
        let how = format!("{top1} (rate {}, picked on a validation split)", sgd.learning_rate);
        vec![("linear by SGD".to_owned(), how)]
    }
}
