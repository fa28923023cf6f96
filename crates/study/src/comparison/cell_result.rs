//! What a cell leaves in its run folder.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zview_runtime::atomic::write_file;
use zview_runtime::run_folder::{RUN_FILE_FORMAT, read_run_json};

use super::measures::measures;
use crate::StudyError;
use crate::evaluation::{JudgedAt, QueryNeighbours, SetEvaluation};
use crate::training::Training;

/// The file that is written last.
pub(super) const EVALUATION: &str = "evaluation.json";

/// What a judged cell leaves.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct CellResult {
    format: u32,
    /// Seconds of training and judging.
    pub(super) seconds: f64,
    pub(super) steps: u64,
    pub(super) views_per_second: f64,
    pub(super) training_seconds: f64,
    /// Training was interrupted and continued: its seconds are those of the last part.
    #[serde(default)]
    pub(super) interrupted: bool,
    /// By data set.
    pub(super) sets: BTreeMap<String, CellSet>,
}

/// One data set of a cell.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct CellSet {
    /// Of everything that decides how it was judged.
    pub(super) judged_by: String,
    /// Which test images were right, by measure.
    right: BTreeMap<String, Right>,
    /// Everything measured.
    pub(super) evaluation: Value,
    /// Measures after some of the updates, first ones first.
    #[serde(default)]
    pub(super) progress: Vec<CellProgress>,
}

/// Measures after some updates; fractions.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct CellProgress {
    pub(super) steps: u64,
    pub(super) measures: BTreeMap<String, f64>,
}

/// Which test images were right.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
struct Right {
    /// Draws of labelled images that each test image was judged with.
    draws: u32,
    /// A character for each test image: `0` and the next ones say in how many draws it was right.
    of_image: String,
}

impl Right {
    fn new(draws: u32, right_draws: impl Iterator<Item = u32>) -> Self {
        let character = |right: u32| char::from_u32(u32::from('0') + right).unwrap_or('0');
        Self { draws, of_image: right_draws.map(character).collect() }
    }

    /// The share of draws in which each test image was right.
    fn shares(&self) -> Vec<f32> {
        let right = |character: char| u32::from(character).saturating_sub(u32::from('0'));
        self.of_image.chars().map(|character| right(character) as f32 / self.draws.max(1) as f32).collect()
    }
}

impl CellResult {
    pub(super) fn new(training: Training) -> Self {
        let Training { steps, views_per_second, seconds, interrupted } = training;
        Self {
            format: RUN_FILE_FORMAT,
            seconds,
            steps,
            views_per_second,
            training_seconds: seconds,
            interrupted,
            sets: BTreeMap::new(),
        }
    }

    /// The result in `run`, where there is one.
    pub(super) fn read(run: &Path) -> Option<Self> {
        read_run_json(&run.join(EVALUATION)).ok()
    }

    /// Writes it into `run`.
    pub(super) fn write(&self, run: &Path) -> Result<(), StudyError> {
        Ok(write_file(&run.join(EVALUATION), format!("{:#}\n", json!(self)).as_bytes())?)
    }
}

impl CellSet {
    pub(super) fn new(judged_by: String, set: &SetEvaluation) -> Self {
        let one = |correct: &[bool]| Right::new(1, correct.iter().map(|&right| u32::from(right)));
        let mut right = BTreeMap::new();
        if let Some(linear) = &set.base.linear {
            right.insert("linear".to_owned(), one(&linear.correct));
        }
        for (k, score) in set.base.knn.iter().flatten() {
            right.insert(format!("knn_{k}"), one(&score.correct));
        }
        if let Some(sgd) = &set.sgd {
            right.insert("sgd".to_owned(), one(&sgd.correct));
        }
        let counted = set.base.few_shot.iter().flatten().map(|(labels, score)| (labels.to_string(), score));
        let shares = set.few_shot_shares.iter().flatten().map(|(share, score)| (share.clone(), score));
        for (labels, score) in counted.chain(shares) {
            let draws = score.draws.len() as u32;
            right.insert(format!("few_shot_{labels}"), Right::new(draws, score.right_draws.iter().copied()));
        }
        Self { judged_by, right, evaluation: json!(set), progress: Vec::new() }
    }

    /// The share of draws in which each test image was right; absent where it is not known for the measure.
    pub(super) fn right(&self, measure: &str) -> Option<Vec<f32>> {
        self.right.get(measure).map(Right::shares)
    }

    /// At which size and in which colours; `None` of cells of earlier versions.
    pub(super) fn judged_at(&self) -> Option<JudgedAt> {
        serde_json::from_value(self.evaluation["judged_at"].clone()).ok()
    }

    /// A few test images and their nearest training images.
    pub(super) fn neighbours(&self) -> Option<Vec<QueryNeighbours>> {
        serde_json::from_value(self.evaluation["neighbours"].clone()).ok()
    }

    /// All measures; fractions.
    pub(super) fn measures(&self) -> BTreeMap<String, f64> {
        measures(&self.evaluation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_draws_survive_their_file() {
        let right = Right::new(12, [0, 12, 3, 11].into_iter());
        let read: Right = serde_json::from_str(&serde_json::to_string(&right).unwrap()).unwrap();
        assert_eq!(read, right);
        assert_eq!(read.shares(), [0.0, 1.0, 0.25, 11.0 / 12.0]);
    }
}
