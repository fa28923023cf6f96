//! Arms on the way: scores after some of their updates, and the seconds that these take.

use std::collections::BTreeMap;

use serde::Serialize;
use zview_probe::suite::arms::{ArmScore, ByMetric};
use zview_probe::suite::metric::Metric;

use super::cell_result::CellProgress;
use super::collect::Cells;
use super::study::{Study, StudyArm};

/// The scores of an arm after some of its updates, with intervals over seeds alone: which test images were right is kept at
/// the end only.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProgressScores {
    /// Updates so far.
    pub steps: u64,
    /// Seconds of training so far; every update of an arm takes as long as another.
    pub seconds: f64,
    /// By metric.
    pub scores: ByMetric<ArmScore>,
}

/// An arm's scores on the way, by data set.
pub(super) fn progress_scores(
    study: &Study,
    arm_seconds: f64,
    cells: &Cells,
) -> BTreeMap<String, Vec<ProgressScores>> {
    let mut by_data = BTreeMap::new();
    for data in &study.config.data {
        let sets: Vec<_> = cells.values().filter_map(|cell| cell.sets.get(data)).collect();
        let Some(first) = sets.first().filter(|first| !first.progress.is_empty()) else { continue };
        let metrics: Vec<Metric> = first.evaluation.scores().into_iter().map(|score| score.metric).collect();
        let at_point = |(number, point): (usize, &CellProgress)| {
            let score_of = |metric: Metric| {
                let name = metric.key.clone();
                let values = sets.iter().filter_map(|set| set.progress.get(number)?.measures.get(&name));
                let values: Vec<f64> = values.copied().collect();
                let images = first.evaluation.images();
                (!values.is_empty()).then(|| (name, ArmScore::over_seeds(values, metric, images)))
            };
            let seconds = arm_seconds * share(point.steps, updates(cells));
            ProgressScores {
                steps: point.steps,
                seconds,
                scores: metrics.iter().cloned().filter_map(score_of).collect(),
            }
        };
        by_data.insert(data.clone(), first.progress.iter().enumerate().map(at_point).collect());
    }
    by_data
}

/// Seconds that all updates of each arm take: the reference's by its fastest seed (other work on a machine only ever adds
/// to it), the others' by their pace relative to it, or by their own fastest seed where that was not measured.
pub(super) fn arm_seconds(
    study: &Study,
    cells: &[(&StudyArm, Cells)],
    pace: &BTreeMap<String, f64>,
) -> BTreeMap<String, f64> {
    let fastest = |cells: &Cells| {
        cells.values().map(|cell| cell.training_seconds).min_by(f64::total_cmp).unwrap_or(0.0)
    };
    let reference = cells.iter().find(|(arm, _)| arm.name == study.config.reference);
    let reference = reference.map(|(_, cells)| fastest(cells)).filter(|&seconds| seconds > 0.0);
    let of_arm = |(arm, cells): &(&StudyArm, Cells)| {
        let paced = reference.zip(pace.get(&arm.name)).map(|(seconds, pace)| seconds * pace);
        (arm.name.clone(), paced.unwrap_or_else(|| fastest(cells)))
    };
    cells.iter().map(of_arm).collect()
}

fn updates(cells: &Cells) -> u64 {
    cells.values().map(|cell| cell.steps).max().unwrap_or(0)
}

fn share(steps: u64, all: u64) -> f64 {
    steps as f64 / all.max(1) as f64
}
