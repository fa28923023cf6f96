//! Arms of encoders (one per training seed) on the same test images.

use std::collections::BTreeMap;

use crate::{FewShotScore, LinearScore};
use serde::Serialize;
use zview_numerics::statistics::{
    Interval, PairedTest, VarianceSplit, arms_difference_interval, holm, mcnemar, mean_interval,
    variance_split, welch_interval,
};

use super::run::EncoderEvaluation;
use super::set_evaluation::SetEvaluation;
use crate::suite::intervals::{of_accuracy, over_seeds, too_few};

/// Differences have random streams of their own: protocols use numbers below this.
const FIRST_DIFFERENCE: u64 = 1_000;

/// Several encoders of one arm on one data set.
#[derive(Debug, Clone, Serialize)]
pub struct ArmSummary {
    /// `first` or `versus`.
    pub arm: &'static str,
    /// The data set.
    pub data: String,
    /// Encoders, one for each training seed.
    pub seeds: usize,
    /// Test images.
    pub n_test: usize,
    /// Mean top-1 of the linear probe over encoders, with its 95 % t-interval.
    pub linear: Option<ArmMean>,
    /// Where the spread of few-label accuracy comes from, keyed by labels per class.
    pub few_shot: BTreeMap<usize, VarianceSplit>,
}

/// A mean over encoders.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ArmMean {
    /// The mean.
    pub mean: f64,
    /// Lower end of its interval; absent for one encoder and for two.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// Why it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_interval: Option<&'static str>,
}

/// accuracy(first) - accuracy(versus) on the same test images of one data set.
#[derive(Debug, Clone, Serialize)]
pub struct ArmComparison {
    /// The data set.
    pub data: String,
    /// `linear`
    pub protocol: &'static str,
    /// Encoders in the first arm and in the other.
    pub seeds: [usize; 2],
    /// Test images.
    pub n_test: usize,
    /// Difference of the mean accuracies, -1 to 1.
    pub difference: f64,
    /// Lower end of its 95 % interval: over test images, and over seeds where an arm has several; absent where an arm has
    /// two.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// Why it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_interval: Option<&'static str>,
    /// McNemar's test, where each arm is one encoder and test images are independent (those of `glyphs` are not).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcnemar: Option<PairedTest>,
    /// Its p-value corrected for the number of data sets (Holm).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_holm: Option<f64>,
    /// Few-label differences on the same draws, keyed by labels per class.
    pub few_shot: BTreeMap<usize, FewShotDifference>,
}

/// The mean difference over draws of labelled images that both arms learnt from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FewShotDifference {
    /// The mean.
    pub mean: f64,
    /// Lower end of its 95 % t-interval; absent where an arm of several faces a single encoder, or one has two.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// Why it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_interval: Option<&'static str>,
    /// Draws.
    pub draws: usize,
    /// What the interval is over: `draws` for one encoder each, else `encoders`.
    pub over: &'static str,
}

/// A summary for each data set of an arm of several encoders.
pub(super) fn summaries(encoders: &[EncoderEvaluation], arm: &'static str) -> Vec<ArmSummary> {
    let of_arm: Vec<&EncoderEvaluation> = encoders.iter().filter(|encoder| encoder.arm == arm).collect();
    let Some(first) = of_arm.first().filter(|_| of_arm.len() > 1) else { return Vec::new() };
    (0..first.sets.len())
        .map(|set| {
            let sets: Vec<&SetEvaluation> = of_arm.iter().map(|encoder| &encoder.sets[set]).collect();
            let top1: Option<Vec<f64>> =
                sets.iter().map(|set| linear(set).map(|linear| linear.top1)).collect();
            let few_shot = few_shot_keys(sets[0]).filter_map(|labels| {
                let draws: Option<Vec<Vec<f64>>> = sets
                    .iter()
                    .map(|set| few_shot_at(set, labels).map(|score| score.draws.clone()))
                    .collect();
                let mut split = variance_split(&draws?)?;
                let interval = split.low.zip(split.high).map(|(low, high)| Interval { low, high });
                let interval = over_seeds(interval, split.seeds).map(of_accuracy);
                (split.low, split.high) = interval.map(|interval| (interval.low, interval.high)).unzip();
                Some((labels, split))
            });
            ArmSummary {
                arm,
                data: sets[0].data.clone(),
                seeds: sets.len(),
                n_test: sets[0].n_test,
                linear: top1.map(|top1| arm_mean(&top1)),
                few_shot: few_shot.collect(),
            }
        })
        .collect()
}

/// The mean accuracy of one encoder per seed.
fn arm_mean(values: &[f64]) -> ArmMean {
    let summary = mean_interval(values);
    let interval = over_seeds(summary.interval, values.len()).map(of_accuracy);
    let (low, high) = interval.map(|interval| (interval.low, interval.high)).unzip();
    ArmMean { mean: summary.mean, low, high, no_interval: too_few(values.len()) }
}

fn linear(set: &SetEvaluation) -> Option<&LinearScore> {
    set.found.linear.as_ref().map(|found| &found.linear)
}

fn few_shot_keys(set: &SetEvaluation) -> impl Iterator<Item = usize> {
    set.found.few_shot.iter().flat_map(|found| found.few_shot.keys().copied())
}

fn few_shot_at(set: &SetEvaluation, labels: usize) -> Option<&FewShotScore> {
    set.found.few_shot.as_ref()?.few_shot.get(&labels)
}

/// A comparison for each data set; `groups` has, for each data set, which test images belong together.
pub(super) fn comparisons(
    encoders: &[EncoderEvaluation],
    groups: &[Option<Vec<usize>>],
    seed: u64,
) -> Vec<ArmComparison> {
    let of = |arm: &str| encoders.iter().filter(|encoder| encoder.arm == arm).collect::<Vec<_>>();
    let (first, versus) = (of("first"), of("versus"));
    let mut all = Vec::new();
    for (index, groups) in groups.iter().enumerate() {
        let sets = |arm: &[&EncoderEvaluation]| {
            arm.iter().map(|encoder| encoder.sets[index].clone()).collect::<Vec<_>>()
        };
        let number = FIRST_DIFFERENCE + index as u64;
        all.extend(compare(&sets(&first), &sets(&versus), groups.as_deref(), seed, number));
    }
    let tested: Vec<f64> = all.iter().filter_map(|one| one.mcnemar.map(|test| test.p_value)).collect();
    let mut corrected = holm(&tested).into_iter();
    for comparison in all.iter_mut().filter(|one| one.mcnemar.is_some()) {
        comparison.p_holm = corrected.next();
    }
    all
}

fn compare(
    first: &[SetEvaluation],
    versus: &[SetEvaluation],
    groups: Option<&[usize]>,
    seed: u64,
    use_number: u64,
) -> Option<ArmComparison> {
    let correct = |sets: &[SetEvaluation]| -> Option<Vec<Vec<bool>>> {
        sets.iter().map(|set| linear(set).map(|linear| linear.correct.clone())).collect()
    };
    let (a, b) = (correct(first)?, correct(versus)?);
    let a_slices: Vec<&[bool]> = a.iter().map(Vec::as_slice).collect();
    let b_slices: Vec<&[bool]> = b.iter().map(Vec::as_slice).collect();
    let interval = arms_difference_interval(&a_slices, &b_slices, groups, seed, use_number)?;
    let no_interval = too_few(a.len()).or(too_few(b.len()));
    let interval = Some(interval).filter(|_| no_interval.is_none());
    let mean = |sets: &[SetEvaluation]| {
        sets.iter().filter_map(linear).map(|linear| linear.top1).sum::<f64>() / sets.len() as f64
    };
    // The test takes images for independent of each other, which those of a group are not.
    let single = (a.len() == 1 && b.len() == 1 && groups.is_none()).then(|| mcnemar(&a[0], &b[0])).flatten();
    Some(ArmComparison {
        data: first[0].data.clone(),
        protocol: "linear",
        seeds: [a.len(), b.len()],
        n_test: first[0].n_test,
        difference: mean(first) - mean(versus),
        low: interval.map(|interval| interval.low),
        high: interval.map(|interval| interval.high),
        no_interval,
        mcnemar: single,
        p_holm: None,
        few_shot: few_shot_keys(&first[0])
            .filter_map(|labels| Some((labels, few_shot_difference(first, versus, labels)?)))
            .collect(),
    })
}

/// The draws of both arms are the same images: they depend on the data set and the probe's seed alone. Of one encoder
/// each, the differences draw by draw; of several, those between the encoders' means over draws (Welch).
fn few_shot_difference(
    first: &[SetEvaluation],
    versus: &[SetEvaluation],
    labels: usize,
) -> Option<FewShotDifference> {
    let draws = |set: &SetEvaluation| few_shot_at(set, labels).map(|score| score.draws.clone());
    let count = draws(&first[0])?.len();
    if let ([a], [b]) = (first, versus) {
        let (a, b) = (draws(a)?, draws(b)?);
        let differences: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
        let summary = mean_interval(&differences);
        let (low, high) = summary.interval.map(|interval| (interval.low, interval.high)).unzip();
        let (mean, no_interval) = (summary.mean, None);
        return Some(FewShotDifference { mean, low, high, no_interval, draws: count, over: "draws" });
    }
    let means = |sets: &[SetEvaluation]| -> Option<Vec<f64>> {
        sets.iter().map(|set| few_shot_at(set, labels).map(|score| score.mean)).collect()
    };
    let welch = welch_interval(&means(first)?, &means(versus)?);
    let no_interval = too_few(first.len()).or(too_few(versus.len()));
    let interval = welch.interval.filter(|_| no_interval.is_none());
    let (low, high) = interval.map(|interval| (interval.low, interval.high)).unzip();
    Some(FewShotDifference { mean: welch.mean, low, high, no_interval, draws: count, over: "encoders" })
}
