//! Losses on their way from the device.

use burn::tensor::Tensor;
use serde_json::{Map, Value, json};
use zview_runtime::device::{ReadError, read_floats};

/// The losses of the last steps that are still on the device, so many of each step, and those that were read last.
#[derive(Debug)]
pub struct LossLog {
    names: &'static [&'static str],
    pending: Vec<Tensor<1>>, // each [1], step after step
    last: Vec<f32>,
}

impl LossLog {
    /// None yet; a step has one for each of `names`.
    #[must_use]
    pub fn new(names: &'static [&'static str]) -> Self {
        Self { names, pending: Vec::new(), last: Vec::new() }
    }

    /// Takes what a step gave, each `[1]` and without gradients.
    pub fn push(&mut self, losses: impl IntoIterator<Item = Tensor<1>>) {
        self.pending.extend(losses);
    }

    /// Steps whose losses were not read.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.pending.len() / self.names.len()
    }

    /// Waits for the device to have computed what is pending.
    ///
    /// # Errors
    /// [`ReadError`] where the device fails.
    pub fn wait(&self) -> Result<(), ReadError> {
        self.pending.last().cloned().map_or(Ok(Vec::new()), read_floats).map(|_| ())
    }

    /// Reads what is pending, and `beside` it the values of these in the same transfer.
    ///
    /// # Errors
    /// [`ReadError`] where the device fails.
    pub fn read(&mut self, beside: Vec<Tensor<1>>) -> Result<[Vec<f32>; 2], ReadError> {
        let mut tensors = std::mem::take(&mut self.pending);
        let count = tensors.len();
        tensors.extend(beside);
        let mut losses = read_floats(Tensor::cat(tensors, 0))?;
        let beside = losses.split_off(count);
        if let Some(last) = losses.chunks_exact(self.names.len()).rfind(|step| all_finite(step)) {
            self.last = last.to_vec();
        }
        Ok([losses, beside])
    }

    /// The names of a step's losses.
    #[must_use]
    pub fn names(&self) -> &'static [&'static str] {
        self.names
    }

    /// The losses of the last step that was read and had none that is not finite; empty before it.
    #[must_use]
    pub fn last(&self) -> &[f32] {
        &self.last
    }

    /// Goes on after a step with these losses.
    pub(super) fn set_last(&mut self, last: Vec<f32>) {
        self.last = last;
    }

    /// The last ones: `loss 1.2345`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let words = self.names.iter().zip(&self.last).map(|(name, loss)| format!("{name} {loss:.4}"));
        let words = words.collect::<Vec<_>>().join(", ");
        if words.is_empty() { "no loss".to_owned() } else { words }
    }

    /// `losses`, step after step, as a `train` event has them: by name, a value per step.
    pub(super) fn by_name(&self, losses: &[f32]) -> Map<String, Value> {
        let count = self.names.len();
        let of = |at: usize| losses.iter().skip(at).step_by(count).copied().collect::<Vec<f32>>();
        self.names.iter().enumerate().map(|(at, name)| ((*name).to_owned(), json!(of(at)))).collect()
    }

    /// The first step, counted from 1, with a number that is not finite, and which it is; `taken` steps came before
    /// `losses`, and `squares` are the squared weights after all of them.
    pub(super) fn first_not_finite(&self, taken: u64, losses: &[f32], squares: f32) -> Option<(u64, String)> {
        let count = self.names.len();
        if let Some(at) = losses.iter().position(|loss| !loss.is_finite()) {
            let step = taken + (at / count) as u64 + 1;
            let name =
                if count == 1 { "loss".to_owned() } else { format!("{} loss", self.names[at % count]) };
            return Some((step, format!("the {name} of step {step} is {}", losses[at])));
        }
        let step = taken + (losses.len() / count) as u64;
        let what = format!(
            "after step {step} the weights are not finite: a gradient since step {} was not, though the losses were",
            taken + 1
        );
        (!squares.is_finite()).then_some((step, what))
    }
}

/// Whether there is no loss among these that is not a finite number.
fn all_finite(losses: &[f32]) -> bool {
    losses.iter().all(|loss| loss.is_finite())
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn the_first_number_that_is_not_finite_is_named_with_its_step() {
        let losses = LossLog::new(&["loss"]);
        assert_eq!(losses.first_not_finite(10, &[1.0, 2.0], 3.0), None);
        let (step, what) = losses.first_not_finite(10, &[1.0, f32::NAN, f32::INFINITY], f32::NAN).unwrap();
        assert_eq!((step, what.as_str()), (12, "the loss of step 12 is NaN"));
        let (step, what) = losses.first_not_finite(10, &[1.0, 2.0], f32::INFINITY).unwrap();
        assert!(step == 12 && what.contains("after step 12") && what.contains("since step 11"), "{what}");
        let two = LossLog::new(&["discriminator", "generator"]);
        let (step, what) = two.first_not_finite(4, &[1.0, 2.0, 3.0, f32::NAN], 0.0).unwrap();
        assert_eq!((step, what.as_str()), (6, "the generator loss of step 6 is NaN"));
    }

    #[test]
    fn losses_of_several_steps_are_read_at_once_and_told_by_name() {
        let one = |value: f32| Tensor::<1>::from_floats([value], &Device::flex());
        let mut losses = LossLog::new(&["a", "b"]);
        losses.push([one(1.0), one(2.0)]);
        losses.push([one(3.0), one(4.0)]);
        losses.push([one(f32::NAN), one(5.0)]);
        assert_eq!(losses.steps(), 3);
        losses.wait().unwrap();
        let [read, beside] = losses.read(vec![one(7.0)]).unwrap();
        assert_eq!((read.len(), beside, losses.steps()), (6, vec![7.0], 0));
        assert_eq!((losses.last(), losses.in_words().as_str()), (&[3.0, 4.0][..], "a 3.0000, b 4.0000"));
        assert_eq!(json!(losses.by_name(&read[..4])), json!({ "a": [1.0, 3.0], "b": [2.0, 4.0] }));
    }
}
