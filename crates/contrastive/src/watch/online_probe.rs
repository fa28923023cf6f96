//! The online probe: a linear classifier on detached features, trained beside the encoder.
//!
//! It shows whether features come to tell the classes apart while they are learnt; the encoder never sees a gradient
//! of it. It is not the linear probe of `zview probe`: it chases features that change, and its accuracy is on the
//! training stream, augmentation included.

use crate::mlp::standardise;
use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use serde_json::{Value, json};
use zview_network::optimizer::{NamedGradients, Optimizer, OptimizerConfig};
use zview_network::weights::StateDict;
use zview_network::{
    NamedTensors, Network, StateError, StateVisitor, read_network, track_gradients, training_input,
};

/// Prefix of its tensors in checkpoints.
const NAME: &str = "online_probe.";
const LEARNING_RATE: f64 = 1e-3;
const BETAS: [f64; 2] = [0.9, 0.999];

/// logits = s(x) W^T + b, where s standardises each feature over the batch.
#[derive(Debug, Clone)]
struct Classifier {
    weight: Tensor<2>, // [classes, D]
    bias: Tensor<1>,   // [classes]
}

impl Network for Classifier {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        visitor.parameter(&format!("{prefix}weight"), &mut self.weight);
        visitor.parameter(&format!("{prefix}bias"), &mut self.bias);
    }
}

/// The classifier in training, and what it got right since it was last asked.
#[derive(Debug, Clone)]
pub struct OnlineProbe {
    classifier: Classifier,
    optimizer: Optimizer,
    device: Device,
    correct: Tensor<1>,
    examples: usize,
}

impl OnlineProbe {
    /// All weights 0, for features of `dimension` and `classes` classes, on `device` (without autodiff).
    #[must_use]
    pub fn new(dimension: usize, classes: usize, device: &Device) -> Self {
        let weight = Tensor::zeros([classes, dimension], device);
        let mut classifier = Classifier { weight, bias: Tensor::zeros([classes], device) };
        track_gradients(&mut classifier);
        Self {
            classifier,
            optimizer: Optimizer::new(&OptimizerConfig::adam(BETAS[0], BETAS[1])),
            device: device.clone(),
            correct: Tensor::zeros([1], device),
            examples: 0,
        }
    }

    /// Counts what it gets right of `features` (N, D), which have no gradients, then learns from them; `labels` (N).
    /// `update` counts the run's steps from 1.
    pub fn learn(&mut self, features: Tensor<2>, labels: &[i32], update: u64) {
        let [rows, _] = features.dims();
        let classes = self.classifier.bias.dims()[0];
        let of_row = labels.iter().flat_map(|&label| (0..classes).map(move |class| label == class as i32));
        let of_row: Vec<f32> = of_row.map(|is_class| if is_class { 1.0 } else { 0.0 }).collect();
        let one_hot = Tensor::<2>::from_data(TensorData::new(of_row, [rows, classes]), &self.device);
        let numbers = TensorData::new(labels.to_vec(), [rows, 1]);
        let labels = Tensor::<2, Int>::from_data(numbers, &self.device);

        let inputs = training_input(standardise(features));
        let logits = inputs.matmul(self.classifier.weight.clone().transpose())
            + self.classifier.bias.clone().unsqueeze();
        let right = logits.clone().inner().argmax(1).equal(labels).float(); // [N, 1]
        self.correct = self.correct.clone() + right.sum_dim(0).squeeze_dim::<1>(1);
        self.examples += rows;
        let loss = -(activation::log_softmax(logits, 1) * Tensor::from_inner(one_hot)).sum_dim(1).mean();
        let mut gradients = NamedGradients::of(&self.classifier, NAME, loss.backward());
        self.optimizer.update(update, LEARNING_RATE, None).step(&mut self.classifier, NAME, &mut gradients);
    }

    /// How many examples it got right `[1]`, on the device, and how many there were since the last call.
    pub fn take_counts(&mut self) -> (Tensor<1>, usize) {
        let correct = std::mem::replace(&mut self.correct, Tensor::zeros([1], &self.device));
        (correct, std::mem::take(&mut self.examples))
    }

    /// What the event log says of these counts.
    #[must_use]
    pub fn event(correct: f32, examples: usize) -> Value {
        let accuracy = f64::from(correct) / examples as f64;
        json!({ "accuracy": accuracy, "examples": examples, "data": "training stream" })
    }

    /// Its weights and its optimizer's moments as named tensors, for a checkpoint.
    ///
    /// # Errors
    /// [`StateError::Device`] where the device cannot be read.
    pub fn state(&self) -> Result<[NamedTensors; 2], StateError> {
        Ok([NamedTensors::of_network(&self.classifier, NAME)?, self.optimizer.state()?])
    }

    /// Whether the tensor `name` of a checkpoint is a probe's.
    #[must_use]
    pub fn has(name: &str) -> bool {
        name.starts_with(NAME)
    }

    /// Takes both from the parts of a checkpoint of a run that took steps.
    ///
    /// # Errors
    /// [`StateError::Weights`] for a tensor that is missing or has another shape.
    pub fn restore(&mut self, model: &mut StateDict, optimizer: &mut StateDict) -> Result<(), StateError> {
        read_network(&mut self.classifier, NAME, model)?;
        track_gradients(&mut self.classifier);
        self.optimizer.restore(&self.classifier, NAME, optimizer)
    }
}

#[cfg(test)]
mod tests {
    use zview_runtime::device::{on_test_devices, read_floats};

    use super::*;

    /// Features of two classes: one dimension differs, the others are noise of any scale.
    fn features(device: &Device) -> (Tensor<2>, Vec<i32>) {
        let labels: Vec<i32> = (0..30).map(|row| row % 2).collect();
        let row = |row: usize| {
            let noise = |d: usize| ((row * 7 + d * 13) as f32 * 1.9).sin();
            [100.0 + labels[row] as f32 + 0.1 * noise(0), 1e3 * noise(1), 1e-3 * noise(2)]
        };
        let values: Vec<f32> = (0..30).flat_map(row).collect();
        (Tensor::from_data(TensorData::new(values, [30, 3]), device), labels)
    }

    fn accuracy(probe: &mut OnlineProbe) -> f64 {
        let (correct, examples) = probe.take_counts();
        OnlineProbe::event(read_floats(correct).unwrap()[0], examples)["accuracy"].as_f64().unwrap()
    }

    #[test]
    fn it_learns_on_every_device_and_is_judged_before_it_learns() {
        on_test_devices(|name, device| {
            let (features, labels) = features(device);
            let mut probe = OnlineProbe::new(3, 2, device);
            probe.learn(features.clone(), &labels, 1);
            // All logits are 0: the first class wins, and half of the labels are it.
            assert_eq!(accuracy(&mut probe), 0.5, "{name}");
            for update in 2..60 {
                probe.learn(features.clone(), &labels, update);
            }
            assert_eq!(probe.examples, 30 * 58, "{name}");
            accuracy(&mut probe);
            probe.learn(features, &labels, 60);
            let last = accuracy(&mut probe);
            assert!(last > 0.9, "{name}: {last}");
        });
    }
}
