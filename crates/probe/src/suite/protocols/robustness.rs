//! The linear probe on corrupted test images.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zview_report::numbers::{precise_percent, with_interval};

use super::Outcomes;
use super::linear::CLASSIFIER;
use crate::ProbeError;
use crate::corruptions::{Corruption, Robustness as Found, corrupt, robustness};
use crate::suite::SuiteError;
use crate::suite::examples::{draw_queries, labelled_image};
use crate::suite::figures::corruptions::{CorruptionFigure, CorruptionRow, corruptions};
use crate::suite::metric::{Better, Metric, Score, Unit};
use crate::suite::protocol::{Bench, Protocol, Section};
use crate::suite::set_evaluation::SetEvaluation;

/// Accuracy by corruption and severity.
pub struct Robustness;

/// What it finds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    /// Accuracies.
    pub robustness: Found,
}

impl Protocol for Robustness {
    type Outcome = Outcome;
    const KEY: &'static str = "robustness";
    const READS: &'static [&'static str] = &["robustness", "linear"];

    fn run(bench: &Bench<'_>, _: &Outcomes) -> Result<Option<Outcome>, ProbeError> {
        let (extractor, config) = (bench.judged.extractor, &bench.config.robustness);
        let robustness = robustness(extractor, bench.linear_probe()?, bench.images.test, config)?;
        Ok(Some(Outcome { robustness }))
    }

    fn scores(Outcome { robustness }: &Outcome, set: &SetEvaluation) -> Vec<Score> {
        let metric = |key, title, unit, better, number| Metric::other(key, title, unit, better, (8, number));
        let score = |metric, value, interval: zview_numerics::statistics::Interval| Score {
            interval: Some((interval.low, interval.high)),
            n_test: robustness.n_test,
            ..set.score(metric, value)
        };
        vec![
            score(
                metric("corrupted", "Corrupted images", Unit::Share, Better::Higher, 0.0),
                robustness.corrupted,
                robustness.corrupted_interval,
            ),
            score(
                metric("corruption_drop", "Lost to corruptions", Unit::Difference, Better::Lower, 1.0),
                robustness.drop,
                robustness.drop_interval,
            ),
        ]
    }

    fn lines(Outcome { robustness }: &Outcome) -> Vec<(String, String)> {
        let interval = robustness.corrupted_interval;
        let value = with_interval(robustness.corrupted, Some((interval.low, interval.high)), precise_percent);
        let clean = precise_percent(robustness.clean);
        let images = robustness.n_test;
        vec![("corrupted".to_owned(), format!("{value}, {clean} clean, {images} test images"))]
    }

    fn sections(found: &Outcome, bench: &Bench<'_>, _: &SetEvaluation) -> Result<Vec<Section>, SuiteError> {
        let figure = figure(&found.robustness, bench)?;
        let content = corruptions(&figure);
        Ok(vec![Section { place: 30, heading: "Robustness to corruptions", content }])
    }
}

/// The table with an image that stands for all, drawn before any result was known.
fn figure(robustness: &Found, bench: &Bench<'_>) -> Result<CorruptionFigure, SuiteError> {
    let (test, seed) = (bench.images.test, bench.config.robustness.seed);
    let example = test.select(&draw_queries(seed, test.len(), 1));
    let mut by_corruption: BTreeMap<String, (Corruption, Vec<(u8, f64)>)> = BTreeMap::new();
    for score in &robustness.scores {
        let name = serde_json::to_value(score.corruption).unwrap_or_default();
        let name = name.as_str().unwrap_or_default().replace('-', " ");
        let (_, row) = by_corruption.entry(name).or_insert((score.corruption, Vec::new()));
        row.push((score.severity, score.top1));
    }
    let mut rows = Vec::new();
    for (corruption, (kind, scores)) in by_corruption {
        let mut pngs = Vec::new();
        for &(severity, _) in &scores {
            let corrupted = corrupt(&example, kind, severity, seed)
                .map_err(|error| SuiteError::from((CLASSIFIER, test.name.as_str(), error)))?;
            pngs.push(labelled_image(&corrupted, 0)?.png);
        }
        let accuracies = scores.iter().map(|(_, top1)| *top1).collect();
        rows.push(CorruptionRow { corruption, accuracies, pngs });
    }
    Ok(CorruptionFigure {
        clean: robustness.clean,
        classifier: CLASSIFIER.to_owned(),
        n_test: robustness.n_test,
        rows,
        clean_png: Some(labelled_image(&example, 0)?.png),
    })
}
