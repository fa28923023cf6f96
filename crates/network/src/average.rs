//! A running average of a network's weights.
//!
//! Polyak and Juditsky 1992; for GANs Yazici et al. 2019, <https://arxiv.org/abs/1806.04498>.

use std::collections::HashMap;

use burn::tensor::Tensor;

use crate::{Network, StateVisitor, freeze};

/// Exponential moving average of every parameter and buffer; shares nothing with the network.
#[derive(Debug, Clone)]
pub struct WeightAverage<N: Network> {
    /// The averaged network, without gradients.
    pub network: N,
    decay: f64,
}

impl<N: Network> WeightAverage<N> {
    /// Starts at the weights of `network`; `decay` is the share of the average that each update keeps.
    #[must_use]
    pub fn new(network: &N, decay: f64) -> Self {
        Self { network: freeze(network), decay }
    }

    /// average = decay average + (1 - decay) network. `update` counts from 1: early on the decay is
    /// lower, (1 + update) / (10 + update), so that the initial weights are forgotten.
    pub fn update(&mut self, network: &N, update: u64) {
        let decay = self.decay.min((1.0 + update as f64) / (10.0 + update as f64));
        let mut values = Values(HashMap::new());
        network.clone().visit("", &mut values);
        self.network.visit("", &mut Blend { values: values.0, decay, buffers: true });
    }
}

/// Every tensor of a network, flattened, by name.
struct Values(HashMap<String, Tensor<1>>);

impl StateVisitor for Values {
    fn parameter<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
        self.0.insert(name.to_owned(), tensor.clone().inner().reshape([-1]));
    }
    fn buffer<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
        self.parameter(name, tensor);
    }
    fn counter(&mut self, _: &str, _: &mut u64) {}
}

struct Blend {
    values: HashMap<String, Tensor<1>>,
    decay: f64,
    /// Whether buffers are averaged as parameters are; else they are left alone.
    buffers: bool,
}

impl StateVisitor for Blend {
    fn parameter<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
        if let Some(value) = self.values.remove(name) {
            let value = value.reshape(tensor.dims());
            *tensor = tensor.clone() * self.decay + value * (1.0 - self.decay);
        }
    }
    fn buffer<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
        if self.buffers {
            self.parameter(name, tensor);
        }
    }
    fn counter(&mut self, _: &str, _: &mut u64) {}
}

/// Moves the parameters of `target` towards those of `network`: target = keep target + (1 - keep) network.
/// Buffers are left alone.
pub(crate) fn move_parameters<N: Network>(target: &mut N, network: &N, keep: f64) {
    let mut values = Values(HashMap::new());
    network.clone().visit("", &mut values);
    target.visit("", &mut Blend { values: values.0, decay: keep, buffers: false });
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use zview_runtime::device::read_floats;

    use super::*;
    use crate::track_gradients;

    #[derive(Debug, Clone)]
    struct One(Tensor<1>);

    impl Network for One {
        fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
            visitor.parameter(&format!("{prefix}one"), &mut self.0);
        }
    }

    #[test]
    fn follows_the_network_and_shares_nothing_with_it() {
        let mut network = One(Tensor::from_data([1.0], &Device::flex()));
        track_gradients(&mut network);
        let mut average = WeightAverage::new(&network, 0.9);
        network.0 = Tensor::from_data([3.0], &Device::flex());
        average.update(&network, 1_000_000);
        let got = read_floats(average.network.0.clone()).unwrap();
        assert!((got[0] - 1.2).abs() < 1e-6, "{got:?}");
        average.update(&network, 1); // early: keeps 2/11 only
        let got = read_floats(average.network.0.clone()).unwrap();
        assert!((got[0] - (1.2 * 2.0 / 11.0 + 3.0 * 9.0 / 11.0)).abs() < 1e-6, "{got:?}");
    }
}
