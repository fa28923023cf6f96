//! Telling another data set's images from this one's.

use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use zview_data::{ImageSet, short_name};
use zview_features::extract;
use zview_report::numbers::{percent, shown_with_interval, thousands};
use zview_report::table::{Row, Table, or_dash, table};

use super::Outcomes;
use crate::ProbeError;
use crate::outliers::{OutlierDetection, OutlierScore, outlier_detection};
use crate::suite::SuiteError;
use crate::suite::metric::{Better, Metric, Score, Unit};
use crate::suite::protocol::{Bench, Protocol, Section};
use crate::suite::set_evaluation::SetEvaluation;

/// By distances in feature space, and by how unsure the linear probe is. No outlier was seen before.
pub struct Outliers;

/// What it finds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    /// How well the two are told apart.
    pub outliers: OutlierEvaluation,
}

/// Outliers and where they come from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OutlierEvaluation {
    /// The other data set.
    pub data: String,
    /// How well it is told.
    #[serde(flatten)]
    pub detection: OutlierDetection,
}

/// Whether its test images are told by distance to a neighbour, by the nearest class, and by the probe.
fn scores_of(found: &OutlierDetection) -> impl Iterator<Item = (&'static str, String, &OutlierScore)> {
    let neighbours = format!("distance to neighbour {}", found.neighbours);
    let class = "Mahalanobis distance to the nearest class".to_owned();
    let unsure = "how unsure the linear probe is".to_owned();
    [("neighbours", neighbours, &found.nearest_neighbour), ("mahalanobis", class, &found.mahalanobis)]
        .into_iter()
        .chain(found.max_softmax.as_ref().map(|score| ("softmax", unsure, score)))
}

/// The same images, all of one class that stands for none.
pub(crate) fn unlabelled(images: &ImageSet) -> ImageSet {
    images.of_one_class("outlier")
}

impl Protocol for Outliers {
    type Outcome = Outcome;
    const KEY: &'static str = "outliers";
    const READS: &'static [&'static str] = &["outlier_data", "outliers", "linear"];

    fn run(bench: &Bench<'_>, _: &Outcomes) -> Result<Option<Outcome>, ProbeError> {
        let Some((data, others)) = bench.images.outliers else { return Ok(None) };
        // Their labels are not looked at, and there may be none.
        let others = extract(bench.judged.extractor, &unlabelled(others), bench.config.batch)?;
        let (train, test) = (&bench.encoded.train, &bench.encoded.test);
        let (probe, config) = (bench.linear_probe()?, &bench.config.outliers);
        let detection = outlier_detection(train, test, &others, Some(probe), config)?;
        Ok(Some(Outcome { outliers: OutlierEvaluation { data: data.to_owned(), detection } }))
    }

    fn scores(found: &Outcome, set: &SetEvaluation) -> Vec<Score> {
        let score = |(number, (key, by, score)): (usize, (&str, String, &OutlierScore))| {
            let (key, title) = (format!("outliers_{key}"), format!("AUROC of outliers by {by}"));
            let metric = Metric::other(&key, &title, Unit::Share, Better::Higher, (9, number as f64));
            Score {
                interval: Some((score.interval.low, score.interval.high)),
                ..set.score(metric, score.auroc)
            }
        };
        scores_of(&found.outliers.detection).enumerate().map(score).collect()
    }

    fn lines(found: &Outcome) -> Vec<(String, String)> {
        let detection = &found.outliers.detection;
        let softmax = detection.max_softmax.as_ref();
        let softmax = softmax.map_or_else(String::new, |score| format!(", softmax {:.3}", score.auroc));
        let text = format!(
            "AUROC against {}: neighbours {:.3}, Mahalanobis {:.3}{softmax} ({} images)",
            short_name(&found.outliers.data, []),
            detection.nearest_neighbour.auroc,
            detection.mahalanobis.auroc,
            detection.n_outliers
        );
        vec![("outliers".to_owned(), text)]
    }

    fn sections(found: &Outcome, _: &Bench<'_>, set: &SetEvaluation) -> Result<Vec<Section>, SuiteError> {
        let content = figure(&found.outliers, short_name(&set.data, []));
        Ok(vec![Section { place: 40, heading: "Outliers", content }])
    }
}

/// A row for each way of telling.
fn figure(outliers: &OutlierEvaluation, data: &str) -> Markup {
    let found = &outliers.detection;
    let row = |(_, by, score): (&str, String, &OutlierScore)| {
        let cells = [
            shown_with_interval(score.auroc, Some((score.interval.low, score.interval.high)), percent),
            html! { (by) },
            or_dash(Some(format!("{} % at 95 % recall", percent(score.fpr_at_95_tpr)))),
            html! { (thousands(found.n_outliers)) },
        ];
        Row::new(short_name(&outliers.data, []), cells)
    };
    table(&Table {
        caption: Some(html! {
            "How well " (thousands(found.n_test)) " test images of " (data) " are told from images of another "
            "data set: AUROC in %, 50 is guessing, 100 never wrong. No outlier was seen before."
        }),
        headers: vec!["Against", "AUROC", "By", "False positives", "Their images"],
        rows: scores_of(found).map(row).collect(),
        ..Table::default()
    })
}
