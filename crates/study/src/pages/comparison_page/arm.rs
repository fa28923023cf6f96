//! What the page knows of an arm.

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
    /// What came out. Data sets and measures have columns in the order in which they are first met here.
    pub scores: Vec<ArmScore>,
}

/// The setting that changes along a series, and its value in one arm.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmAxis {
    /// The setting: `views.std`.
    pub key: String,
    /// Its value.
    pub value: f64,
}

/// How an arm did on one data set by one measure.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ArmScore {
    /// The data set.
    pub data: String,
    /// How it was judged: `Linear`, `20-NN`, `10 labels per class`.
    pub measure: String,
    /// Accuracy, mean over the seeds.
    pub accuracy: f64,
    /// Ends of its 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// The accuracy of each seed.
    pub seeds: Vec<f64>,
    /// Against the reference arm; none for that arm itself.
    pub minus_reference: Option<MinusReference>,
}

/// An arm's accuracy minus that of the arm that it is compared with.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MinusReference {
    /// The arm that it is compared with, where that is not the reference.
    pub against: Option<String>,
    /// The difference, -1 to 1.
    pub difference: f64,
    /// Ends of its 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// Probability of a difference at least as large if neither were better, after Holm's correction.
    pub p_holm: Option<f64>,
    /// Whether it can be told from 0.
    pub significant: bool,
}

impl ComparedArm {
    /// Its score by a measure on a data set.
    pub(super) fn score(&self, data: &str, measure: &str) -> Option<&ArmScore> {
        self.scores.iter().find(|score| score.data == data && score.measure == measure)
    }
}

/// All data sets, in the order in which the arms name them.
pub(super) fn data_sets(arms: &[ComparedArm]) -> Vec<&str> {
    distinct(arms.iter().flat_map(|arm| arm.scores.iter().map(|score| score.data.as_str())))
}

/// All measures on one data set, or on any.
pub(super) fn measures<'a>(arms: &'a [ComparedArm], data: Option<&str>) -> Vec<&'a str> {
    let scores = arms.iter().flat_map(|arm| &arm.scores);
    let on_data = scores.filter(|score| data.is_none_or(|data| score.data == data));
    distinct(on_data.map(|score| score.measure.as_str()))
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
