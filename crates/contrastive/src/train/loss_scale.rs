//! Loss scaling for activations of 16 bits.
//!
//! Gradients of a contrastive loss are smaller than the smallest number of 16 bits. Micikevicius et al. 2018,
//! "Mixed Precision Training", section 3.2, <https://arxiv.org/abs/1710.03740>: multiply the loss, divide the
//! gradients of the parameters, skip the step where one of them overflowed. The scale follows the gradients: halved
//! after an overflow, and doubled over [`DOUBLES_AFTER`] good steps. All of it happens on the device.

use burn::tensor::{Device, Tensor};
use zview_network::optimizer::StepGate;
use zview_runtime::device::{ReadError, read_floats};

/// The scale of the first step.
pub(crate) const FIRST: f32 = 65_536.0;
/// Good steps in which the scale doubles.
const DOUBLES_AFTER: f64 = 2_000.0;
const SMALLEST: f32 = 1.0;
const LARGEST: f32 = 16_777_216.0;

/// The factor between the loss and what gradients are taken of.
#[derive(Debug, Clone)]
pub struct LossScale {
    scale: Tensor<1>, // [1], on the device
}

impl LossScale {
    /// At `scale`, on `device` (without autodiff).
    #[must_use]
    pub fn new(scale: f32, device: &Device) -> Self {
        Self { scale: Tensor::from_floats([scale], device) }
    }

    /// The loss `[1]` times the scale, its gradients recorded.
    #[must_use]
    pub fn scaled(&self, loss: Tensor<1>) -> Tensor<1> {
        loss * Tensor::from_inner(self.scale.clone())
    }

    /// Moves the scale after a step of gradients that had it, which went through `gate`.
    pub fn follow(&mut self, gate: &StepGate) {
        let Some(open) = gate.open() else { return };
        let grown = (self.scale.clone() * 2f64.powf(1.0 / DOUBLES_AFTER)).clamp_max(LARGEST);
        let halved = (self.scale.clone() * 0.5).clamp_min(SMALLEST);
        self.scale = halved.mask_where(open, grown);
    }

    /// The scale as a tensor `[1]`.
    #[must_use]
    pub fn tensor(&self) -> Tensor<1> {
        self.scale.clone()
    }

    /// The scale; waits for the device.
    ///
    /// # Errors
    /// [`ReadError`] where the device fails.
    pub fn read(&self) -> Result<f32, ReadError> {
        Ok(read_floats(self.scale.clone())?.first().copied().unwrap_or(f32::NAN))
    }
}

#[cfg(test)]
mod tests {
    use zview_network::optimizer::{NamedGradients, Optimizer, OptimizerConfig};
    use zview_network::{Network, StateVisitor, track_gradients};

    use super::*;

    #[derive(Clone)]
    struct One(Tensor<1>);

    impl Network for One {
        fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
            visitor.parameter(&format!("{prefix}weight"), &mut self.0);
        }
    }

    fn values(tensor: Tensor<1>) -> Vec<f32> {
        tensor.into_data().try_into_vec().unwrap()
    }

    /// Two networks after a step along `factor * weight`, the scale after it, and the optimizer.
    fn stepped(factor: f32, scale: &mut LossScale, optimizer: &mut Optimizer, networks: &mut [One; 2]) {
        let [a, b] = networks;
        let loss = (a.0.clone() * a.0.clone() * factor + b.0.clone()).sum();
        let mut backward = scale.scaled(loss.reshape([1])).backward();
        let mut gradients = NamedGradients::default();
        gradients.add(a, "a.", &mut backward);
        gradients.add(b, "b.", &mut backward);
        let gate = StepGate::new(&gradients, Some(scale.tensor()), None).unwrap();
        scale.follow(&gate);
        let mut update = optimizer.update(1, 0.1, Some(&gate));
        update.step(a, "a.", &mut gradients);
        update.step(b, "b.", &mut gradients);
    }

    #[test]
    fn a_step_at_any_scale_is_the_step_without_one() {
        let device = Device::flex();
        let networks = || {
            let mut networks = [[1.0, -2.0], [0.5, 0.25]].map(|x| One(Tensor::from_floats(x, &device)));
            networks.iter_mut().for_each(track_gradients);
            networks
        };
        let after = |first: f32| {
            let (mut scale, mut optimizer, mut networks) =
                (LossScale::new(first, &device), Optimizer::new(&OptimizerConfig::default()), networks());
            for _ in 0..3 {
                stepped(0.5, &mut scale, &mut optimizer, &mut networks);
            }
            networks.map(|network| values(network.0.inner()))
        };
        assert_eq!(after(1024.0).map(|v| v.len()), [2, 2]);
        for (a, b) in after(1.0).concat().iter().zip(after(1024.0).concat()) {
            assert!((a - b).abs() < 1e-6, "{a} {b}");
        }
    }

    #[test]
    fn an_overflow_skips_the_step_and_halves_the_scale() {
        let device = Device::flex();
        let mut networks = [[1.0f32, -2.0], [0.5, 0.25]].map(|x| One(Tensor::from_floats(x, &device)));
        networks.iter_mut().for_each(track_gradients);
        let (mut scale, mut optimizer) =
            (LossScale::new(8.0, &device), Optimizer::new(&OptimizerConfig::default()));
        stepped(0.5, &mut scale, &mut optimizer, &mut networks);
        let before = networks.clone().map(|network| values(network.0.inner()));
        let velocity = optimizer.clone();
        assert!(scale.read().unwrap() > 8.0, "a good step lets it grow");
        stepped(f32::INFINITY, &mut scale, &mut optimizer, &mut networks);
        assert_eq!(
            networks.clone().map(|network| values(network.0.inner())),
            before,
            "both stay where they were"
        );
        assert!((scale.read().unwrap() - 4.0).abs() < 0.01);
        // The velocity is untouched too: the next step is the one that would have followed.
        let mut kept = networks.clone();
        let (mut one, mut other) = (scale.clone(), velocity);
        stepped(0.5, &mut one, &mut other, &mut kept);
        stepped(0.5, &mut scale, &mut optimizer, &mut networks);
        assert_eq!(
            networks.map(|network| values(network.0.inner())),
            kept.map(|network| values(network.0.inner()))
        );
    }
}
