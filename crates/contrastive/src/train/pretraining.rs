//! A trainer as the loop sees it: what is logged, shown and saved of it.

use std::time::Duration;

use burn::tensor::Tensor;
use serde_json::{Value, json};
use zview_network::StateError;
use zview_network::checkpoint::{Score, Snapshot};
use zview_network::training::{Run, Step, TrainingError, squared_weights};
use zview_runtime::device::{ReadError, read_floats};
use zview_runtime::forecast::RunSize;
use zview_runtime::run_folder::{EventLog, LOSS, losses_of};

use super::error::PretrainError;
use super::forecast::run_size;
use super::monitors::{self, Monitors};
use super::recipe::Recipe;
use super::trainer::Trainer;
use super::verdict::FIRST_FEATURES;
use super::view_picture::show_views;

/// By what the best checkpoint is told, in its manifest.
const MEAN_LOSS: &str = "mean training loss since the checkpoint before";
/// The same where there is an online probe.
const PROBE_ACCURACY: &str = "online probe's accuracy on the training stream since the checkpoint before";

/// A trainer, and what is watched in it.
pub(super) struct Pretraining<'a> {
    pub(super) trainer: Trainer,
    recipe: &'a Recipe,
    watched: Monitors,
    quality: Quality,
}

impl<'a> Pretraining<'a> {
    pub(super) fn new(trainer: Trainer, recipe: &'a Recipe) -> Self {
        Self { trainer, recipe, watched: Monitors::default(), quality: Quality::default() }
    }

    fn device_error(&self) -> impl Fn(ReadError) -> TrainingError + use<> {
        let step = self.trainer.step;
        move |source| TrainingError::Device { step, source }
    }
}

impl Step for Pretraining<'_> {
    type Error = PretrainError;

    fn steps_taken(&self) -> u64 {
        self.trainer.step
    }

    fn learning_rate(&self, step: u64) -> f64 {
        self.trainer.learning_rate(step)
    }

    fn size(&self) -> RunSize {
        run_size(&self.trainer, self.recipe)
    }

    fn step(&mut self) -> Result<Vec<Tensor<1>>, PretrainError> {
        let outcome = self.trainer.train_step()?;
        self.watched.keep(&outcome, self.trainer.step, self.recipe);
        Ok(vec![outcome.loss])
    }

    fn waited(&self) -> Option<Duration> {
        self.trainer.views.source.waited()
    }

    fn after_step(&mut self, run: &mut Run<'_>) -> Result<bool, PretrainError> {
        let (step, every) = (self.trainer.step, self.recipe.train.views_every);
        if step == 1 {
            let measured = self.watched.take_first(self.recipe).map_err(self.device_error())?;
            run.append(&json!({ "event": FIRST_FEATURES, "step": step, "features": measured }))?;
        }
        if every > 0 && step.is_multiple_of(every) {
            show_views(&mut self.trainer, self.recipe, run)?;
        }
        Ok(self.watched.is_due())
    }

    fn squared_weights(&self) -> Vec<Tensor<1>> {
        let learner = &self.trainer.learner;
        let squares = [squared_weights(&learner.encoder), squared_weights(&learner.objective)];
        squares.into_iter().flatten().collect()
    }

    fn beside_losses(&mut self) -> Vec<Tensor<1>> {
        self.watched.ask(&mut self.trainer)
    }

    fn log(&mut self, mut event: Value, beside: &[f32], events: &mut EventLog) -> Result<(), PretrainError> {
        let learner = &self.trainer.learner;
        event["stage_seconds"] = json!(self.trainer.clock.seconds);
        if let Some(waited) = self.waited() {
            event["waited_seconds"] = json!(waited.as_secs_f64());
        }
        if let Some(scale) = &learner.loss_scale {
            event["loss_scale"] = json!(scale.read().map_err(self.device_error())?);
        }
        if let Some(norm) = &learner.gradient_norm {
            let norm = read_floats(norm.clone()).map_err(self.device_error())?;
            event["gradient_norm"] = json!(norm.first());
        }
        let collapse = self.watched.add_to(&mut event, beside, &self.trainer, self.recipe);
        self.quality.note(&event);
        events.append(&event).map_err(TrainingError::from)?;
        collapse.map_or(Ok(()), |collapse| monitors::tell(collapse, self.recipe, events))
    }

    fn snapshot(&mut self) -> Result<Snapshot, StateError> {
        Ok(self.trainer.snapshot()?.with_score(std::mem::take(&mut self.quality).score()))
    }
}

/// How good the states since the last checkpoint were.
#[derive(Debug, Default)]
struct Quality {
    /// Sum and number of the losses.
    losses: (f64, u64),
    /// Right answers of the online probe, and how often it was asked.
    probed: (f64, u64),
}

impl Quality {
    /// Takes note of what a `train` event says.
    fn note(&mut self, event: &Value) {
        for loss in losses_of(event, LOSS) {
            self.losses.0 += loss;
            self.losses.1 += 1;
        }
        let probe = &event["online_probe"];
        if let (Some(accuracy), Some(examples)) = (probe["accuracy"].as_f64(), probe["examples"].as_u64()) {
            self.probed.0 += accuracy * examples as f64;
            self.probed.1 += examples;
        }
    }

    fn score(self) -> Option<Score> {
        let (measure, (sum, count), higher_is_better) = if self.probed.1 > 0 {
            (PROBE_ACCURACY, self.probed, true)
        } else {
            (MEAN_LOSS, self.losses, false)
        };
        let value = sum / count as f64;
        (count > 0).then(|| Score { measure: measure.to_owned(), value, higher_is_better })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_online_probe_decides_where_there_is_one() {
        let score = |event: Value| {
            let mut quality = Quality::default();
            quality.note(&event);
            quality.score().map(|score| (score.measure, score.value, score.higher_is_better))
        };
        let losses = json!({ "loss": [1.0, 2.0, 3.0] });
        assert_eq!(score(json!({ "losses": losses })), Some((MEAN_LOSS.to_owned(), 2.0, false)));
        let probe = json!({ "accuracy": 0.75, "examples": 4 });
        let expected = Some((PROBE_ACCURACY.to_owned(), 0.75, true));
        assert_eq!(score(json!({ "losses": losses, "online_probe": probe })), expected);
        assert_eq!(score(json!({ "step": 3 })), None);
    }
}
