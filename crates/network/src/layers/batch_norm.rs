//! Batch normalisation with explicit running statistics.
//!
//! Ioffe and Szegedy 2015. The framework's own layer keeps its running statistics behind a shared
//! pointer, so that a clone changes with the original; here they are plain values.

use burn::tensor::{Device, Tensor};
use zview_kernels::{batch_norm, scale_shift};

use crate::{Mode, Network, StateVisitor};

const EPSILON: f64 = 1e-5;
/// Weight of the newest batch in the running statistics (PyTorch's convention).
const MOMENTUM: f64 = 0.1;

/// Normalisation over B, H, W per channel, then an optional shortcut to add and an optional ReLU.
#[derive(Debug, Clone)]
pub struct BatchNorm {
    weight: Tensor<1>,
    bias: Tensor<1>,
    running_mean: Tensor<1>,
    running_variance: Tensor<1>, // unbiased
    batches_tracked: u64,
}

impl BatchNorm {
    /// Weight 1, bias 0, running mean 0, running variance 1.
    #[must_use]
    pub fn new(channels: usize, device: &Device) -> Self {
        Self {
            weight: Tensor::ones([channels], device),
            bias: Tensor::zeros([channels], device),
            running_mean: Tensor::zeros([channels], device),
            running_variance: Tensor::ones([channels], device),
            batches_tracked: 0,
        }
    }

    /// relu?(norm(x) + shortcut?), shapes (B, C, H, W).
    #[must_use]
    pub fn forward(
        &mut self,
        x: Tensor<4>,
        shortcut: Option<Tensor<4>>,
        relu: bool,
        mode: Mode,
    ) -> Tensor<4> {
        match mode {
            Mode::Train => {
                let [batch, _, height, width] = x.dims();
                let normed = batch_norm(x, shortcut, self.weight.clone(), self.bias.clone(), EPSILON, relu);
                self.track(normed.mean.inner(), normed.variance.inner(), batch * height * width);
                normed.output
            }
            Mode::Evaluate => {
                let scale = self.weight.clone() / (self.running_variance.clone() + EPSILON).sqrt();
                let shift = self.bias.clone() - self.running_mean.clone() * scale.clone();
                scale_shift(x, shortcut, scale, shift, relu)
            }
        }
    }

    /// Moves the running statistics towards a batch's. Normalisation uses the biased variance, the
    /// running one is unbiased, as in PyTorch.
    fn track(&mut self, mean: Tensor<1>, biased_variance: Tensor<1>, values_per_channel: usize) {
        let unbias = values_per_channel as f64 / (values_per_channel.max(2) - 1) as f64;
        self.running_mean = self.running_mean.clone() * (1.0 - MOMENTUM) + mean * MOMENTUM;
        self.running_variance =
            self.running_variance.clone() * (1.0 - MOMENTUM) + biased_variance * (MOMENTUM * unbias);
        self.batches_tracked += 1;
    }
}

impl Network for BatchNorm {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        visitor.parameter(&format!("{prefix}.weight"), &mut self.weight);
        visitor.parameter(&format!("{prefix}.bias"), &mut self.bias);
        visitor.buffer(&format!("{prefix}.running_mean"), &mut self.running_mean);
        visitor.buffer(&format!("{prefix}.running_var"), &mut self.running_variance);
        visitor.counter(&format!("{prefix}.num_batches_tracked"), &mut self.batches_tracked);
    }
}
