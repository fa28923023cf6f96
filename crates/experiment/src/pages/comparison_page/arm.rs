//! What the page knows of an arm.

use zview_probe::suite::arms::{ArmScore, Difference};
use zview_probe::suite::metric::Metric;
use zview_report::markers::{Marker, marker, series_marker};

/// One arm, over all its seeds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ComparedArm {
    /// Its name: `gaussian-0.5`.
    pub name: String,
    /// What its encoder learnt from, in short: `samples of gan-mnist, Tx and Gaussian views`.
    pub taught_by: String,
    /// The arms that were made from one entry of the study have its name: `gaussian`.
    pub series: String,
    /// Its place in the series.
    pub axis: Option<ArmAxis>,
    /// What its recipe sets: key and value.
    pub settings: Vec<(String, String)>,
    /// Training steps; 0 without training.
    pub steps: u64,
    /// Training time of a seed, median over the seeds.
    pub seconds: Option<f64>,
    /// Seeds without a result.
    pub missing_seeds: Vec<u64>,
    /// Whether the training of a seed was interrupted and continued, so that its seconds are those of the last part.
    pub interrupted: bool,
    /// What came out. Data sets and metrics have columns in the order in which they are first met here.
    pub scores: Vec<ShownScore>,
}

/// The setting that changes along a series, and its value in one arm.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmAxis {
    /// The setting: `views.std`.
    pub key: String,
    /// Its value.
    pub value: f64,
}

/// How an arm did on one data set by one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownScore {
    /// The data set.
    pub data: String,
    /// The score.
    pub score: ArmScore,
    /// Against the arm that it is compared with; none for the reference itself.
    pub minus: Option<MinusArm>,
}

/// An arm's score minus that of the arm that it is compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct MinusArm {
    /// The arm that it is compared with, where that is not the reference.
    pub against: Option<String>,
    /// The difference.
    pub difference: Difference,
}

impl ComparedArm {
    /// Its score by a metric on a data set.
    pub(super) fn score(&self, data: &str, key: &str) -> Option<&ArmScore> {
        self.shown(data, key).map(|shown| &shown.score)
    }

    /// The same with its difference.
    pub(super) fn shown(&self, data: &str, key: &str) -> Option<&ShownScore> {
        self.scores.iter().find(|shown| shown.data == data && shown.score.metric.key == key)
    }
}

/// All data sets, in the order in which the arms name them.
pub(super) fn data_sets(arms: &[ComparedArm]) -> Vec<&str> {
    distinct(arms.iter().flat_map(|arm| arm.scores.iter().map(|score| score.data.as_str())))
}

/// All metrics on one data set, or on any, in the order in which the arms name them.
pub(super) fn metrics<'a>(arms: &'a [ComparedArm], data: Option<&str>) -> Vec<&'a Metric> {
    metrics_of(arms.iter().flat_map(|arm| &arm.scores), data)
}

/// Those of `scores`.
pub(super) fn metrics_of<'a>(
    scores: impl Iterator<Item = &'a ShownScore>,
    data: Option<&str>,
) -> Vec<&'a Metric> {
    let mut found: Vec<&Metric> = Vec::new();
    for ShownScore { score, .. } in scores.filter(|shown| data.is_none_or(|data| shown.data == data)) {
        if !found.iter().any(|metric| metric.key == score.metric.key) {
            found.push(&score.metric);
        }
    }
    found
}

/// A value as it is read to people who do not see a plot.
pub(super) fn spoken(metric: &Metric, value: f64) -> String {
    metric.unit.number(value)(value) + metric.unit.after()
}

/// A marker for each arm: grey for the reference, one for all other arms of a series.
pub(super) fn arm_markers(arms: &[ComparedArm], reference: &str) -> Vec<Marker> {
    let others = arms.iter().filter(|arm| arm.name != reference);
    let series = distinct(others.map(|arm| arm.series.as_str()));
    let marker = |arm: &ComparedArm| match series.iter().position(|name| *name == arm.series) {
        Some(position) if arm.name != reference => series_marker(position),
        _ => marker(0),
    };
    arms.iter().map(marker).collect()
}

/// An interval that can be drawn: one without an end is left out of plots.
pub(super) fn finite(interval: Option<(f64, f64)>) -> Option<(f64, f64)> {
    interval.filter(|(low, high)| low.is_finite() && high.is_finite())
}

/// Each name once, in the order of first meeting.
pub(super) fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found: Vec<&str> = Vec::new();
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}
