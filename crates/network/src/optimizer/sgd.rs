//! Stochastic gradient descent with momentum, PyTorch's form (Sutskever et al. 2013, without Nesterov):
//!
//! g = gradient + weight_decay * w;  v = momentum * v + g;  w = w - lr * v

use std::collections::HashMap;

use crate::weights::StateDict;
use burn::tensor::{Gradients, Tensor, TensorData};

use super::config::OptimizerConfig;
use super::gate::StepGate;
use crate::{Cost, NamedTensors, Network, StateError, StateVisitor, count_parameters};

/// The optimizer with its velocity per parameter.
#[derive(Debug, Clone)]
pub struct Sgd {
    momentum: f64,
    weight_decay: f64,
    velocity: HashMap<String, Tensor<1>>, // flattened
}

impl Sgd {
    /// At rest.
    #[must_use]
    pub fn new(config: &OptimizerConfig) -> Self {
        Self { momentum: config.momentum, weight_decay: config.weight_decay, velocity: HashMap::new() }
    }

    /// Moves every parameter of `network` that has a gradient; names begin with `prefix`.
    pub fn step(&mut self, network: &mut impl Network, prefix: &str, gradients: &Gradients, lr: f64) {
        network.visit(prefix, &mut Step { optimizer: self, gradients, lr, gate: None });
    }

    /// The same for gradients that `gate` scales and may hold back; weights and velocities then stay as they are.
    pub fn gated_step(
        &mut self,
        network: &mut impl Network,
        prefix: &str,
        gradients: &Gradients,
        lr: f64,
        gate: &StepGate,
    ) {
        network.visit(prefix, &mut Step { optimizer: self, gradients, lr, gate: Some(gate) });
    }

    /// The cost of a step of `network`: three multiply-adds per parameter; weight, gradient and velocity
    /// are read, weight and velocity written.
    #[must_use]
    pub fn cost(&self, network: &impl Network) -> Cost {
        Cost::element_wise(6, count_parameters(network), 5)
    }

    /// The velocities as named tensors.
    ///
    /// # Errors
    /// [`StateError::Device`] where the device cannot be read.
    pub fn state(&self) -> Result<NamedTensors, StateError> {
        let mut names: Vec<&String> = self.velocity.keys().collect();
        names.sort();
        let mut tensors = NamedTensors::default();
        for name in names {
            tensors.add(name, self.velocity[name].clone())?;
        }
        Ok(tensors)
    }

    /// Takes the velocities of `network`'s parameters from `state`.
    ///
    /// # Errors
    /// [`StateError::Weights`] for one of a wrong size.
    pub fn restore(
        &mut self,
        network: &impl Network,
        prefix: &str,
        state: &mut StateDict,
    ) -> Result<(), StateError> {
        let mut restore = Restore { optimizer: self, state, result: Ok(()) };
        network.clone().visit(prefix, &mut restore);
        restore.result
    }
}

struct Step<'a> {
    optimizer: &'a mut Sgd,
    gradients: &'a Gradients,
    lr: f64,
    gate: Option<&'a StepGate>,
}

impl StateVisitor for Step<'_> {
    fn parameter<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
        let Some(gradient) = tensor.grad(self.gradients) else { return };
        let shape = tensor.dims();
        let weight = tensor.clone().inner().reshape([-1]);
        let gradient = gradient.reshape([-1]);
        let gradient = match self.gate {
            Some(gate) => gate.unscaled(gradient),
            None => gradient,
        };
        let gradient = gradient + weight.clone() * self.optimizer.weight_decay;
        let before = self.optimizer.velocity.remove(name);
        let kept = self.gate.and(before.clone());
        let mut velocity = match before {
            Some(velocity) => velocity * self.optimizer.momentum + gradient,
            None => gradient,
        };
        let mut moved = weight.clone() - velocity.clone() * self.lr;
        if let Some(gate) = self.gate {
            let at_rest = || velocity.zeros_like();
            velocity = gate.choose(velocity.clone(), kept.unwrap_or_else(at_rest));
            moved = gate.choose(moved, weight);
        }
        self.optimizer.velocity.insert(name.to_owned(), velocity);
        *tensor = moved.reshape(shape).autodiff().require_grad();
    }
    fn buffer<const D: usize>(&mut self, _: &str, _: &mut Tensor<D>) {}
    fn counter(&mut self, _: &str, _: &mut u64) {}
}

struct Restore<'a> {
    optimizer: &'a mut Sgd,
    state: &'a mut StateDict,
    result: Result<(), StateError>,
}

impl StateVisitor for Restore<'_> {
    fn parameter<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
        let count = tensor.shape().num_elements();
        if self.result.is_err() || self.state.shape(name).is_none() {
            return; // no velocity yet: that parameter has not moved
        }
        match self.state.take(name, &[count]) {
            Ok(values) => {
                let device = tensor.clone().inner().device();
                let velocity = Tensor::from_data(TensorData::new(values, [count]), &device);
                self.optimizer.velocity.insert(name.to_owned(), velocity);
            }
            Err(error) => self.result = Err(error.into()),
        }
    }
    fn buffer<const D: usize>(&mut self, _: &str, _: &mut Tensor<D>) {}
    fn counter(&mut self, _: &str, _: &mut u64) {}
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use zview_runtime::device::read_floats;

    use super::*;
    use crate::track_gradients;

    #[derive(Clone)]
    struct One(Tensor<2>);

    impl Network for One {
        fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
            visitor.parameter(&format!("{prefix}one"), &mut self.0);
        }
    }

    /// Two steps on loss = w²; with momentum and weight decay, as torch.optim.SGD takes them.
    #[test]
    fn two_steps_are_the_formula() {
        let config = OptimizerConfig { momentum: 0.9, weight_decay: 0.01, ..OptimizerConfig::default() };
        let mut optimizer = Sgd::new(&config);
        let mut network = One(Tensor::from_data([[2.0, -1.0]], &Device::flex()));
        track_gradients(&mut network);
        let (mut expected, mut velocity) = ([2.0f64, -1.0], [0.0f64; 2]);
        for lr in [0.1, 0.05] {
            let gradients = network.0.clone().square().sum().backward();
            optimizer.step(&mut network, "", &gradients, lr);
            for (w, v) in expected.iter_mut().zip(&mut velocity) {
                *v = 0.9 * *v + 2.0 * *w + 0.01 * *w;
                *w -= lr * *v;
            }
        }
        let got = read_floats(network.0.clone().inner()).unwrap();
        assert!(
            got.iter().zip(expected).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-6),
            "{got:?} {expected:?}"
        );
    }
}
