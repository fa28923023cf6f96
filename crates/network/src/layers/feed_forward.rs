//! The perceptron of a transformer block, in timm's naming (`fc1`, `fc2`).

use burn::tensor::{Device, Tensor};
use zview_runtime::seed::Stream;

use super::{Linear, gelu};
use crate::{Cost, Network, StateVisitor, TrainingCost};

/// fc2(gelu(fc1(x))) on every token.
#[derive(Debug, Clone)]
pub struct FeedForward {
    fc1: Linear,
    fc2: Linear,
    hidden: usize,
}

impl FeedForward {
    /// `features` -> `hidden` -> `features`; truncated normal weights.
    #[must_use]
    pub fn new(features: usize, hidden: usize, random: &mut Stream, device: &Device) -> Self {
        let fc1 = Linear::truncated_normal(features, hidden, random, device);
        let fc2 = Linear::truncated_normal(hidden, features, random, device);
        Self { fc1, fc2, hidden }
    }

    /// Zeros, to be filled from a file; `biases` of `fc1` and `fc2`.
    #[must_use]
    pub fn zeros(features: usize, hidden: usize, biases: [bool; 2], device: &Device) -> Self {
        let fc1 = Linear::zeros(features, hidden, biases[0], device);
        let fc2 = Linear::zeros(hidden, features, biases[1], device);
        Self { fc1, fc2, hidden }
    }

    /// Tokens (B, N, D) -> (B, N, D).
    #[must_use]
    pub fn forward(&self, tokens: Tensor<3>) -> Tensor<3> {
        let [batch, count, features] = tokens.dims();
        let hidden = gelu(self.fc1.forward(tokens.reshape([batch * count, features])));
        self.fc2.forward(hidden).reshape([batch, count, features])
    }

    /// Adds the cost of a training pass over `tokens` (B, N, D) to `total`; the output has the same shape.
    pub fn cost(&self, tokens: [usize; 3], total: &mut TrainingCost) {
        let [batch, count, features] = tokens;
        let hidden = self.fc1.cost([batch * count, features], total);
        let values = batch * count * self.hidden;
        // Forward: scale, error function, sum and two products. Backward: the distribution function again, the
        // density's square, exponential and two products, and their combination.
        total.forward += Cost::element_wise(5, values, 2);
        total.backward += Cost::element_wise(10, values, 3);
        let _ = self.fc2.cost(hidden, total);
    }
}

impl Network for FeedForward {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        self.fc1.visit(&format!("{prefix}.fc1"), visitor);
        self.fc2.visit(&format!("{prefix}.fc2"), visitor);
    }
}
