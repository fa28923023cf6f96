//! Layer normalisation.

use burn::tensor::{Device, Tensor};
use zview_kernels::pass;

use crate::{Network, StateVisitor};

/// Added to the variance where nothing else is said: that of timm's Vision Transformers.
const EPSILON: f64 = 1e-6;

/// (x - mean) / sqrt(variance + epsilon) * weight + bias over the D features of a token.
///
/// Ba, Kiros and Hinton 2016, "Layer Normalization", <https://arxiv.org/abs/1607.06450>, equations 3 and 4, with the
/// biased variance.
#[derive(Debug, Clone)]
pub struct LayerNorm {
    weight: Tensor<1>, // [D]
    bias: Tensor<1>,   // [D]
    epsilon: f64,
}

impl LayerNorm {
    /// Weight 1, bias 0.
    #[must_use]
    pub fn new(features: usize, device: &Device) -> Self {
        Self::with_epsilon(features, EPSILON, device)
    }

    /// The same with another number added to the variance.
    #[must_use]
    pub fn with_epsilon(features: usize, epsilon: f64, device: &Device) -> Self {
        Self { weight: Tensor::ones([features], device), bias: Tensor::zeros([features], device), epsilon }
    }

    /// Tokens (B, N, D) -> (B, N, D).
    #[must_use]
    pub fn forward(&self, tokens: Tensor<3>) -> Tensor<3> {
        normalized(tokens, self.weight.clone(), self.bias.clone(), self.epsilon)
    }
}

/// Tokens (B, N, D) normalised, with weight and bias (D).
#[must_use]
pub fn layer_norm(tokens: Tensor<3>, weight: Tensor<1>, bias: Tensor<1>) -> Tensor<3> {
    normalized(tokens, weight, bias, EPSILON)
}

fn normalized(tokens: Tensor<3>, weight: Tensor<1>, bias: Tensor<1>, epsilon: f64) -> Tensor<3> {
    pass(tokens, |tokens| {
        let centred = tokens.clone() - tokens.mean_dim(2);
        let variance = centred.clone().square().mean_dim(2); // [B, N, 1]
        let normed = centred / (variance + epsilon).sqrt();
        normed * weight.unsqueeze::<3>() + bias.unsqueeze::<3>()
    })
}

impl Network for LayerNorm {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        visitor.parameter(&format!("{prefix}.weight"), &mut self.weight);
        visitor.parameter(&format!("{prefix}.bias"), &mut self.bias);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_has_mean_0_and_variance_1_before_weight_and_bias() {
        let device = Device::flex();
        let mut norm = LayerNorm::new(4, &device);
        norm.weight = Tensor::from_floats([1.0, 2.0, 1.0, 1.0], &device);
        norm.bias = Tensor::from_floats([0.0, 0.0, 0.0, 5.0], &device);
        let tokens =
            Tensor::<3>::from_floats([[[1.0, 2.0, 3.0, 4.0], [100.0, 100.0, 100.0, 104.0]]], &device);
        let got = norm.forward(tokens).into_data().try_into_vec::<f32>().unwrap();
        // Variances 1.25 and 3.
        let expected =
            [-1.341_641, -0.894_427, 0.447_214, 6.341_641, -0.577_35, -1.154_7, -0.577_35, 6.732_051];
        for (got, expected) in got.iter().zip(expected) {
            assert!((got - expected).abs() < 1e-5, "{got} {expected}");
        }
    }
}
