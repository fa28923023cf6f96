//! Every arm against every other, by the first of the measures that answers speak of.

use serde::Serialize;

use super::collect::{ArmCells, Comparison, differences_on};
use super::measures::headlines;
use super::scores::Difference;

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
    /// The difference; nothing is corrected for there being many.
    #[serde(flatten)]
    pub difference: Difference,
}

/// All pairs of `arms` on all data sets, where there are more than the one with the reference and not too many.
pub(super) fn pairs(comparison: &Comparison, arms: &[ArmCells<'_>]) -> Vec<PairDifference> {
    let mut pairs = Vec::new();
    if !(3..=ARMS_MAX).contains(&arms.len()) {
        return pairs;
    }
    for data in &comparison.data {
        let Some((measure, _)) = headlines(comparison, data).into_iter().next() else { continue };
        for (number, (arm, cells)) in arms.iter().enumerate() {
            for (other, of_other) in &arms[..number] {
                let Some(difference) = differences_on(cells, of_other, data).remove(&measure) else {
                    continue;
                };
                pairs.push(PairDifference {
                    data: data.clone(),
                    measure: measure.clone(),
                    arm: arm.name.clone(),
                    other: other.name.clone(),
                    difference,
                });
            }
        }
    }
    pairs
}
