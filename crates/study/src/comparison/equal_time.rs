//! Arms on the way, and after equal training time instead of equal updates.

use std::collections::BTreeMap;

use serde::Serialize;

use super::cell_result::{CellProgress, CellResult};
use super::collect::{ArmComparison, Cells};
use super::scores::{Difference, Score, difference_over_seeds, score};
use super::study::{Study, StudyArm};

/// The scores of an arm after some of its updates.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProgressScores {
    /// Updates so far.
    pub steps: u64,
    /// Seconds of training so far; every update of an arm takes as long as another.
    pub seconds: f64,
    /// By measure.
    pub scores: BTreeMap<String, Score>,
}

/// All arms after equal training time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EqualTime {
    /// Seconds of training of the fastest arm.
    pub seconds: f64,
    /// The arms; without those that take no step, and those that were not judged early enough.
    pub arms: Vec<ArmAtTime>,
}

/// An arm at that time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ArmAtTime {
    /// Its name.
    pub name: String,
    /// Updates that it has taken by then.
    pub steps: f64,
    /// By data set, then measure; between two judgements on the line between them.
    pub scores: BTreeMap<String, BTreeMap<String, Score>>,
    /// The arm minus the reference, both at that time, with intervals over seeds.
    pub minus_reference: BTreeMap<String, BTreeMap<String, Difference>>,
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
        let at_point = |(number, point): (usize, &CellProgress)| {
            let score_of = |name: &String| {
                let values = sets.iter().filter_map(|set| set.progress.get(number)?.measures.get(name));
                (name.clone(), score(values.copied().collect(), &first.evaluation))
            };
            let seconds = arm_seconds * share(point.steps, updates(cells));
            ProgressScores {
                steps: point.steps,
                seconds,
                scores: point.measures.keys().map(score_of).collect(),
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

/// Every arm when the fastest is done; `None` where arms are judged at their end alone.
pub(super) fn equal_time(
    study: &Study,
    cells: &[(&StudyArm, Cells)],
    arms: &[ArmComparison],
    arm_seconds: &BTreeMap<String, f64>,
) -> Option<EqualTime> {
    if arms.iter().all(|arm| arm.progress.is_empty()) {
        return None;
    }
    let takes = |arm: &ArmComparison| arm_seconds.get(&arm.name).copied().unwrap_or(0.0);
    let trained = || arms.iter().zip(cells).filter(|(arm, _)| arm.steps > 0 && takes(arm) > 0.0);
    let seconds = trained().map(|(arm, _)| takes(arm)).min_by(f64::total_cmp)?;
    let steps_of = |arm: &ArmComparison| arm.steps as f64 * seconds / takes(arm);
    let at_time = |arm: &ArmComparison, cells: &Cells, data: &str| -> BTreeMap<u64, BTreeMap<String, f64>> {
        let steps = steps_of(arm);
        cells.iter().filter_map(|(&seed, cell)| Some((seed, measures_at(cell, data, steps)?))).collect()
    };
    let mut at = Vec::new();
    for (arm, (_, cells)) in trained() {
        let (mut scores, mut minus_reference) = (BTreeMap::new(), BTreeMap::new());
        let against = trained().find(|(other, _)| Some(&other.name) == arm.against.as_ref());
        for data in &study.config.data {
            let own = at_time(arm, cells, data);
            let Some(evaluation) = cells.values().find_map(|cell| Some(&cell.sets.get(data)?.evaluation))
            else {
                continue;
            };
            let other = against.map(|(other, (_, cells))| at_time(other, cells, data));
            let Some(names) = own.values().next().map(|first| first.keys()) else { continue };
            for name in names {
                let values = own.values().filter_map(|measures| measures.get(name).copied()).collect();
                let of_data: &mut BTreeMap<String, Score> = scores.entry(data.clone()).or_default();
                of_data.insert(name.clone(), score(values, evaluation));
                let paired = |(seed, measures): (&u64, &BTreeMap<String, f64>)| {
                    Some((*measures.get(name)?, *other.as_ref()?.get(seed)?.get(name)?))
                };
                let (first, second): (Vec<f64>, Vec<f64>) = own.iter().filter_map(paired).unzip();
                if !first.is_empty() {
                    let of_data: &mut BTreeMap<String, Difference> =
                        minus_reference.entry(data.clone()).or_default();
                    of_data.insert(name.clone(), difference_over_seeds(&first, &second));
                }
            }
        }
        if !scores.is_empty() {
            at.push(ArmAtTime { name: arm.name.clone(), steps: steps_of(arm), scores, minus_reference });
        }
    }
    (!at.is_empty()).then_some(EqualTime { seconds, arms: at })
}

/// A cell's measures after `steps` updates, on the line between the judgements around it; `None` before the first.
fn measures_at(cell: &CellResult, data: &str, steps: f64) -> Option<BTreeMap<String, f64>> {
    let progress = &cell.sets.get(data)?.progress;
    // The fastest arm is at its end, whatever the rounding.
    let after = progress.iter().position(|point| point.steps as f64 >= steps - 1e-6)?;
    let end = &progress[after];
    if (end.steps as f64 - steps).abs() < 1e-6 {
        return Some(end.measures.clone());
    }
    let start = &progress[after.checked_sub(1)?];
    let along = (steps - start.steps as f64) / (end.steps - start.steps) as f64;
    let between = |(name, &to): (&String, &f64)| {
        let from = start.measures.get(name)?;
        Some((name.clone(), from + along * (to - from)))
    };
    Some(end.measures.iter().filter_map(between).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::cell_result::CellSet;

    fn cell(points: &[(u64, f64)]) -> CellResult {
        let mut cell = CellResult::new(400, 0.0, 40.0);
        let mut set = CellSet::of_nothing();
        set.progress = points
            .iter()
            .map(|&(steps, value)| CellProgress { steps, measures: [("linear".to_owned(), value)].into() })
            .collect();
        cell.sets.insert("letters".to_owned(), set);
        cell
    }

    #[test]
    fn between_two_judgements_scores_lie_on_a_line() {
        let cell = cell(&[(100, 0.5), (200, 0.7), (400, 0.8)]);
        let at = |steps: f64| measures_at(&cell, "letters", steps).map(|measures| measures["linear"]);
        assert_eq!(at(50.0), None, "nothing is known before the first judgement");
        assert_eq!((at(100.0), at(400.0)), (Some(0.5), Some(0.8)));
        assert!((at(150.0).unwrap() - 0.6).abs() < 1e-12 && (at(300.0).unwrap() - 0.75).abs() < 1e-12);
        assert_eq!(at(401.0), None);
        assert_eq!(measures_at(&cell, "digits", 400.0), None);
    }
}
