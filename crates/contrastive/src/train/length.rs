//! How long a run is: in epochs, and where a run that is there is made longer.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;

use serde_json::{Value, json};
use zview_network::optimizer::warmup_cosine;
use zview_runtime::config::Written;
use zview_runtime::words::counted;

use super::error::PretrainError;
use super::recipe::{MOST_STEPS, Recipe, TrainConfig};
use crate::source::{Epoch, SourceError};

/// The option that asks for epochs, as messages name it.
const EPOCHS: &str = "--epochs";

/// `recipe` with the steps that see every anchor `epochs` times.
///
/// # Errors
/// [`SourceError::Recipe`] where fresh anchors have no end, or the number makes no run.
pub(super) fn with_epochs(
    recipe: &Recipe,
    epoch: Option<Epoch>,
    epochs: f64,
) -> Result<Recipe, PretrainError> {
    let wrong = |problem: String| SourceError::Recipe { field: EPOCHS, problem };
    let Some(epoch) = epoch.filter(|epoch| epoch.per_batch > 0) else {
        return Err(wrong(
            "a generator draws fresh anchors at every step, so that there is no epoch; say --steps, or fix how many \
             anchors there are with --set anchors.unique=10000"
                .to_owned(),
        )
        .into());
    };
    let per_step = (epoch.per_batch as u64 * recipe.train.accumulate) as f64;
    let steps = (epochs * epoch.anchors as f64 / per_step).ceil();
    if !(epochs > 0.0 && steps >= 1.0 && steps <= MOST_STEPS as f64) {
        return Err(wrong(format!("expected a number above 0, got {epochs}")).into());
    }
    let mut recipe = recipe.clone();
    recipe.train.steps = steps as u64;
    recipe.train.warmup_steps = recipe.train.warmup_steps.min(recipe.train.steps);
    Ok(recipe)
}

/// What was said of shorter warm-ups, each once: a recipe is read by every run of a comparison.
static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Ends the warm-up with the run where it is not said, or the length of the run is said after it, with a word.
pub(super) fn end_warm_up_in_time(train: &mut TrainConfig, written: &Written) {
    let (steps, warm_up) = (train.steps, train.warmup_steps);
    let said = written.layer("train.warmup_steps");
    if said.is_none() {
        train.warmup_steps = warm_up.min(steps);
    } else if steps > 0 && warm_up > steps && written.layer("train.steps") > said {
        train.warmup_steps = steps;
        let length = counted(usize::try_from(steps).unwrap_or(usize::MAX), "step");
        let said = format!("train.warmup_steps={steps} instead of {warm_up}: the run has {length}");
        if SAID.lock().is_ok_and(|mut all| all.insert(said.clone())) {
            tracing::warn!("{said}");
        }
    }
}

/// What is said of a learning rate that rises to the end, if that is what it does.
#[must_use]
pub fn all_warm_up(train: &TrainConfig) -> Option<String> {
    let TrainConfig { steps, warmup_steps, .. } = train;
    (*steps > 1 && warmup_steps >= steps).then(|| {
        format!(
            "train.warmup_steps = {warmup_steps} takes all {steps} steps: the learning rate only rises, and reaches \
             optimizer.lr at the last step; say train.warmup_steps={}, or more steps",
            steps / 10
        )
    })
}

/// What there is to say of the run in `run` that is resumed after its last step.
pub(super) fn finished(run: &Path, steps: u64) -> String {
    format!(
        "{} is finished ({steps} of {steps} steps), nothing is left to do: --steps with a number above {steps} extends it",
        run.display()
    )
}

/// A run that is given more steps than it was begun with.
#[derive(Debug, Clone)]
pub(super) struct Extension {
    /// The recipe that it had.
    before: Recipe,
    /// The steps that it has now.
    steps: u64,
}

impl Extension {
    /// What becomes of the run in `run`, begun with `before`, that is resumed with `recipe`. `None` where it has the
    /// same steps.
    ///
    /// # Errors
    /// [`PretrainError::Shorter`] where it would have fewer.
    pub(super) fn of(run: &Path, before: Recipe, recipe: &Recipe) -> Result<Option<Self>, PretrainError> {
        let (had, steps) = (before.train.steps, recipe.train.steps);
        if steps < had {
            return Err(PretrainError::Shorter { run: run.to_owned(), had, asked: steps });
        }
        Ok((steps > had).then_some(Self { before, steps }))
    }

    /// The event `extended`, of a run that stands at `step`.
    pub(super) fn event(&self, recipe: &Recipe, step: u64) -> Value {
        json!({
            "event": "extended", "step": step, "steps_before": self.before.train.steps, "steps": self.steps,
            "learning_rate_before": rate(&self.before, step.saturating_sub(1)),
            "learning_rate": rate(recipe, step), "message": self.in_words(recipe, step), "config_before": self.before,
        })
    }

    /// What it does to the learning rate, of a run that stands at `step`.
    pub(super) fn in_words(&self, recipe: &Recipe, step: u64) -> String {
        let (had, steps) = (self.before.train.steps, self.steps);
        let (last, next) = (rate(&self.before, step.saturating_sub(1)), rate(recipe, step));
        let schedule = if recipe.optimizer.final_lr_share == 1.0 {
            format!("the learning rate stays {next:.3e}, as in a run of {steps} steps from the start")
        } else {
            let end = recipe.optimizer.lr * recipe.optimizer.final_lr_share;
            format!(
                "the schedule is now that of {steps} steps: the learning rate, {last:.3e} at the last step, goes on at \
                 {next:.3e} and falls to {end:.3e}; the steps before had the schedule of {had}, so this is not the run \
                 that {steps} steps from the start are"
            )
        };
        format!("extended from {had} to {steps} steps at step {step}: {schedule}")
    }
}

fn rate(recipe: &Recipe, step: u64) -> f64 {
    let (train, optimizer) = (&recipe.train, &recipe.optimizer);
    warmup_cosine(step, train.steps, train.warmup_steps, optimizer.lr, optimizer.final_lr_share)
}

#[cfg(test)]
mod tests {
    use zview_runtime::config::parse_toml;

    use super::*;

    fn recipe(more: &str) -> Recipe {
        let text = format!("[source]\nkind = \"real\"\ndata = \"mnist\"\n{more}");
        parse_toml(Path::new("recipe"), &text).unwrap()
    }

    #[test]
    fn a_warm_up_that_takes_all_steps_is_told_with_one_that_does_not() {
        let of =
            |steps, warmup_steps| all_warm_up(&TrainConfig { steps, warmup_steps, ..TrainConfig::default() });
        let told = of(40, 40).unwrap();
        assert!(told.starts_with("train.warmup_steps = 40 takes all 40 steps"), "{told}");
        assert!(told.contains("say train.warmup_steps=4,"), "{told}");
        // No step, or one at the full rate, has no warm-up that could be too long.
        assert_eq!([of(0, 0), of(1, 1), of(40, 39), of(40, 0)], [None, None, None, None]);
    }

    #[test]
    fn epochs_are_steps_that_see_every_image_so_often() {
        let images = Some(Epoch { anchors: 1_000, per_batch: 64, unit: "images" });
        let steps = |more: &str, epochs: f64| {
            let recipe = with_epochs(&recipe(more), images, epochs).unwrap();
            (recipe.train.steps, recipe.train.warmup_steps)
        };
        assert_eq!(steps("[train]\nbatch = 64", 10.0), (157, 50));
        assert_eq!(steps("[train]\nbatch = 64\naccumulate = 2", 10.0), (79, 50));
        assert_eq!(steps("[train]\nbatch = 64", 0.5), (8, 8), "the warm-up is no longer than the run");
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300] {
            let error = with_epochs(&recipe(""), images, wrong).unwrap_err().to_string();
            assert!(error.starts_with("--epochs: expected a number above 0"), "{error}");
        }
    }

    #[test]
    fn epochs_of_fresh_anchors_are_refused_with_the_reason() {
        let error = with_epochs(&recipe(""), None, 3.0).unwrap_err().to_string();
        assert!(error.contains("--epochs") && error.contains("fresh anchors at every step"), "{error}");
        assert!(error.contains("--steps") && error.contains("anchors.unique"), "{error}");
    }

    #[test]
    fn an_extended_run_says_what_its_learning_rate_does() {
        let run = Path::new("runs/x");
        let (before, after) = (recipe("[train]\nsteps = 400"), recipe("[train]\nsteps = 800"));
        let extension = Extension::of(run, before.clone(), &after).unwrap().unwrap();
        let event = extension.event(&after, 400);
        let rate = |key: &str| event[key].as_f64().unwrap();
        assert_eq!(rate("learning_rate"), warmup_cosine(400, 800, 50, after.optimizer.lr, 0.0));
        assert!(rate("learning_rate") > 1_000.0 * rate("learning_rate_before"), "{event}");
        assert_eq!(event["config_before"]["train"]["steps"], 400);
        let said = event["message"].as_str().unwrap();
        assert!(
            said.contains("from 400 to 800 steps") && said.contains("schedule is now that of 800"),
            "{said}"
        );
        let constant = "[optimizer]\nfinal_lr_share = 1.0\n[train]\nsteps = ";
        let (before, after) = (recipe(&format!("{constant}400")), recipe(&format!("{constant}800")));
        let said = Extension::of(run, before.clone(), &after).unwrap().unwrap().in_words(&after, 400);
        assert!(said.contains("stays") && said.contains("as in a run of 800 steps"), "{said}");
        assert!(Extension::of(run, after.clone(), &after).unwrap().is_none());
        let error = Extension::of(run, after, &before).unwrap_err().to_string();
        assert!(
            error.contains("has 800 steps, and 400 were asked for") && error.contains("--steps"),
            "{error}"
        );
    }
}
