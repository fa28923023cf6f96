//! The perceptron of a transformer block, in timm's naming (`fc1`, `fc2`).

use burn::tensor::{Device, Tensor};
use zview_runtime::seed::Stream;

use super::{Linear, gelu};
use crate::{Network, StateVisitor};

/// fc2(gelu(fc1(x))) on every token.
#[derive(Debug, Clone)]
pub struct FeedForward {
    fc1: Linear,
    fc2: Linear,
}

impl FeedForward {
    /// `features` -> `hidden` -> `features`; truncated normal weights.
    #[must_use]
    pub fn new(features: usize, hidden: usize, random: &mut Stream, device: &Device) -> Self {
        let fc1 = Linear::truncated_normal(features, hidden, random, device);
        let fc2 = Linear::truncated_normal(hidden, features, random, device);
        Self { fc1, fc2 }
    }

    /// Zeros, to be filled from a file; `biases` of `fc1` and `fc2`.
    #[must_use]
    pub fn zeros(features: usize, hidden: usize, biases: [bool; 2], device: &Device) -> Self {
        let fc1 = Linear::zeros(features, hidden, biases[0], device);
        let fc2 = Linear::zeros(hidden, features, biases[1], device);
        Self { fc1, fc2 }
    }

    /// Tokens (B, N, D) -> (B, N, D).
    #[must_use]
    pub fn forward(&self, tokens: Tensor<3>) -> Tensor<3> {
        let [batch, count, features] = tokens.dims();
        let hidden = gelu(self.fc1.forward(tokens.reshape([batch * count, features])));
        self.fc2.forward(hidden).reshape([batch, count, features])
    }
}

impl Network for FeedForward {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        self.fc1.visit(&format!("{prefix}.fc1"), visitor);
        self.fc2.visit(&format!("{prefix}.fc2"), visitor);
    }
}
