//! One cell: train, judge, keep what came out.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::json;
use zview_contrastive::train::learnt_from_other_images;
use zview_encoder::{ReadOptions, load_encoder};
use zview_runtime::device::cpu;
use zview_runtime::hash::sha256_of_bytes;

use super::arms::Arm;
use super::cell_result::{CellProgress, CellResult, CellSet};
use super::pace::timed_training;
use super::study::{Study, StudyArm};
use super::training::{Progress, TrainingOptions, has_encoder, progress, train};
use crate::ExperimentError;
use crate::grid::{Cell, CellOptions, CellOutcome, Key, Reached, Took, take_over};
use zview_probe::suite::{ProtocolKind, SetEvaluation, SuiteConfig, SuiteRequest, evaluate};

/// Part of what a judgement is recognised by; raised when judging changes.
const JUDGING: u32 = 1;

/// An arm with a seed: its encoder is trained, then judged on every data set.
#[derive(Debug, Clone, Copy)]
pub struct StudyCell<'a> {
    /// The comparison.
    pub study: &'a Study,
    /// The arm.
    pub arm: &'a StudyArm,
    /// The seed.
    pub seed: u64,
}

impl Cell for StudyCell<'_> {
    fn key(&self) -> Key {
        Key { arm: self.arm.name.clone(), seed: self.seed, stage: None }
    }

    fn folder(&self) -> PathBuf {
        self.study.run_folder(self.arm, self.seed)
    }

    fn steps(&self) -> Option<u64> {
        if self.study.waits_for_pace(self.arm) {
            return None;
        }
        Some(self.study.arm(self.arm, self.seed).ok()?.recipe.train.steps)
    }

    fn reached(&self) -> Result<Reached, ExperimentError> {
        if self.study.waits_for_pace(self.arm) {
            return Ok(Reached::Absent);
        }
        let trained = progress(&self.study.arm(self.arm, self.seed)?, &self.folder())?;
        Ok(match (self.study.finished(self.arm, self.seed), trained) {
            (Some(CellResult { seconds, training_seconds: timed, .. }), _) => {
                Reached::Finished(Took { seconds, timed })
            }
            (None, Progress::Absent) => Reached::Absent,
            (None, _) => Reached::Begun,
        })
    }

    fn as_long_as(&self) -> String {
        let reference = self.arm.equal_time_of.as_ref().map(|_| self.study.config.reference.clone());
        reference.unwrap_or_else(|| self.arm.name.clone())
    }

    fn timed(&self, options: &CellOptions<'_>) -> Result<Option<f64>, ExperimentError> {
        if self.arm.equal_time_of.is_some() {
            return Ok(None);
        }
        timed_training(&self.study.arm(self.arm, self.seed)?, options).map(Some)
    }

    fn run(&self, options: &CellOptions<'_>) -> Result<CellOutcome, ExperimentError> {
        let arm = self.study.arm(self.arm, self.seed)?;
        self.study.computed(self.arm, &arm, self.seed, options)
    }
}

impl Study {
    /// All cells: arm by arm, and seed by seed within an arm; those at equal time are last.
    #[must_use]
    pub fn cells(&self) -> Vec<StudyCell<'_>> {
        let of_arm = |arm| self.config.seeds.iter().map(move |&seed| StudyCell { study: self, arm, seed });
        self.all_arms().flat_map(of_arm).collect()
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
    ) -> Result<CellOutcome, ExperimentError> {
        let run = &self.run_folder(study_arm, seed);
        CellResult::refuse_newer(run)?;
        let others: Vec<_> = self.run_folders().into_iter().filter(|other| other != run).collect();
        if progress(arm, run)? == Progress::Absent {
            take_over(run, options.reuse, |cell| learnt_the_same(arm, cell, &others))?;
        }
        if let Some((other, changed)) = learnt_from_other_images(run, &others) {
            return Err(ExperimentError::OtherImages { run: run.clone(), changed, other: other.to_owned() });
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
) -> Result<Vec<CellProgress>, ExperimentError> {
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
fn judged(
    path: &Path,
    config: &SuiteConfig,
    options: &CellOptions<'_>,
) -> Result<SetEvaluation, ExperimentError> {
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
    let suite = evaluate::<ExperimentError>(&request, options.device, |_, _, _| Ok(()))?;
    let set = suite.encoders.into_iter().flat_map(|encoder| encoder.sets).next();
    set.ok_or_else(|| ExperimentError::RunFile {
        path: path.to_owned(),
        problem: "nothing was judged".to_owned(),
    })
}

/// Whether the cell in `folder` has a finished run of `arm`'s recipe, of the same images as the runs `beside` it.
fn learnt_the_same(arm: &Arm, folder: &Path, beside: &[PathBuf]) -> bool {
    decided(arm, folder).is_some_and(|arm| {
        matches!(progress(&arm, folder), Ok(Progress::Finished))
            && learnt_from_other_images(folder, beside).is_none()
    })
}

/// The arm with what its recipe leaves to the images decided by the channels of those that the encoder in `folder` takes:
/// somebody may have chosen for them what others decide.
fn decided<'a>(arm: &'a Arm, folder: &Path) -> Option<Cow<'a, Arm>> {
    if !arm.recipe.augment.is_open() {
        return Some(Cow::Borrowed(arm));
    }
    let encoder = load_encoder(folder, &cpu("only its shape is read").device).ok()?;
    Some(Cow::Owned(Arm { recipe: arm.recipe.of_images(encoder.channels()), ..arm.clone() }))
}
