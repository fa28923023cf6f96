//! A fully connected layer.

use burn::tensor::{Device, Tensor, TensorData};
use zview_kernels::{LayerCall, record_layer};
use zview_runtime::seed::Stream;

use crate::{Cost, Network, StateVisitor, TrainingCost};

/// y = x Wᵀ + b, with W stored [out, in] as PyTorch does.
#[derive(Debug, Clone)]
pub struct Linear {
    weight: Tensor<2>,
    bias: Tensor<1>,
}

impl Linear {
    /// Weights and bias uniform in ±1/sqrt(inputs), PyTorch's default.
    #[must_use]
    pub fn new(inputs: usize, outputs: usize, random: &mut Stream, device: &Device) -> Self {
        let bound = 1.0 / (inputs as f32).sqrt();
        let mut draw =
            |count: usize| -> Vec<f32> { (0..count).map(|_| random.uniform_in(-bound, bound)).collect() };
        let weight = TensorData::new(draw(outputs * inputs), [outputs, inputs]);
        let bias = TensorData::new(draw(outputs), [outputs]);
        Self { weight: Tensor::from_data(weight, device), bias: Tensor::from_data(bias, device) }
    }

    /// (B, inputs) -> (B, outputs).
    #[must_use]
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        record_layer(|| {
            let ([rows, inputs], [outputs, _]) = (x.dims(), self.weight.dims());
            LayerCall::Linear { rows, inputs, outputs }
        });
        x.matmul(self.weight.clone().transpose()) + self.bias.clone().unsqueeze()
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

impl Network for Linear {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        visitor.parameter(&format!("{prefix}.weight"), &mut self.weight);
        visitor.parameter(&format!("{prefix}.bias"), &mut self.bias);
    }
}
