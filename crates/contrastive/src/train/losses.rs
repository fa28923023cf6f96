//! Losses on their way from the device to the event log.

use burn::tensor::Tensor;
use serde_json::json;
use zview_runtime::device::read_floats;
use zview_runtime::run_folder::EventLog;

use super::divergence::{NotFinite, squared_weights};
use super::pretrain::PretrainError;
use super::recipe::Recipe;
use super::saver::Saver;
use super::trainer::{StepOutcome, Trainer};
use super::watched::{self, Watched};

/// Losses that are still on the device, the last one that was read, and what is watched beside them.
pub(super) struct Losses {
    pending: Vec<Tensor<1>>, // each [1]
    last: Option<f32>,
    watched: Watched,
}

impl Losses {
    /// None pending; `last` is that of the step before the next.
    pub(super) fn new(last: Option<f32>) -> Self {
        Self { pending: Vec::new(), last, watched: Watched::default() }
    }

    /// The last loss that was read.
    pub(super) fn last(&self) -> Option<f32> {
        self.last
    }

    /// Takes what step `step` gave, and says whether its features are to be measured now.
    pub(super) fn push(&mut self, outcome: StepOutcome, step: u64, recipe: &Recipe) -> bool {
        let watch_due = self.watched.keep(&outcome, step, recipe);
        self.pending.push(outcome.loss);
        watch_due
    }

    /// Waits for the device to have computed what is pending.
    pub(super) fn wait(&self, trainer: &Trainer) -> Result<(), PretrainError> {
        let last = self.pending.last().cloned();
        let read = last.map_or(Ok(Vec::new()), read_floats);
        read.map(|_| ()).map_err(|source| PretrainError::Device { step: trainer.step, source })
    }

    /// Reads what is pending, the size of the weights, and what is watched in one transfer; checks that all of it is finite, and logs it. A
    /// gradient that is not finite shows in the weights; one that a loss scale held back does not, and is no fault.
    pub(super) fn read(
        &mut self,
        trainer: &mut Trainer,
        recipe: &Recipe,
        saver: &mut Saver,
        events: &mut EventLog,
    ) -> Result<(), PretrainError> {
        let steps = self.pending.len();
        if steps == 0 {
            return Ok(());
        }
        let step = trainer.step;
        let device_error = |source| PretrainError::Device { step, source };
        let squares =
            [squared_weights(&trainer.learner.encoder), squared_weights(&trainer.learner.objective)];
        let mut tensors = std::mem::take(&mut self.pending);
        tensors.extend(squares.into_iter().flatten());
        let counted = tensors.len();
        let mut asked = self.watched.ask(trainer);
        tensors.extend(asked.take_tensors());
        let mut losses = read_floats(Tensor::cat(tensors, 0)).map_err(device_error)?;
        let watched_values = losses.split_off(counted);
        let squares: f32 = losses.split_off(steps).into_iter().sum();
        let gradient_norm = match &trainer.learner.gradient_norm {
            Some(norm) => read_floats(norm.clone()).map_err(device_error)?.first().copied(),
            None => None,
        };
        let first = trainer.step - steps as u64; // steps before the first of these
        if let Some((step, what)) = first_not_finite(first, &losses, squares) {
            let finite = losses.iter().copied().take_while(|loss| loss.is_finite()).last();
            let not_finite = NotFinite {
                step,
                what,
                learning_rate: trainer.learning_rate(step - 1),
                seed: recipe.seed,
                last_finite: finite.or(self.last).unwrap_or(f32::NAN),
                kept: NotFinite::kept(saver.settled(events)),
            };
            let message = not_finite.to_string();
            events.append(&json!({ "event": "not-finite", "step": step, "message": message }))?;
            return Err(not_finite.into());
        }
        self.last = losses.last().copied();
        saver.count(&losses);
        let mut event = json!({
            "event": "train", "step": trainer.step, "losses": losses,
            "learning_rate": trainer.learning_rate(trainer.step.saturating_sub(1)),
            "weight_norm": squares.sqrt(), "stage_seconds": trainer.clock.seconds,
        });
        if let Some(scale) = &trainer.learner.loss_scale {
            event["loss_scale"] = json!(scale.read().map_err(device_error)?);
        }
        if let Some(norm) = gradient_norm {
            event["gradient_norm"] = json!(norm);
        }
        let collapse = self.watched.add_to(&mut event, &asked, &watched_values, trainer, recipe);
        saver.note_probe(&event);
        events.append(&event)?;
        collapse.map_or(Ok(()), |collapse| watched::tell(collapse, recipe, events))
    }
}

/// The first step, counted from 1, with a number that is not finite, and which it is; `taken` steps came before
/// `losses`, and `squares` are the squared weights after all of them.
fn first_not_finite(taken: u64, losses: &[f32], squares: f32) -> Option<(u64, String)> {
    if let Some(offset) = losses.iter().position(|loss| !loss.is_finite()) {
        let step = taken + offset as u64 + 1;
        return Some((step, format!("the loss of step {step} is {}", losses[offset])));
    }
    let step = taken + losses.len() as u64;
    let what = format!(
        "after step {step} the weights are not finite: a gradient since step {} was not, though the losses were",
        taken + 1
    );
    (!squares.is_finite()).then_some((step, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_that_is_not_finite_is_named_with_its_step() {
        assert_eq!(first_not_finite(10, &[1.0, 2.0], 3.0), None);
        let (step, what) = first_not_finite(10, &[1.0, f32::NAN, f32::INFINITY], f32::NAN).unwrap();
        assert_eq!((step, what.as_str()), (12, "the loss of step 12 is NaN"));
        let (step, what) = first_not_finite(10, &[1.0, 2.0], f32::INFINITY).unwrap();
        assert!(step == 12 && what.contains("after step 12") && what.contains("since step 11"), "{what}");
    }
}
