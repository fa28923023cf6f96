//! Every arm against every other, by the first of the measures that answers speak of.

use std::collections::BTreeMap;

use serde::Serialize;
use zview_probe::suite::arms::{Arms, Difference};

use super::collect::Comparison;
use super::measures::headlines;

/// More arms have too many pairs for anybody to read.
const ARMS_MAX: usize = 8;

/// An arm minus another on the same test images.
#[derive(Debug, Clone, Serialize)]
pub struct PairDifference {
    /// The data set.
    pub data: String,
    /// The measure.
    pub measure: String,
    /// The arm.
    pub arm: String,
    /// The other, which stands before it.
    pub other: String,
    /// The difference, with an interval alone: no pair is tested.
    #[serde(flatten)]
    pub difference: Difference,
}

/// All pairs of arms on all data sets, where there are more than the one with the reference and not too many.
pub(super) fn pairs(comparison: &Comparison, measured: &BTreeMap<String, Arms>) -> Vec<PairDifference> {
    let arms = &comparison.arms;
    let mut pairs = Vec::new();
    if !(3..=ARMS_MAX).contains(&arms.len()) {
        return pairs;
    }
    for data in &comparison.data {
        let headline = headlines(comparison, data).into_iter().next();
        let Some((metric, measured)) = headline.zip(measured.get(data)) else { continue };
        for (number, arm) in arms.iter().enumerate() {
            for other in &arms[..number] {
                let mut by_metric = measured.differences(&arm.name, &other.name);
                let Some(difference) = by_metric.remove(&metric.key) else { continue };
                pairs.push(PairDifference {
                    data: data.clone(),
                    measure: metric.key.clone(),
                    arm: arm.name.clone(),
                    other: other.name.clone(),
                    difference: Difference { p_value: None, ..difference },
                });
            }
        }
    }
    pairs
}
