//! Numbers that are not finite, and where they were seen.

use burn::tensor::Tensor;

use crate::{Network, StateVisitor};

/// Training produced a number that is not finite; nothing after it is worth anything.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "training diverged: {what} (learning rate {learning_rate:.3e}, seed {seed}, last finite: {last_finite}); {remedy}; \
     {kept}"
)]
pub struct NotFinite {
    /// The first step where it was seen, counted from 1.
    pub step: u64,
    /// What is not finite, naming the step.
    pub what: String,
    /// The learning rate of that step.
    pub learning_rate: f64,
    /// The run's seed: with the step it gives the batch.
    pub seed: u64,
    /// The last losses that were finite, in words.
    pub last_finite: String,
    /// What may help.
    pub remedy: &'static str,
    /// What is kept, such as the last good checkpoint.
    pub kept: String,
}

impl NotFinite {
    /// What is kept when the last intact checkpoint is that of step `saved`.
    pub(super) fn kept(saved: Option<u64>) -> String {
        match saved {
            None => "no checkpoint was written before it (train.checkpoint_every)".to_owned(),
            Some(step) => format!("the checkpoint of step {step} is kept"),
        }
    }
}

/// The sum of the squares of a network's parameters, `[1]`, on the device: not finite from the first step on whose
/// gradients are not.
#[must_use]
pub fn squared_weights(network: &impl Network) -> Option<Tensor<1>> {
    struct Sum(Option<Tensor<1>>);
    impl StateVisitor for Sum {
        fn parameter<const D: usize>(&mut self, _: &str, tensor: &mut Tensor<D>) {
            let squares = tensor.clone().inner().reshape([-1]).square().sum_dim(0);
            self.0 = Some(match self.0.take() {
                Some(sum) => sum + squares,
                None => squares,
            });
        }
        fn buffer<const D: usize>(&mut self, _: &str, _: &mut Tensor<D>) {}
        fn counter(&mut self, _: &str, _: &mut u64) {}
    }
    let mut sum = Sum(None);
    network.clone().visit("", &mut sum);
    sum.0
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use zview_runtime::device::read_floats;

    use super::*;
    use crate::track_gradients;

    #[derive(Clone)]
    struct Two(Tensor<2>, Tensor<1>);

    impl Network for Two {
        fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
            visitor.parameter(&format!("{prefix}weight"), &mut self.0);
            visitor.parameter(&format!("{prefix}bias"), &mut self.1);
        }
    }

    #[test]
    fn one_weight_that_is_not_finite_shows_in_the_sum() {
        let device = Device::flex();
        let sum = |bias: f32| {
            let weight = Tensor::from_data([[1.0, 2.0], [0.0, -2.0]], &device);
            let mut network = Two(weight, Tensor::from_floats([0.0, bias], &device));
            track_gradients(&mut network);
            read_floats(squared_weights(&network).unwrap()).unwrap()[0]
        };
        assert_eq!(sum(3.0), 18.0);
        assert!(!sum(f32::NAN).is_finite() && !sum(f32::NEG_INFINITY).is_finite());
    }
}
