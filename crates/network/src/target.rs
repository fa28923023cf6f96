//! A target network: a slowly moving copy that gradients do not reach.
//!
//! Grill et al. 2020, "Bootstrap Your Own Latent", equation 1, <https://arxiv.org/abs/2006.07733>; He et al. 2020,
//! "Momentum Contrast", equation 2, <https://arxiv.org/abs/1911.05722>.

use burn::tensor::Tensor;

use crate::average::move_parameters;
use crate::{Network, StateVisitor, freeze};

/// A copy of a network whose parameters follow the network's. It shares nothing with it: its batch norms keep
/// running statistics of what the copy itself has seen.
#[derive(Debug, Clone)]
pub struct Target<N: Network> {
    /// The copy, without gradients.
    pub network: N,
}

impl<N: Network> Target<N> {
    /// A copy of `network` as it is now.
    #[must_use]
    pub fn new(network: &N) -> Self {
        Self { network: freeze(network) }
    }

    /// target = keep target + (1 - keep) network, parameter by parameter.
    pub fn follow(&mut self, network: &N, keep: f64) {
        move_parameters(&mut self.network, network, keep);
    }
}

/// The share of a target that is kept at a step: from `first` up to 1 along half a cosine, as BYOL's. `progress` is
/// 0 at the first step and 1 at the last.
#[must_use]
pub fn cosine_to_one(first: f64, progress: f64) -> f64 {
    1.0 - (1.0 - first) * 0.5 * (1.0 + (std::f64::consts::PI * progress.clamp(0.0, 1.0)).cos())
}

/// Shows the copy's parameters as buffers: no optimizer moves them, and checkpoints keep them.
impl<N: Network> Network for Target<N> {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        struct AsBuffers<'a, V>(&'a mut V);
        impl<V: StateVisitor> StateVisitor for AsBuffers<'_, V> {
            fn parameter<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
                self.0.buffer(name, tensor);
            }
            fn buffer<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
                self.0.buffer(name, tensor);
            }
            fn counter(&mut self, name: &str, count: &mut u64) {
                self.0.counter(name, count);
            }
        }
        self.network.visit(prefix, &mut AsBuffers(visitor));
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use zview_runtime::device::read_floats;

    use super::*;
    use crate::layers::BatchNorm;
    use crate::{Mode, count_parameters, track_gradients};

    #[test]
    fn parameters_follow_and_running_statistics_stay_its_own() {
        let device = Device::flex();
        let mut network = BatchNorm::new(2, &device);
        track_gradients(&mut network);
        let mut target = Target::new(&network);
        let images = Tensor::<4>::from_data([[[[1.0, 3.0]], [[5.0, 9.0]]]], &device);
        let _ = network.forward(images.clone().autodiff(), None, false, Mode::Train);
        struct Set(f32);
        impl StateVisitor for Set {
            fn parameter<const D: usize>(&mut self, _: &str, tensor: &mut Tensor<D>) {
                *tensor = tensor.zeros_like() + self.0;
            }
            fn buffer<const D: usize>(&mut self, _: &str, _: &mut Tensor<D>) {}
            fn counter(&mut self, _: &str, _: &mut u64) {}
        }
        network.visit("", &mut Set(3.0));
        target.follow(&network, 0.75);

        #[derive(Default)]
        struct Shown(Vec<(String, f32)>, u64);
        impl StateVisitor for Shown {
            fn parameter<const D: usize>(&mut self, name: &str, _: &mut Tensor<D>) {
                panic!("{name} is shown as a parameter");
            }
            fn buffer<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
                self.0.push((name.to_owned(), read_floats(tensor.clone()).unwrap()[0]));
            }
            fn counter(&mut self, _: &str, count: &mut u64) {
                self.1 += *count;
            }
        }
        let mut shown = Shown::default();
        target.visit("t", &mut shown);
        let expected = [("t.weight", 1.5), ("t.bias", 0.75), ("t.running_mean", 0.0), ("t.running_var", 1.0)];
        assert_eq!(shown.0, expected.map(|(name, value)| (name.to_owned(), value)));
        assert_eq!((shown.1, count_parameters(&target)), (0, 0));
    }

    #[test]
    fn what_is_kept_rises_to_one() {
        assert!((cosine_to_one(0.99, 0.0) - 0.99).abs() < 1e-12);
        assert!((cosine_to_one(0.99, 0.5) - 0.995).abs() < 1e-12);
        assert!((cosine_to_one(0.99, 1.0) - 1.0).abs() < 1e-12);
    }
}
