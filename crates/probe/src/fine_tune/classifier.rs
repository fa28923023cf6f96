//! An encoder with a linear head.

use burn::tensor::{Device, Tensor, TensorData, activation};
use zview_encoder::Encoder;
use zview_network::{Mode, Network, StateVisitor};
use zview_runtime::device::{ReadError, read_floats};

use crate::linear::Logistic;

/// Prefix of the encoder's parameters.
pub(super) const ENCODER: &str = "encoder.";
/// Prefix of the head's parameters.
pub(super) const HEAD: &str = "head.";

/// logits = F(x) W^T + b, trained as one network.
#[derive(Debug, Clone)]
pub(super) struct Classifier {
    pub(super) encoder: Encoder,
    head: Head,
}

/// W (C, D) and b (C).
#[derive(Debug, Clone)]
struct Head {
    weight: Tensor<2>,
    bias: Tensor<1>,
}

impl Classifier {
    /// `encoder` with a head of zeros.
    pub(super) fn new(encoder: Encoder, classes: usize, device: &Device) -> Self {
        let weight = Tensor::zeros([classes, encoder.feature_dimension()], device);
        Self { encoder, head: Head { weight, bias: Tensor::zeros([classes], device) } }
    }

    /// `encoder` with the weights of `linear`.
    pub(super) fn with_head(encoder: Encoder, linear: &Logistic, device: &Device) -> Self {
        let classes = linear.bias().len();
        let narrow = |values: &[f64]| values.iter().map(|&value| value as f32).collect::<Vec<_>>();
        let weight = TensorData::new(narrow(linear.weights()), [classes, encoder.feature_dimension()]);
        let bias = TensorData::new(narrow(linear.bias()), [classes]);
        let weight = Tensor::from_data(weight, device);
        Self { encoder, head: Head { weight, bias: Tensor::from_data(bias, device) } }
    }

    /// Logits (B, C) of images (B, C, H, W) in 0..1; running statistics move.
    pub(super) fn forward(&mut self, images: Tensor<4>) -> Tensor<2> {
        let features = self.encoder.forward(images, Mode::Train);
        features.matmul(self.head.weight.clone().transpose()) + self.head.bias.clone().unsqueeze()
    }

    /// The head on the host.
    ///
    /// # Errors
    /// [`ReadError`] where the device fails.
    pub(super) fn head(&self) -> Result<Logistic, ReadError> {
        let wide = |values: Vec<f32>| values.into_iter().map(f64::from).collect();
        let weights = wide(read_floats(self.head.weight.clone().inner())?);
        Ok(Logistic::from_parts(weights, wide(read_floats(self.head.bias.clone().inner())?)))
    }
}

impl Network for Classifier {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        self.encoder.visit(&format!("{prefix}{ENCODER}"), visitor);
        visitor.parameter(&format!("{prefix}{HEAD}weight"), &mut self.head.weight);
        visitor.parameter(&format!("{prefix}{HEAD}bias"), &mut self.head.bias);
    }
}

/// Mean cross-entropy `[1]` of logits (B, C) for `labels` (B).
pub(super) fn cross_entropy(logits: Tensor<2>, labels: &[u32], device: &Device) -> Tensor<1> {
    let [rows, classes] = logits.dims();
    let of_row = labels.iter().flat_map(|&label| (0..classes).map(move |class| label as usize == class));
    let one_hot: Vec<f32> = of_row.map(|is_class| if is_class { 1.0 } else { 0.0 }).collect();
    let one_hot = Tensor::<2>::from_data(TensorData::new(one_hot, [rows, classes]), device);
    let chosen = (activation::log_softmax(logits, 1) * Tensor::from_inner(one_hot)).sum_dim(1);
    -chosen.mean_dim(0).squeeze_dim(1)
}
