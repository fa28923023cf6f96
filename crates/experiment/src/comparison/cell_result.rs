//! What a cell leaves in its run folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use zview_runtime::atomic::write_file;
use zview_runtime::run_folder::{RUN_FILE_FORMAT, RunFileError, read_run_json};

use super::training::Training;
use crate::ExperimentError;
use zview_probe::suite::SetEvaluation;
use zview_probe::suite::arms::Measured;
use zview_probe::suite::metric::Right;

/// The file that is written last.
pub(super) const EVALUATION: &str = "evaluation.json";

/// Files that were found unreadable.
static SAID: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

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
    #[serde(deserialize_with = "read_evaluation")]
    pub(super) evaluation: SetEvaluation,
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

    /// The result in `run`, where there is one. One that cannot be read counts as none, with a word.
    pub(super) fn read(run: &Path) -> Option<Self> {
        let path = run.join(EVALUATION);
        let error = match read_run_json::<Self>(&path).map(|result| (result.problem(), result)) {
            Ok((None, result)) => return Some(result),
            Ok((Some(problem), _)) => format!("cannot read {}: {problem}", path.display()),
            Err(error) => error.to_string(),
        };
        // A comparison asks several times.
        if path.exists() && SAID.lock().is_ok_and(|mut said| said.insert(path)) {
            tracing::warn!("{error}; as it is, this cell counts as not judged");
        }
        None
    }

    /// Refuses a result that a later version wrote: it would be judged again, and written over.
    pub(super) fn refuse_newer(run: &Path) -> Result<(), ExperimentError> {
        match read_run_json::<Value>(&run.join(EVALUATION)) {
            Err(RunFileError::Newer(newer)) => Err(ExperimentError::Newer(newer)),
            _ => Ok(()),
        }
    }

    /// Why it cannot be, if it cannot: somebody edited it.
    fn problem(&self) -> Option<String> {
        let Self { seconds, views_per_second, training_seconds, .. } = *self;
        let times = [
            ("seconds", seconds),
            ("views_per_second", views_per_second),
            ("training_seconds", training_seconds),
        ];
        let wrong = times.into_iter().find(|(_, value)| !(*value >= 0.0 && value.is_finite()));
        let wrong = wrong.map(|(key, value)| format!("{key}: expected 0 or more, got {value}"));
        wrong.or_else(|| self.sets.iter().find_map(|(data, set)| Some(format!("{data}: {}", set.problem()?))))
    }

    /// Writes it into `run`.
    pub(super) fn write(&self, run: &Path) -> Result<(), ExperimentError> {
        Ok(write_file(&run.join(EVALUATION), format!("{:#}\n", json!(self)).as_bytes())?)
    }
}

impl CellSet {
    pub(super) fn new(judged_by: String, evaluation: SetEvaluation) -> Self {
        let right =
            evaluation.scores().into_iter().filter_map(|score| Some((score.metric.key, score.right?)));
        Self { judged_by, right: right.collect(), evaluation, progress: Vec::new() }
    }

    /// Everything measured of the encoder of `seed`, with which test images were right.
    pub(super) fn measured(&self, seed: u64) -> Measured {
        let mut measured = Measured::new(seed, &self.evaluation);
        for score in &mut measured.scores {
            score.right = self.right.get(&score.metric.key).cloned();
        }
        measured
    }

    /// Why what is beside the evaluation cannot be, if it cannot.
    fn problem(&self) -> Option<String> {
        let scores = self.evaluation.scores();
        let on_the_way = |point: &CellProgress| {
            let known = scores
                .iter()
                .filter_map(|score| Some((&score.metric, point.measures.get(&score.metric.key)?)));
            known.into_iter().find_map(|(metric, &value)| metric.problem(value))
        };
        self.right.values().find_map(Right::problem).or_else(|| self.progress.iter().find_map(on_the_way))
    }

    /// All measures.
    pub(super) fn measures(&self) -> BTreeMap<String, f64> {
        self.evaluation.scores().into_iter().map(|score| (score.metric.key, score.value)).collect()
    }
}

/// An evaluation in a file, whose numbers of neighbours and of labels are text.
fn read_evaluation<'de, D: Deserializer<'de>>(file: D) -> Result<SetEvaluation, D::Error> {
    SetEvaluation::read(&Value::deserialize(file)?).map_err(D::Error::custom)
}
