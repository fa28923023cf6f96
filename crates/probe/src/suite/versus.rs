//! The encoders of one evaluation as arms: the first, and the one that it is compared with.

use std::collections::BTreeMap;

use serde::Serialize;

use super::arms::{ArmScore, Arms, ByMetric, Difference, Measured, Pairing, correct_for_many};
use super::metric::Metric;
use super::run::EncoderEvaluation;
use super::set_evaluation::SetEvaluation;

/// The arm that is judged.
pub(super) const FIRST: &str = "first";
/// The one that it is compared with.
pub(super) const VERSUS: &str = "versus";

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
    /// Means over encoders.
    pub scores: ByMetric<ArmScore>,
}

/// The first arm minus the other on the same test images of one data set.
#[derive(Debug, Clone, Serialize)]
pub struct Versus {
    /// The data set.
    pub data: String,
    /// Encoders in the first arm and in the other.
    pub seeds: [usize; 2],
    /// Test images.
    pub n_test: usize,
    /// The differences; those p-values that there are, are corrected for the number of data sets (Holm).
    pub differences: ByMetric<Difference>,
}

impl ArmSummary {
    /// The scores, in the order of tables; those on held-out training images are in the file alone.
    #[must_use]
    pub fn in_order(&self) -> Vec<&ArmScore> {
        in_order(&self.scores, |score| &score.metric)
    }
}

impl Versus {
    /// The differences, in the order of tables; those on held-out training images are in the file alone.
    #[must_use]
    pub fn in_order(&self) -> Vec<&Difference> {
        in_order(&self.differences, |difference| &difference.metric)
    }
}

fn in_order<T>(of: &ByMetric<T>, metric: fn(&T) -> &Metric) -> Vec<&T> {
    let mut of: Vec<&T> = of.values().filter(|of| !metric(of).is_on_validation()).collect();
    of.sort_by(|a, b| metric(a).in_order(metric(b)));
    of
}

/// Both arms on each data set; `groups` has, for each, which test images belong together.
pub(super) fn arms(encoders: &[EncoderEvaluation], groups: Vec<Option<Vec<usize>>>) -> Vec<Arms> {
    let on_data = |(index, groups): (usize, Option<Vec<usize>>)| {
        let mut by_name: BTreeMap<String, Vec<Measured>> = BTreeMap::new();
        for encoder in encoders {
            let of_arm = by_name.entry(encoder.arm.to_owned()).or_default();
            of_arm.push(Measured::new(of_arm.len() as u64, &encoder.sets[index]));
        }
        Arms::new(by_name, groups, Pairing::Judging)
    };
    groups.into_iter().enumerate().map(on_data).collect()
}

/// A summary for each data set of an arm of several encoders.
pub(super) fn summaries(encoders: &[EncoderEvaluation], arms: &[Arms], arm: &'static str) -> Vec<ArmSummary> {
    let of_arm: Vec<&EncoderEvaluation> = encoders.iter().filter(|encoder| encoder.arm == arm).collect();
    let Some(first) = of_arm.first().filter(|_| of_arm.len() > 1) else { return Vec::new() };
    let summary = |(set, arms): (&SetEvaluation, &Arms)| ArmSummary {
        arm,
        data: set.data.clone(),
        seeds: of_arm.len(),
        n_test: set.n_test,
        scores: arms.scores(arm),
    };
    first.sets.iter().zip(arms).map(summary).collect()
}

/// A comparison for each data set, where there is another arm.
pub(super) fn comparisons(encoders: &[EncoderEvaluation], arms: &[Arms]) -> Vec<Versus> {
    let seeds = [FIRST, VERSUS].map(|arm| encoders.iter().filter(|encoder| encoder.arm == arm).count());
    let Some(first) = encoders.first().filter(|_| seeds[1] > 0) else { return Vec::new() };
    let versus = |(set, arms): (&SetEvaluation, &Arms)| Versus {
        data: set.data.clone(),
        seeds,
        n_test: set.n_test,
        differences: arms.differences(FIRST, VERSUS),
    };
    let mut all: Vec<Versus> = first.sets.iter().zip(arms).map(versus).collect();
    correct_for_many(all.iter_mut().map(|one| &mut one.differences));
    all
}
