//! Adam (Kingma and Ba 2015, algorithm 1, <https://arxiv.org/abs/1412.6980>):
//!
//! m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;
//! w = w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)

use std::collections::BTreeMap;

use burn::tensor::{Gradients, Tensor, TensorData};

use crate::weights::StateDict;
use crate::{NamedTensors, Network, StateError, StateVisitor};

const EPSILON: f64 = 1e-8;

/// The moments of one parameter, flattened.
#[derive(Debug, Clone)]
struct Moments {
    first: Tensor<1>,
    second: Tensor<1>,
}

/// The optimizer with the moments of every parameter.
#[derive(Debug, Clone)]
pub struct Adam {
    beta1: f64,
    beta2: f64,
    moments: BTreeMap<String, Moments>,
}

impl Adam {
    /// At rest; `beta1` and `beta2` are the shares of the old moments that are kept.
    #[must_use]
    pub fn new(beta1: f64, beta2: f64) -> Self {
        Self { beta1, beta2, moments: BTreeMap::new() }
    }

    /// Moves every parameter of `network` that has a gradient; names begin with `prefix`. `update`
    /// counts this optimizer's steps from 1.
    pub fn step(
        &mut self,
        network: &mut impl Network,
        prefix: &str,
        gradients: &Gradients,
        lr: f64,
        update: u64,
    ) {
        // Above some thousand updates the corrections are 1 to double precision.
        let power = |beta: f64| beta.powi(i32::try_from(update.max(1)).unwrap_or(i32::MAX));
        let scale = (1.0 - power(self.beta2)).sqrt() / (1.0 - power(self.beta1));
        let epsilon = EPSILON * (1.0 - power(self.beta2)).sqrt();
        network.visit(prefix, &mut Step { optimizer: self, gradients, rate: lr * scale, epsilon });
    }

    /// The moments as named tensors: `<parameter>.first_moment`, `<parameter>.second_moment`.
    ///
    /// # Errors
    /// [`StateError::Device`] where the device cannot be read.
    pub fn state(&self) -> Result<NamedTensors, StateError> {
        let mut tensors = NamedTensors::default();
        for (name, moments) in &self.moments {
            tensors.add(&format!("{name}.first_moment"), moments.first.clone())?;
            tensors.add(&format!("{name}.second_moment"), moments.second.clone())?;
        }
        Ok(tensors)
    }

    /// Takes the moments of `network`'s parameters from `state`.
    ///
    /// # Errors
    /// [`StateError::Weights`] for one that is missing or of a wrong size.
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
    optimizer: &'a mut Adam,
    gradients: &'a Gradients,
    rate: f64,
    epsilon: f64,
}

impl StateVisitor for Step<'_> {
    fn parameter<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
        let Some(gradient) = tensor.grad(self.gradients) else { return };
        let (beta1, beta2) = (self.optimizer.beta1, self.optimizer.beta2);
        let shape = tensor.dims();
        let gradient = gradient.reshape([-1]);
        let (first, second) = match self.optimizer.moments.remove(name) {
            Some(old) => (
                old.first * beta1 + gradient.clone() * (1.0 - beta1),
                old.second * beta2 + gradient.square() * (1.0 - beta2),
            ),
            None => (gradient.clone() * (1.0 - beta1), gradient.square() * (1.0 - beta2)),
        };
        let weight = tensor.clone().inner().reshape([-1]);
        let moved = weight - first.clone() / (second.clone().sqrt() + self.epsilon) * self.rate;
        self.optimizer.moments.insert(name.to_owned(), Moments { first, second });
        *tensor = moved.reshape(shape).autodiff().require_grad();
    }
    fn buffer<const D: usize>(&mut self, _: &str, _: &mut Tensor<D>) {}
    fn counter(&mut self, _: &str, _: &mut u64) {}
}

struct Restore<'a> {
    optimizer: &'a mut Adam,
    state: &'a mut StateDict,
    result: Result<(), StateError>,
}

impl Restore<'_> {
    fn take<const D: usize>(&mut self, name: &str, tensor: &Tensor<D>) -> Result<Moments, StateError> {
        let count = tensor.shape().num_elements();
        let device = tensor.clone().inner().device();
        let mut moment = |which: &str| -> Result<Tensor<1>, StateError> {
            let values = self.state.take(&format!("{name}.{which}"), &[count])?;
            Ok(Tensor::from_data(TensorData::new(values, [count]), &device))
        };
        Ok(Moments { first: moment("first_moment")?, second: moment("second_moment")? })
    }
}

impl StateVisitor for Restore<'_> {
    fn parameter<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
        if self.result.is_ok() {
            self.result = self.take(name, tensor).map(|moments| {
                self.optimizer.moments.insert(name.to_owned(), moments);
            });
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

    /// Three steps on loss = w², in double precision beside it.
    #[test]
    fn three_steps_are_the_formula() {
        let mut optimizer = Adam::new(0.5, 0.9);
        let mut network = One(Tensor::from_data([[2.0, -1.0]], &Device::flex()));
        track_gradients(&mut network);
        let (mut weight, mut first, mut second) = ([2.0f64, -1.0], [0.0f64; 2], [0.0f64; 2]);
        for update in 1..=3 {
            let gradients = network.0.clone().square().sum().backward();
            optimizer.step(&mut network, "", &gradients, 0.1, update);
            for ((w, m), v) in weight.iter_mut().zip(&mut first).zip(&mut second) {
                let gradient = 2.0 * *w;
                *m = 0.5 * *m + 0.5 * gradient;
                *v = 0.9 * *v + 0.1 * gradient * gradient;
                let (m, v) =
                    (*m / (1.0 - 0.5f64.powi(update as i32)), *v / (1.0 - 0.9f64.powi(update as i32)));
                *w -= 0.1 * m / (v.sqrt() + 1e-8);
            }
        }
        let got = read_floats(network.0.clone().inner()).unwrap();
        assert!(got.iter().zip(weight).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-6), "{got:?} {weight:?}");
    }
}
