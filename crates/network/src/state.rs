//! A network's state as named tensors, in the published checkpoints' own names.

use burn::tensor::Tensor;

/// Whether a forward pass trains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Batch statistics normalise, and running statistics are updated.
    Train,
    /// Running statistics normalise; nothing changes.
    Evaluate,
}

/// Something that is shown every tensor of a network.
pub trait StateVisitor {
    /// A tensor that gradients change.
    fn parameter<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>);
    /// One that is no weight of a product though it has several dimensions, such as a token or a place: optimizers that
    /// treat biases otherwise treat it so too.
    fn bias_like<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
        self.parameter(name, tensor);
    }
    /// A tensor that the forward pass changes.
    fn buffer<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>);
    /// A number that the forward pass changes.
    fn counter(&mut self, name: &str, count: &mut u64);
}

/// A network: its tensors by name. Tensors are values, so a clone shares nothing that changes.
pub trait Network: Clone {
    /// Shows every tensor to `visitor`, always in the same order; names begin with `prefix`.
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V);
}

/// Makes every parameter a leaf whose gradient is kept.
pub fn track_gradients(network: &mut impl Network) {
    struct Track;
    impl StateVisitor for Track {
        fn parameter<const D: usize>(&mut self, _: &str, tensor: &mut Tensor<D>) {
            *tensor = tensor.clone().inner().autodiff().require_grad();
        }
        fn buffer<const D: usize>(&mut self, _: &str, _: &mut Tensor<D>) {}
        fn counter(&mut self, _: &str, _: &mut u64) {}
    }
    network.visit("", &mut Track);
}

/// A copy that records no gradients.
#[must_use]
pub fn freeze<N: Network>(network: &N) -> N {
    struct Freeze;
    impl StateVisitor for Freeze {
        fn parameter<const D: usize>(&mut self, _: &str, tensor: &mut Tensor<D>) {
            *tensor = tensor.clone().inner();
        }
        fn buffer<const D: usize>(&mut self, _: &str, tensor: &mut Tensor<D>) {
            *tensor = tensor.clone().inner();
        }
        fn counter(&mut self, _: &str, _: &mut u64) {}
    }
    let mut frozen = network.clone();
    frozen.visit("", &mut Freeze);
    frozen
}

/// The names of the tensors that gradients change; they begin with `prefix`.
#[must_use]
pub fn parameter_names(network: &impl Network, prefix: &str) -> Vec<String> {
    struct Names(Vec<String>);
    impl StateVisitor for Names {
        fn parameter<const D: usize>(&mut self, name: &str, _: &mut Tensor<D>) {
            self.0.push(name.to_owned());
        }
        fn buffer<const D: usize>(&mut self, _: &str, _: &mut Tensor<D>) {}
        fn counter(&mut self, _: &str, _: &mut u64) {}
    }
    let mut names = Names(Vec::new());
    network.clone().visit(prefix, &mut names);
    names.0
}

/// How many numbers gradients change.
#[must_use]
pub fn count_parameters(network: &impl Network) -> usize {
    struct Count(usize);
    impl StateVisitor for Count {
        fn parameter<const D: usize>(&mut self, _: &str, tensor: &mut Tensor<D>) {
            self.0 += tensor.shape().num_elements();
        }
        fn buffer<const D: usize>(&mut self, _: &str, _: &mut Tensor<D>) {}
        fn counter(&mut self, _: &str, _: &mut u64) {}
    }
    let mut count = Count(0);
    network.clone().visit("", &mut count);
    count.0
}
