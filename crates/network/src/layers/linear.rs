//! A fully connected layer.

use burn::tensor::{Device, Tensor, TensorData};
use zview_kernels::{LayerCall, record_layer};
use zview_runtime::seed::Stream;

use super::init::truncated_normal;
use crate::{Cost, Network, StateVisitor, TrainingCost};

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
        apply(x, self.weight.clone(), self.bias.clone())
    }

    /// Adds the cost for `input` (B, inputs) to `total` and gives the output's shape (B, outputs).
    #[must_use]
    pub fn cost(&self, input: [usize; 2], total: &mut TrainingCost) -> [usize; 2] {
        let [outputs, inputs] = self.weight.dims();
        let [batch, _] = input;
        let product = Cost::matrix_products(1, batch, inputs, outputs);
        // The bias is added, and its gradient summed, in the pass over the output.
        let bias = Cost::new(batch * outputs, outputs);
        total.forward += product + bias;
        total.backward += product + product + bias;
        [batch, outputs]
    }
}

/// x (B, inputs) times the transpose of `weight` (outputs, inputs), plus `bias` (outputs) where there is one.
pub(super) fn apply(x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    record_layer(|| {
        let ([rows, inputs], [outputs, _]) = (x.dims(), weight.dims());
        LayerCall::Linear { rows, inputs, outputs }
    });
    let product = x.matmul(weight.transpose());
    match bias {
        Some(bias) => product + bias.unsqueeze(),
        None => product,
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
