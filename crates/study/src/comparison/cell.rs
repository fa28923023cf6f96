//! One cell: train, judge, keep what came out.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zview_data::LoadOptions;
use zview_runtime::atomic::write_file;
use zview_runtime::run_folder::{RUN_FILE_FORMAT, read_run_json};

use super::study::{CellOptions, Study};
use crate::StudyError;
use crate::evaluation::{SuiteRequest, evaluate};
use crate::training::{Training, TrainingOptions, train};

const EVALUATION: &str = "evaluation.json";
const FAILED: &str = "failed.json";

/// How a cell ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellOutcome {
    /// It is finished, now or from before.
    Finished,
    /// A signal ended it; what was reached is saved.
    Stopped,
}

/// What a finished cell leaves.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct CellResult {
    format: u32,
    /// Seconds of training and judging.
    pub(super) seconds: f64,
    pub(super) steps: u64,
    pub(super) views_per_second: f64,
    pub(super) training_seconds: f64,
    /// By data set.
    pub(super) sets: BTreeMap<String, CellSet>,
}

/// One data set of a cell.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct CellSet {
    /// Which test images the linear probe got right, a character 0 or 1 for each.
    correct: String,
    /// Everything measured.
    pub(super) evaluation: Value,
}

impl CellSet {
    pub(super) fn correct(&self) -> Vec<bool> {
        self.correct.bytes().map(|byte| byte == b'1').collect()
    }
}

/// The result of the cell in `run`, where it is finished.
pub(super) fn read_cell(run: &Path) -> Option<CellResult> {
    read_run_json(&run.join(EVALUATION)).ok()
}

pub(super) fn finished_seconds(run: &Path) -> Option<f64> {
    read_cell(run).map(|cell| cell.seconds)
}

pub(super) fn has_failed(run: &Path) -> bool {
    run.join(FAILED).exists()
}

/// Why the last attempt failed.
pub(super) fn failure(run: &Path) -> Option<String> {
    let value: Value = read_run_json(&run.join(FAILED)).ok()?;
    Some(value["error"].as_str().unwrap_or("unknown").to_owned())
}

impl Study {
    /// Trains and judges cell `number`, or takes what is there. A failure is written beside the run and returned.
    ///
    /// # Errors
    /// [`StudyError`].
    pub fn run_cell(&self, number: usize, options: &CellOptions<'_>) -> Result<CellOutcome, StudyError> {
        let Some((arm, seed)) = self.arm_and_seed(number) else {
            return Err(StudyError::NoCell { cell: number, cells: self.cells() });
        };
        let run = self.run_folder(arm, seed);
        let outcome = self.computed(number, options);
        if let Err(error) = &outcome {
            // Another process is at it: nothing failed.
            if error.is_locked_run() {
                return outcome;
            }
            let record = json!({ "format": RUN_FILE_FORMAT, "error": error.to_string() });
            if run.is_dir() || std::fs::create_dir_all(&run).is_ok() {
                write_file(&run.join(FAILED), format!("{record:#}\n").as_bytes())?;
            }
        } else if has_failed(&run) {
            // It went well this time.
            let _ = std::fs::remove_file(run.join(FAILED));
        }
        outcome
    }

    fn computed(&self, number: usize, options: &CellOptions<'_>) -> Result<CellOutcome, StudyError> {
        let Some((study_arm, seed)) = self.arm_and_seed(number) else {
            return Err(StudyError::NoCell { cell: number, cells: self.cells() });
        };
        let (arm, run) = (self.arm(study_arm, seed)?, self.run_folder(study_arm, seed));
        if read_cell(&run).is_some()
            && crate::training::progress(&arm, &run)? == crate::training::Progress::Finished
        {
            return Ok(CellOutcome::Finished);
        }
        let started = Instant::now();
        let training_options = TrainingOptions {
            device: options.device,
            data_dir: options.data_dir.clone(),
            stop: options.stop,
        };
        let Some(training) = train(&arm, &run, &training_options)? else { return Ok(CellOutcome::Stopped) };
        let request = SuiteRequest {
            encoders: std::slice::from_ref(&run),
            versus: &[],
            config: &self.config.evaluation,
            options: LoadOptions { data_dir: options.data_dir.clone(), ..LoadOptions::default() },
            color: None,
            imagenet_pixels: false,
            cache_folder: options.cache_folder,
            command: None,
        };
        let suite = evaluate::<StudyError>(&request, options.device, |_, _, _| Ok(()))?;
        let sets = suite.encoders.iter().flat_map(|encoder| &encoder.sets).map(|set| {
            let correct = set.base.linear.as_ref().map_or(&[][..], |linear| &linear.correct);
            let correct = correct.iter().map(|&right| if right { '1' } else { '0' }).collect();
            (set.data.clone(), CellSet { correct, evaluation: json!(set) })
        });
        let Training { steps, views_per_second, seconds: training_seconds, .. } = training;
        let result = CellResult {
            format: RUN_FILE_FORMAT,
            // A run that was there already has its own seconds.
            seconds: started.elapsed().as_secs_f64().max(training_seconds),
            steps,
            views_per_second,
            training_seconds,
            sets: sets.collect(),
        };
        write_file(&run.join(EVALUATION), format!("{:#}\n", json!(result)).as_bytes())?;
        Ok(CellOutcome::Finished)
    }
}
