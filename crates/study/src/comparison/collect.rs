//! All finished cells as one comparison.

use std::collections::BTreeMap;

use serde::Serialize;
use zview_data::{Split, image_groups};
use zview_numerics::statistics::{holm, median, paired_seeds_difference};

use super::answer::answer;
use super::cell_result::CellResult;
use super::equal_time::{EqualTime, equal_time};
use super::held_out::{HeldOutPick, picks};
use super::pace::read_pace;
use super::pairs::{PairDifference, pairs};
use super::progress::{ProgressScores, arm_seconds, progress_scores};
use super::recovered::{Recovered, recovered};
use super::scores::{Difference, IMAGES_UNKNOWN, Score, difference_over_seeds, score};
use super::study::{Axis, Study, StudyArm};
use crate::grid::{Cell, failure};
use zview_probe::suite::JudgedAt;
use zview_probe::suite::intervals::too_few;

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
    /// The arms, in the file's order.
    pub arms: Vec<ArmComparison>,
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
            return format!("95 % t intervals over seeds{why}");
        }
        let scores = self.arms.iter().flat_map(|arm| arm.scores.values()).flat_map(BTreeMap::values);
        let mut over: Vec<&str> = Vec::new();
        for words in scores.filter_map(|score| score.over.as_deref()) {
            if !over.contains(&words) {
                over.push(words);
            }
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
    pub linear: Option<Score>,
    /// By data set, then measure.
    pub scores: BTreeMap<String, BTreeMap<String, Score>>,
    /// The arm minus the one that it is compared with, by data set, then measure.
    pub minus_reference: BTreeMap<String, BTreeMap<String, Difference>>,
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
    let mut arms: Vec<ArmComparison> = by_arm
        .iter()
        .map(|(arm, cells)| {
            let against = by_arm
                .iter()
                .find(|(other, _)| Some(&other.name) == arm.against.as_ref())
                .map(|(_, cells)| cells);
            let seconds = arm_seconds.get(&arm.name).copied().unwrap_or(0.0);
            compared(study, arm, cells, against, progress_scores(study, seconds, cells))
        })
        .collect();
    correct_for_many(&mut arms);
    let judged_at = judged_at(study, &by_arm);
    let recovered = study.config.gap.as_ref().map_or_else(BTreeMap::new, |gap| recovered(study, gap, &arms));
    let seconds = arm_seconds.get(&study.config.reference).copied().unwrap_or(0.0);
    let mut equal_time = equal_time(study, &by_arm, seconds, &mut failed);
    if let Some(at_time) = &mut equal_time {
        correct_for_many(&mut at_time.arms);
    }
    let mut comparison = Comparison {
        question: study.config.question.clone(),
        answer: String::new(),
        reference: study.config.reference.clone(),
        held_out_picks: picks(&arms, &study.config.data),
        data: study.config.data.clone(),
        judged_at,
        seeds: study.config.seeds.clone(),
        arms,
        pairs: Vec::new(),
        recovered,
        equal_time,
        failed,
    };
    comparison.pairs = pairs(&comparison, &by_arm);
    comparison.answer = answer(&comparison);
    comparison
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

/// `arm` by its cells, minus those of the arm that it is compared with.
pub(super) fn compared(
    study: &Study,
    arm: &StudyArm,
    cells: &Cells,
    against: Option<&Cells>,
    progress: BTreeMap<String, Vec<ProgressScores>>,
) -> ArmComparison {
    let middle = |of: &dyn Fn(&CellResult) -> f64| median(cells.values().map(of).collect());
    let (mut scores, mut minus_reference) = (BTreeMap::new(), BTreeMap::new());
    for data in &study.config.data {
        scores.insert(data.clone(), scores_on(cells, data));
        if let Some(against) = against {
            minus_reference.insert(data.clone(), differences_on(cells, against, data));
        }
    }
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
        linear: study.config.data.first().and_then(|data| scores.get(data)?.get("linear").cloned()),
        scores,
        minus_reference,
        progress,
    }
}

fn scores_on(cells: &Cells, data: &str) -> BTreeMap<String, Score> {
    let sets: Vec<_> = cells.values().filter_map(|cell| cell.sets.get(data)).collect();
    let Some(first) = sets.first() else { return BTreeMap::new() };
    let measured: Vec<_> = sets.iter().map(|set| set.measures()).collect();
    let score_of = |of: zview_probe::suite::metric::Score| {
        let values = measured.iter().filter_map(|set| set.get(&of.metric.key).copied()).collect();
        let score = score(values, of.metric.clone(), first.evaluation.images()).of_one_encoder(&of);
        (of.metric.key, score)
    };
    first.evaluation.scores().into_iter().map(score_of).collect()
}

/// On the seeds that both arms have. Where it is known which test images were right, the interval speaks of other test
/// images too.
pub(super) fn differences_on(cells: &Cells, reference: &Cells, data: &str) -> BTreeMap<String, Difference> {
    let pairs: Vec<_> = cells
        .iter()
        .filter_map(|(seed, cell)| Some((cell.sets.get(data)?, reference.get(seed)?.sets.get(data)?)))
        .collect();
    let measured: Vec<_> = pairs.iter().map(|(own, other)| (own.measures(), other.measures())).collect();
    let Some((first, _)) = measured.first() else { return BTreeMap::new() };
    let groups = image_groups(data, Split::Test).map(|groups| groups.of_image);
    let mut differences = BTreeMap::new();
    for name in first.keys() {
        let values: Option<(Vec<f64>, Vec<f64>)> =
            measured.iter().map(|(own, other)| Some((*own.get(name)?, *other.get(name)?))).collect();
        let Some((own, other)) = values else { continue };
        let mut difference = difference_over_seeds(&own, &other);
        let right: Option<(Vec<_>, Vec<_>)> =
            pairs.iter().map(|(own, other)| Some((own.right(name)?, other.right(name)?))).collect();
        if right.is_none() && difference.no_interval.is_none() {
            difference.no_p = Some(IMAGES_UNKNOWN);
        }
        let paired = right.and_then(|(own, other)| {
            paired_seeds_difference(&slices(&own), &slices(&other), groups.as_deref())
        });
        if let Some(paired) = paired.filter(|_| difference.no_interval.is_none()) {
            (difference.low, difference.high) = (Some(paired.low), Some(paired.high));
            difference.p_value = paired.p_value;
        }
        differences.insert(name.clone(), difference);
    }
    differences
}

fn slices(rows: &[Vec<f32>]) -> Vec<&[f32]> {
    rows.iter().map(Vec::as_slice).collect()
}

/// Holm's correction over the p-values of all arms and data sets, for each measure.
fn correct_for_many(arms: &mut [ArmComparison]) {
    let mut by_measure: BTreeMap<String, Vec<&mut Difference>> = BTreeMap::new();
    for (name, difference) in
        arms.iter_mut().flat_map(|arm| arm.minus_reference.values_mut()).flat_map(BTreeMap::iter_mut)
    {
        if difference.p_value.is_some() {
            by_measure.entry(name.clone()).or_default().push(difference);
        }
    }
    for tested in by_measure.values_mut() {
        let p_values: Vec<f64> = tested.iter().filter_map(|difference| difference.p_value).collect();
        for (difference, corrected) in tested.iter_mut().zip(holm(&p_values)) {
            difference.p_holm = Some(corrected);
        }
    }
}
