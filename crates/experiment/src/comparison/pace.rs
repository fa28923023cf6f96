//! What an update of each arm takes, relative to the reference's.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;
use zview_contrastive::train::{ProfileError, Trainer, seconds_of_steps, time_steps};
use zview_numerics::statistics::median;
use zview_runtime::atomic::write_file;
use zview_runtime::run_folder::{RUN_FILE_FORMAT, read_run_json};

use super::arms::Arm;
use super::study::{Study, StudyArm};
use crate::ExperimentError;
use crate::grid::CellOptions;

const PACE: &str = "pace.json";

/// Steps of each of the two that are not timed, and pairs of steps that are.
const WARM_UP: u64 = 2;
const PAIRS: usize = 9;

/// The file.
#[derive(Deserialize, Serialize)]
struct Pace {
    format: u32,
    /// Seconds of all updates of an arm over those of the reference.
    relative_to_reference: BTreeMap<String, f64>,
}

/// What was measured for the comparison, if anything was.
pub(super) fn read_pace(study: &Study) -> BTreeMap<String, f64> {
    let mut pace = read_run_json::<Pace>(&study.out.join(PACE))
        .map_or_else(|_| BTreeMap::new(), |pace| pace.relative_to_reference);
    // What cannot be was not measured, and is measured.
    pace.retain(|_, relative| *relative > 0.0 && relative.is_finite());
    pace
}

impl Study {
    /// Measures and keeps what each arm takes relative to the reference, where arms are judged on the way or compared at
    /// equal time and it is not known: a step of the one, a step of the other, in turns, because other work on the
    /// machine then slows both. Processes that share the folder measure one after the other, so only the first does.
    ///
    /// # Errors
    /// An arm that cannot be trained; a file that cannot be written.
    pub fn measure_pace(&self, options: &CellOptions<'_>) -> Result<(), ExperimentError> {
        let wanted = self.config.equal_time || self.config.progress.is_some_and(|points| points > 1);
        let reference = self.arms.iter().find(|arm| arm.name == self.config.reference);
        let (Some(reference), true) = (reference, wanted && !self.arms_without(&read_pace(self)).is_empty())
        else {
            return Ok(());
        };
        let _lock = lock(&self.out)?;
        let mut relative_to_reference = read_pace(self);
        let seed = self.config.seeds.first().copied().unwrap_or_default();
        let reference_arm = self.arm(reference, seed)?;
        let mut reference_trainer = trainer_of(&reference_arm, options)?;
        timed(&mut reference_trainer, WARM_UP)?;
        for study_arm in self.arms_without(&relative_to_reference) {
            let arm = self.arm(study_arm, seed)?;
            let updates = arm.recipe.train.steps as f64 / (reference_arm.recipe.train.steps as f64).max(1.0);
            let ratio = if study_arm.name == reference.name || arm.recipe.train.steps == 0 {
                1.0
            } else {
                let mut trainer = trainer_of(&arm, options)?;
                timed(&mut trainer, WARM_UP)?;
                let mut ratios = Vec::new();
                for _ in 0..PAIRS {
                    let of_reference = timed(&mut reference_trainer, 1)?;
                    ratios.push(timed(&mut trainer, 1)? / of_reference);
                }
                median(ratios)
            };
            relative_to_reference.insert(study_arm.name.clone(), ratio * updates);
        }
        let pace = Pace { format: RUN_FILE_FORMAT, relative_to_reference };
        Ok(write_file(&self.out.join(PACE), format!("{:#}\n", json!(pace)).as_bytes())?)
    }

    fn arms_without(&self, pace: &BTreeMap<String, f64>) -> Vec<&StudyArm> {
        self.arms.iter().filter(|arm| !pace.contains_key(&arm.name)).collect()
    }
}

/// Held while `folder`'s pace is measured; waits for another process that does.
fn lock(folder: &Path) -> Result<File, ExperimentError> {
    let path = folder.join("pace.lock");
    let locked = std::fs::create_dir_all(folder).and_then(|()| File::create(&path)).and_then(|file| {
        file.lock()?;
        Ok(file)
    });
    locked.map_err(|error| ExperimentError::RunFile { path, problem: format!("cannot be locked: {error}") })
}

/// A trainer of the arm, before its first step.
fn trainer_of(arm: &Arm, options: &CellOptions<'_>) -> Result<Trainer, ExperimentError> {
    Ok(Trainer::open(&arm.recipe, options.data_dir.clone(), &options.device.device)?)
}

/// Seconds of the trainer's next steps.
fn timed(trainer: &mut Trainer, steps: u64) -> Result<f64, ExperimentError> {
    seconds_of_steps(trainer, steps).map_err(not_timed)
}

/// Why steps could not be timed.
fn not_timed(error: ProfileError) -> ExperimentError {
    match error {
        ProfileError::Source(source) => ExperimentError::Source(source),
        ProfileError::Device(device) => ExperimentError::Device(device),
    }
}

/// Seconds that all steps of `arm` take, by a few of them.
pub(super) fn timed_training(arm: &Arm, options: &CellOptions<'_>) -> Result<f64, ExperimentError> {
    if arm.recipe.train.steps == 0 {
        return Ok(0.0);
    }
    let mut trainer = trainer_of(arm, options)?;
    let times = time_steps(&mut trainer, arm.recipe.train.steps).map_err(not_timed)?;
    Ok(times.seconds_of(arm.recipe.train.steps).unwrap_or(0.0))
}
