//! All finished cells as one comparison.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use zview_data::{Split, image_groups};
use zview_numerics::statistics::median;

use super::answer::answer;
use super::cell_result::CellResult;
use super::contrasts::{Contrast, contrasts};
use super::equal_time::{EqualTime, equal_time};
use super::held_out::{HeldOutPick, picks};
use super::measures::headlines;
use super::pace::read_pace;
use super::pairs::{PairDifference, pairs};
use super::progress::{ProgressScores, arm_seconds, progress_scores};
use super::recovered::{Recovered, recovered};
use super::spread::{Spread, spreads};
use super::study::{Axis, Study, StudyArm};
use crate::grid::{Cell, failure};
use zview_probe::suite::JudgedAt;
use zview_probe::suite::arms::{ArmScore, Arms, ByMetric, Difference, Pairing, correct_together, distinct};
use zview_probe::suite::intervals::too_few;
use zview_probe::suite::metric::Metric;
use zview_probe::suite::protocols::linear;

/// Arms on the same test images.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// What is asked.
    pub question: String,
    /// What the numbers allow to say.
    pub answer: String,
    /// The arm that the others are compared with.
    pub reference: String,
    /// Data sets.
    pub data: Vec<String>,
    /// At which sizes and in which colours the images of each data set were judged.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub judged_at: BTreeMap<String, Vec<JudgedAt>>,
    /// Seeds.
    pub seeds: Vec<u64>,
    /// What was measured, in the order of tables.
    pub metrics: Vec<Metric>,
    /// The arms, in the file's order.
    pub arms: Vec<ArmComparison>,
    /// What the file asks of the arms.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contrasts: Vec<Contrast>,
    /// Which of it could not be tested, and why, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_tested: Vec<String>,
    /// How far differences spread, and what the seeds find.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spreads: Vec<Spread>,
    /// Every arm minus every other that stands before it, by the linear probe or the first measure that there is; empty
    /// of two arms, and of many.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<PairDifference>,
    /// The share of the real-synthetic gap that views recover, by data set.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub recovered: BTreeMap<String, Recovered>,
    /// The arms with schedules of the reference's training time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equal_time: Option<EqualTime>,
    /// What held-out training images pick along each axis.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub held_out_picks: Vec<HeldOutPick>,
    /// Cells whose last attempt failed.
    pub failed: Vec<FailedCell>,
}

impl Comparison {
    /// What the intervals of scores are, in words.
    #[must_use]
    pub fn intervals_in_words(&self) -> String {
        if self.seeds.len() > 1 {
            let why = too_few(self.seeds.len()).map_or_else(String::new, |why| format!(" ({why})"));
            return format!("95 % intervals over seeds and test images{why}");
        }
        let scores = self.arms.iter().flat_map(|arm| arm.scores.values()).flat_map(BTreeMap::values);
        let mut over: Vec<&str> = Vec::new();
        for words in scores.clone().filter_map(|score| score.over.as_deref()) {
            if !over.contains(&words) {
                over.push(words);
            }
        }
        if over.is_empty() {
            let some = scores.clone().any(|score| score.interval().is_some());
            return if some { "95 % intervals over test images" } else { "no intervals" }.to_owned();
        }
        // Of images before draws.
        over.sort_by_key(|words| words.ends_with("labels"));
        format!("95 % intervals {}", over.join(", of few labels ")).trim_end().to_owned()
    }

    /// Whether any cell was judged.
    #[must_use]
    pub fn has_results(&self) -> bool {
        self.arms.iter().flat_map(|arm| arm.scores.values()).any(|scores| !scores.is_empty())
    }
}

/// One arm.
#[derive(Debug, Clone, Serialize)]
pub struct ArmComparison {
    /// Its name.
    pub name: String,
    /// What its encoder learns from.
    pub taught_by: String,
    /// The arm that it is compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// The name that arms of one axis share.
    pub series: String,
    /// Where it lies on that axis.
    pub axis: Option<Axis>,
    /// Updates.
    pub steps: u64,
    /// Whether its encoder has the weights that it began with, and began with random ones.
    #[serde(skip)]
    pub untrained: bool,
    /// Median seconds of training.
    pub seconds: f64,
    /// Median views per second.
    pub views_per_second: f64,
    /// Seeds whose cells are not finished.
    pub missing_seeds: Vec<u64>,
    /// Seeds whose training was interrupted and continued: their seconds are those of the last part.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interrupted_seeds: Vec<u64>,
    /// By linear probe on the first data set; the same as in `scores`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linear: Option<ArmScore>,
    /// By data set, then metric.
    pub scores: BTreeMap<String, ByMetric<ArmScore>>,
    /// The arm minus the one that it is compared with, by data set, then metric.
    pub minus_reference: BTreeMap<String, ByMetric<Difference>>,
    /// Scores on the way, by data set; empty where arms are judged at their end alone.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub progress: BTreeMap<String, Vec<ProgressScores>>,
}

/// A cell whose last attempt failed.
#[derive(Debug, Clone, Serialize)]
pub struct FailedCell {
    /// Its number.
    pub cell: usize,
    /// Its arm.
    pub arm: String,
    /// Its seed.
    pub seed: u64,
    /// Why.
    pub error: String,
}

/// The finished cells of one arm, by seed.
pub(super) type Cells = BTreeMap<u64, CellResult>;

/// An arm and its finished cells.
pub(super) type ArmCells<'a> = (&'a StudyArm, Cells);

/// What the finished cells of `study` say. The same cells give the same comparison wherever they were computed.
#[must_use]
pub fn collect(study: &Study) -> Comparison {
    let mut failed = Vec::new();
    let by_arm = finished_cells(study, &study.arms, &mut failed);
    let arm_seconds = arm_seconds(study, &by_arm, &read_pace(study));
    let measured = measured(study, by_arm.iter());
    let of_arm = |(arm, cells): &ArmCells<'_>| {
        let seconds = arm_seconds.get(&arm.name).copied().unwrap_or(0.0);
        let (own, progress) = ((&*arm.name, cells), progress_scores(study, seconds, cells));
        compared(study, arm, own, &measured, arm.against.as_deref(), progress)
    };
    let arms: Vec<ArmComparison> = by_arm.iter().map(of_arm).collect();
    let judged_at = judged_at(study, &by_arm);
    let seconds = arm_seconds.get(&study.config.reference).copied().unwrap_or(0.0);
    let equal_time = equal_time(study, &by_arm, seconds, &mut failed);
    let scores = arms.iter().flat_map(|arm| arm.scores.values()).flat_map(BTreeMap::values);
    let metrics = distinct(scores.map(|score| &score.metric));
    let mut comparison = Comparison {
        question: study.config.question.clone(),
        answer: String::new(),
        reference: study.config.reference.clone(),
        held_out_picks: picks(&arms, &study.config.data),
        data: study.config.data.clone(),
        judged_at,
        seeds: study.config.seeds.clone(),
        metrics,
        arms,
        pairs: Vec::new(),
        recovered: BTreeMap::new(),
        equal_time,
        failed,
        contrasts: Vec::new(),
        not_tested: Vec::new(),
        spreads: Vec::new(),
    };
    (comparison.contrasts, comparison.not_tested) =
        contrasts(&study.config.contrasts, &comparison, &measured);
    test_arms(&mut comparison, study.config.contrasts.is_empty());
    if let Some(gap) = &study.config.gap {
        comparison.recovered = recovered(gap, &comparison, &measured);
    }
    comparison.spreads = spreads(&comparison, &measured);
    comparison.pairs = pairs(&comparison, &measured);
    comparison.answer = answer(&comparison);
    comparison
}

/// Tests every arm against what it is compared with by the headline measures, one family at equal updates and one at equal
/// time, where the file asks for nothing else. What is not tested has an interval alone.
fn test_arms(comparison: &mut Comparison, tested: bool) {
    let headlines: BTreeMap<String, Vec<String>> = comparison
        .data
        .iter()
        .map(|data| {
            (data.clone(), headlines(comparison, data).into_iter().map(|metric| metric.key).collect())
        })
        .collect();
    let at_time = comparison.equal_time.iter_mut().map(|at_time| &mut at_time.arms);
    for arms in std::iter::once(&mut comparison.arms).chain(at_time) {
        let of_data = |(data, by_metric): (&String, &'_ mut ByMetric<Difference>)| {
            let headlines = headlines.get(data);
            for (key, difference) in by_metric.iter_mut() {
                if !tested || !headlines.is_some_and(|keys| keys.contains(key)) {
                    difference.p_value = None;
                }
            }
        };
        arms.iter_mut().flat_map(|arm| &mut arm.minus_reference).for_each(of_data);
        let differences = arms.iter_mut().flat_map(|arm| arm.minus_reference.values_mut());
        correct_together(differences.flat_map(BTreeMap::values_mut));
    }
}

/// The different sizes and colours that cells judged each data set at; cells of earlier versions do not say it.
fn judged_at(study: &Study, by_arm: &[ArmCells<'_>]) -> BTreeMap<String, Vec<JudgedAt>> {
    let mut by_data: BTreeMap<String, Vec<JudgedAt>> = BTreeMap::new();
    for data in &study.config.data {
        let cells = by_arm.iter().flat_map(|(_, cells)| cells.values());
        for at in cells.filter_map(|cell| cell.sets.get(data)?.evaluation.judged_at.clone()) {
            let known = by_data.entry(data.clone()).or_default();
            if !known.contains(&at) {
                known.push(at);
            }
        }
    }
    by_data
}

impl Comparison {
    /// ` of 32x32 rgb`, or nothing where no cell says it.
    #[must_use]
    pub fn judged_in_words(&self, data: &str) -> String {
        let mut sizes: Vec<String> =
            self.judged_at.get(data).into_iter().flatten().map(JudgedAt::in_words).collect();
        sizes.dedup();
        if sizes.is_empty() { String::new() } else { format!(" of {}", sizes.join(" or ")) }
    }
}

/// The finished cells of each of `arms`, all or some of the comparison's; failed ones are added.
pub(super) fn finished_cells<'a>(
    study: &'a Study,
    arms: &'a [StudyArm],
    failed: &mut Vec<FailedCell>,
) -> Vec<ArmCells<'a>> {
    let mut by_arm: Vec<ArmCells<'a>> = arms.iter().map(|arm| (arm, Cells::new())).collect();
    for (number, cell) in study.cells().iter().enumerate() {
        let Some((_, cells)) = by_arm.iter_mut().find(|(arm, _)| arm.name == cell.arm.name) else { continue };
        if let Some(result) = study.finished(cell.arm, cell.seed) {
            cells.insert(cell.seed, result);
        } else if let Some(error) = failure(&cell.folder()) {
            failed.push(FailedCell { cell: number, arm: cell.arm.name.clone(), seed: cell.seed, error });
        }
    }
    by_arm
}

/// What the finished cells of `arms` were measured at, by data set. Differences are paired by seed; where it is known
/// which test images were right, they speak of other test images too.
pub(super) fn measured<'a>(
    study: &Study,
    arms: impl Iterator<Item = &'a ArmCells<'a>> + Clone,
) -> BTreeMap<String, Arms> {
    let pairing = Pairing::Seeds { asked: study.config.seeds.len() };
    let on_data = |data: &String| {
        let of_arm = |(arm, cells): &ArmCells<'_>| {
            let of_cell = |(&seed, cell): (&u64, &CellResult)| Some(cell.sets.get(data)?.measured(seed));
            (arm.name.clone(), cells.iter().filter_map(of_cell).collect())
        };
        let groups = image_groups(data, Split::Test, study.config.evaluation.class_list())
            .map(|groups| groups.of_image);
        let measured = Arms::new(arms.clone().map(of_arm).collect(), groups, pairing);
        let untrained =
            arms.clone().filter(|(arm, _)| study.is_untrained(arm)).map(|(arm, _)| arm.name.clone());
        let level = |name: &String| Some(measured.scores(name).get(linear::KEY)?.mean);
        let untrained: BTreeSet<String> = untrained.collect();
        // An arm that has learnt nothing spreads as an untrained one does, not as the others do.
        let most = untrained.iter().filter_map(level).fold(f64::NEG_INFINITY, f64::max);
        let names = arms.clone().map(|(arm, _)| arm.name.clone());
        let collapsed = names.filter(|name| level(name).is_some_and(|mean| mean <= most));
        let alone: BTreeSet<String> = collapsed.chain(untrained.clone()).collect();
        (data.clone(), measured.with_alone(alone))
    };
    study.config.data.iter().map(on_data).collect()
}

/// `arm` by its cells and the measurements of their name, minus those of the name that it is compared with.
pub(super) fn compared(
    study: &Study,
    arm: &StudyArm,
    (measured_as, cells): (&str, &Cells),
    measured: &BTreeMap<String, Arms>,
    against: Option<&str>,
    progress: BTreeMap<String, Vec<ProgressScores>>,
) -> ArmComparison {
    let middle = |of: &dyn Fn(&CellResult) -> f64| median(cells.values().map(of).collect());
    let scores: BTreeMap<String, ByMetric<ArmScore>> =
        measured.iter().map(|(data, arms)| (data.clone(), arms.scores(measured_as))).collect();
    let minus = |against: &str| {
        measured.iter().map(|(data, arms)| (data.clone(), arms.differences(measured_as, against))).collect()
    };
    ArmComparison {
        name: arm.name.clone(),
        taught_by: arm.taught_by.clone(),
        against: arm.against.clone(),
        series: arm.series.clone(),
        axis: arm.axis.clone(),
        steps: cells.values().map(|cell| cell.steps).max().unwrap_or(0),
        untrained: study.is_untrained(arm),
        seconds: middle(&|cell| cell.training_seconds),
        views_per_second: middle(&|cell| cell.views_per_second),
        missing_seeds: study.config.seeds.iter().copied().filter(|seed| !cells.contains_key(seed)).collect(),
        interrupted_seeds: cells.iter().filter(|(_, cell)| cell.interrupted).map(|(&seed, _)| seed).collect(),
        linear: study.config.data.first().and_then(|data| scores.get(data)?.get(linear::KEY).cloned()),
        scores,
        minus_reference: against.map(minus).unwrap_or_default(),
        progress,
    }
}
