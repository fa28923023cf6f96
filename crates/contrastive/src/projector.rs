//! The multi-layer perceptron between features and objective; thrown away after pretraining.
//!
//! Chen et al. 2020, "A Simple Framework for Contrastive Learning" (SimCLR), section 4.2: the objective
//! is applied to g(h), the probe to h.

use burn::tensor::{Device, Tensor, activation};
use zview_runtime::seed::Stream;

use zview_network::layers::Linear;
use zview_network::{Cost, Network, StateVisitor, TrainingCost};

/// Linear layers with ReLU between them.
#[derive(Debug, Clone)]
pub struct Projector {
    layers: Vec<Linear>,
}

impl Projector {
    /// Layers `features -> widths[0] -> ... -> widths[last]`.
    #[must_use]
    pub fn new(features: usize, widths: &[usize], random: &mut Stream, device: &Device) -> Self {
        let inputs = std::iter::once(features).chain(widths.iter().copied());
        let layers = inputs
            .zip(widths)
            .map(|(inputs, &outputs)| Linear::new(inputs, outputs, random, device))
            .collect();
        Self { layers }
    }

    /// Features (B, D) -> projections `(B, widths[last])`.
    #[must_use]
    pub fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        let mut x = features;
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                x = activation::relu(x);
            }
            x = layer.forward(x);
        }
        x
    }

    /// Adds the cost for `features` (B, D) to `total` and gives the shape of the projections.
    #[must_use]
    pub fn cost(&self, features: [usize; 2], total: &mut TrainingCost) -> [usize; 2] {
        let mut shape = features;
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                let values = shape.iter().product();
                total.forward += Cost::element_wise(1, values, 2);
                total.backward += Cost::element_wise(1, values, 3);
            }
            shape = layer.cost(shape, total);
        }
        shape
    }
}

impl Network for Projector {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        for (index, layer) in self.layers.iter_mut().enumerate() {
            layer.visit(&format!("{prefix}.{index}"), visitor);
        }
    }
}
