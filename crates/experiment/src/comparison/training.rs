//! Training an arm in a run folder of its own: anew, from where it stopped, or not at all if it is done.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use zview_contrastive::train::{PretrainOptions, Recipe, changed_since, pretrain};
use zview_encoder::ENCODER_FILE;
use zview_runtime::device::ChosenDevice;
use zview_runtime::run_folder::{EventReader, LOSS, losses_of, read_run_json};
use zview_runtime::stop::StopSignal;

use super::arms::{Arm, differing_keys};
use crate::ExperimentError;

/// What training an arm took.
#[derive(Debug, Clone, Copy)]
pub struct Training {
    /// Optimizer steps.
    pub steps: u64,
    /// Views per second, whole pipeline; 0 without steps.
    pub views_per_second: f64,
    /// Seconds of training; of its last part where it was interrupted.
    pub seconds: f64,
    /// Training was interrupted and continued.
    pub interrupted: bool,
}

/// How far an arm's run folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// There is no run.
    Absent,
    /// A run that ended early.
    Begun,
    /// The encoder is there.
    Finished,
}

/// What a study's arms are trained with.
#[derive(Debug, Clone)]
pub struct TrainingOptions<'a> {
    /// Where to compute.
    pub device: &'a ChosenDevice,
    /// Where named data sets are looked up first.
    pub data_dir: Option<PathBuf>,
    /// Asks for an orderly end.
    pub stop: &'a StopSignal,
    /// The run folders of all arms, which learn from the same images where they name the same data set.
    pub beside: &'a [PathBuf],
}

/// What is used of a run's `result.json`.
#[derive(Debug, Deserialize)]
struct RunResult {
    steps: u64,
    views_per_second: f64,
    seconds: f64,
    stopped: bool,
}

/// Values of a recipe that say when it is saved, and nothing of what is learnt.
const CHECKPOINT_KEYS: [&str; 2] = ["train.checkpoint_every", "train.keep_checkpoints"];

/// How far the run of `arm` in `run` is.
///
/// # Errors
/// [`ExperimentError::OtherRecipe`] where it is the run of another recipe; [`ExperimentError::Changed`] where its generator
/// or a file was changed since; a recipe that cannot be read.
pub fn progress(arm: &Arm, run: &Path) -> Result<Progress, ExperimentError> {
    let config = run.join("config.toml");
    if !config.exists() {
        return Ok(Progress::Absent);
    }
    let stored = Recipe::load(&config, &[])?;
    let mut keys = differing_keys(&stored, &arm.recipe.as_in(&stored).with_paths_as_in(&stored));
    keys.retain(|key| key != "train.checkpoint_minutes");
    let finished = has_encoder(run)
        && read_result(run).is_ok_and(|result| !result.stopped && result.steps == arm.recipe.train.steps);
    if finished && arm.recipe.train.checkpoint_every == 0 {
        // More checkpoints than asked for do no harm.
        keys.retain(|key| !CHECKPOINT_KEYS.contains(&key.as_str()));
    }
    if !keys.is_empty() {
        return Err(ExperimentError::OtherRecipe { run: run.to_owned(), keys });
    }
    if let Some(changed) = changed_since(run, &arm.recipe) {
        return Err(ExperimentError::Changed { run: run.to_owned(), changed });
    }
    Ok(if finished { Progress::Finished } else { Progress::Begun })
}

/// Whether the encoder of a finished run is there.
pub(crate) fn has_encoder(run: &Path) -> bool {
    run.join(ENCODER_FILE).exists()
}

/// Trains `arm` in the folder `run`, or takes what is there. `None` where a signal ended it; what was
/// reached is saved.
///
/// # Errors
/// [`ExperimentError`].
pub fn train(
    arm: &Arm,
    run: &Path,
    options: &TrainingOptions<'_>,
) -> Result<Option<Training>, ExperimentError> {
    let progress = progress(arm, run)?;
    if progress != Progress::Finished {
        let options = PretrainOptions {
            out: run,
            resume: progress == Progress::Begun,
            device: options.device,
            data_dir: options.data_dir.clone(),
            stop: options.stop,
            decided: Vec::new(),
            epochs: None,
            beside: options.beside,
            tell: false, // the plan has told
        };
        let summary = pretrain(&arm.recipe, &options)
            .map_err(|error| ExperimentError::Train { arm: arm.name.clone(), source: Box::new(error) })?;
        if summary.stopped {
            return Ok(None);
        }
    }
    let RunResult { steps, views_per_second, seconds, .. } = read_result(run)?;
    // A stop at the very end resumes with no step left: nothing was interrupted.
    let interrupted = events(run)?.iter().any(|event| event["event"] == "resumed");
    Ok(Some(Training { steps, views_per_second, seconds, interrupted }))
}

fn read_result(run: &Path) -> Result<RunResult, ExperimentError> {
    let path = run.join("result.json");
    read_run_json(&path).map_err(|error| ExperimentError::RunFile { path, problem: error.to_string() })
}

fn events(run: &Path) -> Result<Vec<Value>, ExperimentError> {
    let path = run.join("events.jsonl");
    let events = EventReader::new(&path).new_events();
    events.map_err(|error| ExperimentError::RunFile { path, problem: error.to_string() })
}

/// The loss of each step of a run of `steps`, from the first, and what is wrong with its log.
pub(crate) fn losses(run: &Path, steps: u64) -> (Vec<f32>, Option<String>) {
    let path = run.join("events.jsonl");
    let (events, error) = match EventReader::new(&path).new_events() {
        Ok(events) => (events, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    let trained = events.iter().filter(|event| event["event"] == "train");
    let losses: Vec<f32> = trained.flat_map(|event| losses_of(event, LOSS)).map(|loss| loss as f32).collect();
    let few = || {
        let known = losses.len();
        ((known as u64) < steps)
            .then(|| format!("{} has the loss of {known} of {steps} steps", path.display()))
    };
    let problem = error.or_else(few);
    (losses, problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_runtime::config::parse_toml;

    fn arm() -> Arm {
        let recipe = parse_toml(Path::new("recipe.toml"), RECIPE).unwrap();
        Arm { name: "real".to_owned(), taught_by: String::new(), recipe }
    }

    fn write_run(run: &Path, recipe: &str, result: &str) {
        std::fs::write(run.join("config.toml"), recipe).unwrap();
        std::fs::write(run.join("result.json"), result).unwrap();
        std::fs::write(run.join("encoder.safetensors"), "").unwrap();
    }

    const RECIPE: &str = "seed = 5\n[source]\nkind = \"real\"\ndata = \"letters\"\n[views]\nkind = \"same\"\n\
                          [train]\nsteps = 40\nwarmup_steps = 4\n[probe]\ndata = \"letters\"\n";

    fn result(steps: u64, stopped: bool) -> String {
        format!(
            r#"{{"run": "x", "steps": {steps}, "loss": 1.5, "views_per_second": 10.0, "seconds": 2.0, "stages": {{}},
                "device": "CPU", "encoder_parameters": 7, "stopped": {stopped}}}"#
        )
    }

    #[test]
    fn only_a_run_that_reached_its_last_step_is_finished() {
        let run = tempfile::tempdir().unwrap();
        let run = run.path();
        assert_eq!(progress(&arm(), run).unwrap(), Progress::Absent);
        write_run(run, RECIPE, &result(40, false));
        assert_eq!(progress(&arm(), run).unwrap(), Progress::Finished);
        for (steps, stopped) in [(40, true), (39, false)] {
            write_run(run, RECIPE, &result(steps, stopped));
            assert_eq!(progress(&arm(), run).unwrap(), Progress::Begun);
        }
        std::fs::remove_file(run.join("result.json")).unwrap();
        assert_eq!(progress(&arm(), run).unwrap(), Progress::Begun);
    }

    #[test]
    fn the_run_of_another_recipe_is_refused_by_its_keys_and_the_remedy() {
        let run = tempfile::tempdir().unwrap();
        write_run(run.path(), &RECIPE.replace("seed = 5", "seed = 6"), &result(40, false));
        let error = progress(&arm(), run.path()).unwrap_err().to_string();
        assert!(error.contains("differing: seed") && error.contains("--out"), "{error}");
    }

    #[test]
    fn a_damaged_log_is_told_of_with_the_losses_that_it_has() {
        let run = tempfile::tempdir().unwrap();
        let problem = |text: &str| {
            std::fs::write(run.path().join("events.jsonl"), text).unwrap();
            let (losses, problem) = losses(run.path(), 3);
            (losses, problem.unwrap())
        };
        let half =
            "{\"schema\":1}\n{\"event\":\"train\",\"step\":2,\"losses\":[3.0,2.5]}\n{\"event\":\"tr\u{0}\n";
        let (losses_of_half, said) = problem(half);
        assert!(losses_of_half == [3.0, 2.5] && said.contains("has the loss of 2 of 3 steps"), "{said}");
        for text in ["", "\u{0}\u{0}\n", "{\"schema\":9}\n"] {
            let (losses, said) = problem(text);
            assert!(losses.is_empty() && said.contains("events.jsonl"), "{said}");
        }
        std::fs::remove_file(run.path().join("events.jsonl")).unwrap();
        assert!(losses(run.path(), 3).1.is_some_and(|said| said.contains("events.jsonl")));
        assert!(losses(run.path(), 0).0.is_empty());
    }

    #[test]
    fn losses_are_read_step_by_step() {
        let run = tempfile::tempdir().unwrap();
        let events = "{\"schema\":1}\n{\"event\":\"started\",\"step\":0}\n\
                      {\"event\":\"train\",\"step\":2,\"losses\":[3.0,2.5]}\n{\"event\":\"resumed\",\"step\":2}\n\
                      {\"event\":\"train\",\"step\":3,\"losses\":[2.25]}\n";
        std::fs::write(run.path().join("events.jsonl"), events).unwrap();
        assert_eq!(losses(run.path(), 3), (vec![3.0, 2.5, 2.25], None));
    }
}
