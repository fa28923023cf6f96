//! One cell: train, judge, keep what came out.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use zview_contrastive::train::learnt_from_other_images;
use zview_encoder::ReadOptions;
use zview_runtime::atomic::write_file;
use zview_runtime::hash::sha256_of_bytes;
use zview_runtime::run_folder::{RUN_FILE_FORMAT, read_run_json};

use super::cell_result::{CellProgress, CellResult, CellSet};
use super::reuse::take_over;
use super::study::{CellOptions, Study, StudyArm};
use crate::StudyError;
use crate::arms::Arm;
use crate::training::{Progress, TrainingOptions, has_encoder, progress, train};
use zview_probe::suite::{ProtocolKind, SetEvaluation, SuiteConfig, SuiteRequest, evaluate};

const FAILED: &str = "failed.json";

/// Part of what a judgement is recognised by; raised when judging changes.
const JUDGING: u32 = 1;

/// How a cell ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellOutcome {
    /// It is finished, now or from before.
    Finished,
    /// A signal ended it; what was reached is saved.
    Stopped,
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
        let Some((study_arm, seed)) = self.arm_and_seed(number) else {
            return Err(StudyError::NoCell { cell: number, cells: self.cells() });
        };
        let run = self.run_folder(study_arm, seed);
        let outcome = self.arm(study_arm, seed).map_err(StudyError::from);
        let outcome = outcome.and_then(|arm| self.computed(study_arm, &arm, seed, options));
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

    /// The result of a cell whose encoder is there, where every data set of this comparison was judged as it asks.
    pub(super) fn finished(&self, arm: &StudyArm, seed: u64) -> Option<CellResult> {
        let run = self.run_folder(arm, seed);
        if !has_encoder(&run) {
            return None;
        }
        let mut result = CellResult::read(&run)?;
        let judged = |data: &String| {
            result.sets.get(data).is_some_and(|set| set.judged_by == self.judged_by(data, seed, arm))
        };
        if !self.config.data.iter().all(judged) {
            return None;
        }
        result.sets.retain(|data, _| self.config.data.contains(data));
        Some(result)
    }

    /// How `data` is judged in the cells of `seed`: labels are drawn anew for each seed, the same for all arms.
    fn judging(&self, data: &str, seed: u64) -> SuiteConfig {
        SuiteConfig { data: vec![data.to_owned()], ..self.config.evaluation.clone() }.with_seed(seed)
    }

    /// A hash of everything that decides how `data` is judged.
    fn judged_by(&self, data: &str, seed: u64, arm: &StudyArm) -> String {
        let how = json!([JUDGING, self.judging(data, seed), self.points(arm)]);
        sha256_of_bytes(how.to_string().as_bytes())
    }

    fn computed(
        &self,
        study_arm: &StudyArm,
        arm: &Arm,
        seed: u64,
        options: &CellOptions<'_>,
    ) -> Result<CellOutcome, StudyError> {
        let run = &self.run_folder(study_arm, seed);
        let others: Vec<_> = self.run_folders().into_iter().filter(|other| other != run).collect();
        if progress(arm, run)? == Progress::Absent {
            take_over(arm, run, options.reuse, &others)?;
        }
        if let Some((other, changed)) = learnt_from_other_images(run, &others) {
            return Err(StudyError::OtherImages { run: run.clone(), changed, other: other.to_owned() });
        }
        if progress(arm, run)? == Progress::Finished && self.finished(study_arm, seed).is_some() {
            return Ok(CellOutcome::Finished);
        }
        let training_options = TrainingOptions {
            device: options.device,
            data_dir: options.data_dir.clone(),
            stop: options.stop,
            beside: &others,
        };
        let Some(training) = train(arm, run, &training_options)? else { return Ok(CellOutcome::Stopped) };
        let steps = training.steps;
        let result = CellResult::read(run).filter(|result| result.steps == steps);
        let mut result = result.unwrap_or_else(|| CellResult::new(training));
        for data in &self.config.data {
            let judged_by = self.judged_by(data, seed, study_arm);
            if result.sets.get(data).is_some_and(|set| set.judged_by == judged_by) {
                continue;
            }
            if options.stop.requested() {
                return Ok(CellOutcome::Stopped);
            }
            let started = Instant::now();
            let how = self.judging(data, seed);
            let mut set = CellSet::new(judged_by, judged(run, &how, options)?);
            if let Some(points) = self.points(study_arm).filter(|_| steps > 0) {
                set.progress = progress_of(arm, run, points, &how, &set, options)?;
            }
            result.sets.insert(data.clone(), set);
            result.seconds += started.elapsed().as_secs_f64();
            result.write(run)?;
        }
        Ok(CellOutcome::Finished)
    }
}

/// The checkpoints on the way, judged as the end is but for the nearest neighbours, and the end.
fn progress_of(
    arm: &Arm,
    run: &Path,
    points: u64,
    how: &SuiteConfig,
    end: &CellSet,
    options: &CellOptions<'_>,
) -> Result<Vec<CellProgress>, StudyError> {
    let mut how = how.clone();
    how.protocols.retain(|measure| matches!(measure, ProtocolKind::Linear | ProtocolKind::FewShot));
    let every = arm.recipe.train.steps / points;
    let mut reached = Vec::new();
    for steps in (1..points).map(|point| point * every) {
        let checkpoint = run.join("checkpoints").join(format!("step-{steps:08}")).join("model.safetensors");
        let set = CellSet::new(String::new(), judged(&checkpoint, &how, options)?);
        reached.push(CellProgress { steps, measures: set.measures() });
    }
    let names: Vec<String> =
        reached.first().map(|first| first.measures.keys().cloned().collect()).unwrap_or_default();
    let mut measures = end.measures();
    measures.retain(|name, _| names.contains(name));
    reached.push(CellProgress { steps: arm.recipe.train.steps, measures });
    Ok(reached)
}

/// The encoder in `path` on the one data set of `config`.
fn judged(path: &Path, config: &SuiteConfig, options: &CellOptions<'_>) -> Result<SetEvaluation, StudyError> {
    let request = SuiteRequest {
        encoders: &[path.to_owned()],
        versus: &[],
        config,
        data_dir: options.data_dir.clone(),
        keep: None,
        read: ReadOptions::default(),
        cache_folder: options.cache_folder,
        beside: false,
        one_arm: |_| Ok(()),
        command: None,
    };
    let suite = evaluate::<StudyError>(&request, options.device, |_, _, _| Ok(()))?;
    let set = suite.encoders.into_iter().flat_map(|encoder| encoder.sets).next();
    set.ok_or_else(|| StudyError::RunFile { path: path.to_owned(), problem: "nothing was judged".to_owned() })
}
