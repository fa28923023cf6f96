//! k nearest neighbours.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zview_report::numbers::{precise_percent, with_interval};

use super::Outcomes;
use crate::ProbeError;
use crate::neighbours::{KnnScore, knn_on};
use crate::suite::SuiteConfig;
use crate::suite::metric::{Metric, Right, Score};
use crate::suite::protocol::{Bench, Protocol};
use crate::suite::set_evaluation::SetEvaluation;

/// Weighted votes of the k most similar training images.
pub struct Knn;

/// What it finds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    /// Accuracy by k.
    pub knn: BTreeMap<usize, KnnScore>,
}

/// The metric of its accuracy by `k` neighbours.
#[must_use]
pub fn metric(k: usize) -> Metric {
    Metric::accuracy(format!("knn_{k}"), format!("{k}-NN"), format!("{k}-nn"), (1, k as f64))
}

impl Protocol for Knn {
    type Outcome = Outcome;
    const KEY: &'static str = "knn";
    const READS: &'static [&'static str] = &["knn"];

    fn decided(_: &SuiteConfig) -> Option<String> {
        Some("knn: cosine similarity, votes exp(similarity / T), nothing picked".to_owned())
    }

    fn run(bench: &Bench<'_>, _: &Outcomes) -> Result<Option<Outcome>, ProbeError> {
        let (encoded, device) = (bench.encoded, bench.judged.extractor.device());
        let mut knn = knn_on(device, &encoded.train, &encoded.test, &bench.config.knn)?;
        for score in knn.values_mut() {
            let interval = bench.interval(&score.correct);
            (score.low, score.high) = (interval.low, interval.high);
        }
        Ok(Some(Outcome { knn }))
    }

    fn scores(found: &Outcome, set: &SetEvaluation) -> Vec<Score> {
        let score = |(&k, score): (&usize, &KnnScore)| Score {
            interval: Some((score.low, score.high)),
            over: set.intervals.short(),
            note: "cosine similarity, weighted votes".to_owned(),
            right: (!score.correct.is_empty()).then(|| Right::once(&score.correct)),
            ..set.score(metric(k), score.top1)
        };
        found.knn.iter().map(score).collect()
    }

    fn lines(found: &Outcome) -> Vec<(String, String)> {
        let line = |(k, score): (&usize, &KnnScore)| {
            let interval = Some((score.low, score.high));
            (format!("{k}-nearest"), with_interval(score.top1, interval, precise_percent))
        };
        found.knn.iter().map(line).collect()
    }
}
