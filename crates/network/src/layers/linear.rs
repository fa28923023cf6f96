//! A fully connected layer.

use burn::tensor::{Device, Tensor, TensorData};
use zview_runtime::seed::Stream;

use super::init::truncated_normal;
use crate::{Network, StateVisitor};

/// y = x Wᵀ + b, with W stored [out, in] as PyTorch does; some published networks have no b.
#[derive(Debug, Clone)]
pub struct Linear {
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
}

impl Linear {
    /// Weights and bias uniform in ±1/sqrt(inputs), PyTorch's default.
    #[must_use]
    pub fn new(inputs: usize, outputs: usize, random: &mut Stream, device: &Device) -> Self {
        let (weight, bias) = uniform(inputs, outputs, random);
        let weight = TensorData::new(weight, [outputs, inputs]);
        let bias = TensorData::new(bias, [outputs]);
        Self { weight: Tensor::from_data(weight, device), bias: Some(Tensor::from_data(bias, device)) }
    }

    /// Weights normal with the standard deviation of timm's transformers, bias 0.
    #[must_use]
    pub fn truncated_normal(inputs: usize, outputs: usize, random: &mut Stream, device: &Device) -> Self {
        let weight = truncated_normal([outputs, inputs], random, device);
        Self { weight, bias: Some(Tensor::zeros([outputs], device)) }
    }

    /// Zeros, to be filled from a file.
    #[must_use]
    pub fn zeros(inputs: usize, outputs: usize, bias: bool, device: &Device) -> Self {
        let bias = bias.then(|| Tensor::zeros([outputs], device));
        Self { weight: Tensor::zeros([outputs, inputs], device), bias }
    }

    /// (B, inputs) -> (B, outputs).
    #[must_use]
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        zview_kernels::linear(x, self.weight.clone().transpose(), self.bias.clone())
    }
}

/// PyTorch's default: weight (outputs, inputs) and bias (outputs), uniform in ±1/sqrt(inputs).
pub(super) fn uniform(inputs: usize, outputs: usize, random: &mut Stream) -> (Vec<f32>, Vec<f32>) {
    let bound = 1.0 / (inputs as f32).sqrt();
    let mut draw =
        |count: usize| -> Vec<f32> { (0..count).map(|_| random.uniform_in(-bound, bound)).collect() };
    (draw(outputs * inputs), draw(outputs))
}

impl Network for Linear {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        visitor.parameter(&format!("{prefix}.weight"), &mut self.weight);
        if let Some(bias) = &mut self.bias {
            visitor.parameter(&format!("{prefix}.bias"), bias);
        }
    }
}
