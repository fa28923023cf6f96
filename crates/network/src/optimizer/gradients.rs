//! The gradients of all networks of a step.

use std::collections::BTreeMap;

use burn::tensor::{Gradients, Tensor};

use crate::{Network, StateVisitor};

/// Gradients by the parameter's name, flattened. Those of several backward passes add up; those of one are the
/// tensors that the backward pass made, not copies.
#[derive(Debug, Clone, Default)]
pub struct NamedGradients {
    tensors: BTreeMap<String, Tensor<1>>,
}

impl NamedGradients {
    /// Moves the gradients of `network`'s parameters out of `backward` and adds them to those of the same name; names
    /// begin with `prefix`. A parameter that the loss does not depend on has none.
    pub fn add(&mut self, network: &impl Network, prefix: &str, backward: &mut Gradients) {
        struct Add<'a> {
            sum: &'a mut NamedGradients,
            backward: &'a mut Gradients,
        }
        impl StateVisitor for Add<'_> {
            fn parameter<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
                let Some(gradient) = tensor.grad_remove(self.backward) else { return };
                let gradient = gradient.reshape([-1]);
                let gradient = match self.sum.tensors.remove(name) {
                    Some(sum) => sum + gradient,
                    None => gradient,
                };
                self.sum.tensors.insert(name.to_owned(), gradient);
            }
            fn buffer<const D: usize>(&mut self, _: &str, _: &mut Tensor<D>) {}
            fn counter(&mut self, _: &str, _: &mut u64) {}
        }
        network.clone().visit(prefix, &mut Add { sum: self, backward });
    }

    /// The gradients of one network.
    #[must_use]
    pub fn of(network: &impl Network, prefix: &str, mut backward: Gradients) -> Self {
        let mut gradients = Self::default();
        gradients.add(network, prefix, &mut backward);
        gradients
    }

    /// The flattened gradients by the parameters' names, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor<1>)> {
        self.tensors.iter().map(|(name, gradient)| (name.as_str(), gradient))
    }

    /// Takes the flattened gradient of a parameter out.
    pub(super) fn remove(&mut self, name: &str) -> Option<Tensor<1>> {
        self.tensors.remove(name)
    }

    /// The sum of the squares of all of them, shape `[1]`; `None` where there are none.
    #[must_use]
    pub(super) fn squares(&self) -> Option<Tensor<1>> {
        let parts: Vec<_> = self.tensors.values().cloned().map(row_squares).collect();
        (!parts.is_empty()).then(|| Tensor::cat(parts, 0).sum_dim(0))
    }
}

impl FromIterator<(String, Tensor<1>)> for NamedGradients {
    /// From the parameters' names and flattened gradients.
    fn from_iter<I: IntoIterator<Item = (String, Tensor<1>)>>(gradients: I) -> Self {
        Self { tensors: gradients.into_iter().collect() }
    }
}

/// The sum of the squares of `values` (N), shape `[1]`.
pub(super) fn sum_of_squares(values: Tensor<1>) -> Tensor<1> {
    row_squares(values).sum_dim(0)
}

/// Sums of squares whose sum is that of `values`: by rows, which is parallel on adapters and rounds less than one
/// sum of millions.
fn row_squares(values: Tensor<1>) -> Tensor<1> {
    let count = values.dims()[0];
    let rows = 1 << count.trailing_zeros().min(8); // up to 256, and no padding
    values.square().reshape([rows, count / rows]).sum_dim(1).reshape([-1])
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use zview_runtime::device::read_floats;
    use zview_runtime::seed::{Purpose, Stream};

    use super::*;

    #[test]
    fn the_norm_of_a_million_gradients_is_that_in_double_precision() {
        let mut random = Stream::new(1, Purpose::Check, 0, 0);
        let mut gradients = NamedGradients::default();
        let mut expected = 0.0f64;
        for (name, count) in [("a", 1 << 20), ("b", 999), ("c", 1)] {
            let values: Vec<f32> = (0..count).map(|_| random.normal() * 1e-3).collect();
            expected += values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>();
            let tensor = Tensor::<1>::from_data(values.as_slice(), &Device::flex());
            gradients.tensors.insert(name.to_owned(), tensor);
        }
        let got = f64::from(read_floats(gradients.squares().unwrap()).unwrap()[0]);
        assert!((got / expected - 1.0).abs() < 1e-6, "{got} {expected}");
        assert!(NamedGradients::default().squares().is_none());
    }
}
