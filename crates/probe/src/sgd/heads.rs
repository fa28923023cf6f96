//! Many linear classifiers trained side by side on the same batches.

use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use zview_runtime::device::{ReadError, read_floats};

/// R linear classifiers of the same features, each with a learning rate of its own, minimising the mean
/// cross-entropy of a batch by stochastic gradient descent with momentum (PyTorch's `SGD`):
/// V <- momentum V + gradient, W <- W - rate V.
///
/// They share nothing but the batches: one that diverges leaves the others as they would be alone.
/// The gradient is written out, (softmax - one hot) / B times the features, because that is all there is
/// to differentiate.
#[derive(Debug, Clone)]
pub(super) struct Heads {
    weights: Tensor<2>,         // [D, R * C]
    biases: Tensor<2>,          // [1, R * C]
    weight_velocity: Tensor<2>, // [D, R * C]
    bias_velocity: Tensor<2>,   // [1, R * C]
    rates: Tensor<2>,           // [1, R * C]
    heads: usize,
    classes: usize,
    momentum: f64,
    weight_decay: f64,
}

impl Heads {
    /// All weights 0; one classifier per learning rate.
    pub fn new(
        dimension: usize,
        classes: usize,
        learning_rates: &[f64],
        momentum: f64,
        weight_decay: f64,
        device: &Device,
    ) -> Self {
        let columns = learning_rates.len() * classes;
        let of_column = learning_rates.iter().flat_map(|&rate| (0..classes).map(move |_| rate as f32));
        Self {
            weights: Tensor::zeros([dimension, columns], device),
            biases: Tensor::zeros([1, columns], device),
            weight_velocity: Tensor::zeros([dimension, columns], device),
            bias_velocity: Tensor::zeros([1, columns], device),
            rates: Tensor::from_data(TensorData::new(of_column.collect::<Vec<f32>>(), [1, columns]), device),
            heads: learning_rates.len(),
            classes,
            momentum,
            weight_decay,
        }
    }

    /// One step on `features` (B, D) with `labels` (B); the learning rates are multiplied by `schedule`.
    pub fn step(&mut self, features: Tensor<2>, labels: &[u32], schedule: f64) {
        let batch = labels.len();
        let one_hot = self.one_hot(labels); // [B, 1, C]
        let residual = (activation::softmax(self.logits(features.clone()), 2) - one_hot) / batch as f64;
        let residual = residual.reshape([batch, self.heads * self.classes]);
        let by_weights =
            features.transpose().matmul(residual.clone()) + self.weights.clone() * self.weight_decay;
        self.weight_velocity = self.weight_velocity.clone() * self.momentum + by_weights;
        self.bias_velocity = self.bias_velocity.clone() * self.momentum + residual.sum_dim(0);
        let rates = self.rates.clone() * schedule;
        self.weights = self.weights.clone() - self.weight_velocity.clone() * rates.clone();
        self.biases = self.biases.clone() - self.bias_velocity.clone() * rates;
    }

    /// (B, R, C) of `features` (B, D).
    fn logits(&self, features: Tensor<2>) -> Tensor<3> {
        let batch = features.dims()[0];
        (features.matmul(self.weights.clone()) + self.biases.clone()).reshape([
            batch,
            self.heads,
            self.classes,
        ])
    }

    /// (B, 1, C)
    fn one_hot(&self, labels: &[u32]) -> Tensor<3> {
        let classes = self.classes;
        let of_row = |&label: &u32| (0..classes).map(move |class| f32::from(class == label as usize));
        let values: Vec<f32> = labels.iter().flat_map(of_row).collect();
        Tensor::from_data(TensorData::new(values, [labels.len(), 1, classes]), &self.weights.device())
    }

    /// How many of `features` (B, D) each classifier gets right, and the sum of its cross-entropies.
    ///
    /// # Errors
    /// A device that fails.
    pub fn judge(&self, features: Tensor<2>, labels: &[u32]) -> Result<Vec<(usize, f64)>, ReadError> {
        let device = self.weights.device();
        let logits = self.logits(features);
        let numbers = labels.iter().map(|&label| label as i32).collect();
        let own = Tensor::<3, Int>::from_data(TensorData::new(numbers, [labels.len(), 1, 1]), &device);
        let right = logits.clone().argmax(2).equal(own.expand([labels.len(), self.heads, 1])).float();
        let log_probability = (activation::log_softmax(logits, 2) * self.one_hot(labels)).sum_dim(2);
        let right = read_floats(right.reshape([labels.len(), self.heads]))?;
        let log_probability = read_floats(log_probability.reshape([labels.len(), self.heads]))?;
        let of_head = |head: usize| {
            let each =
                |values: &[f32]| values.iter().skip(head).step_by(self.heads).copied().collect::<Vec<_>>();
            let count = each(&right).iter().filter(|&&right| right > 0.5).count();
            (count, -each(&log_probability).iter().map(|&value| f64::from(value)).sum::<f64>())
        };
        Ok((0..self.heads).map(of_head).collect())
    }

    /// Logits (B, C) of classifier `head`, row by row.
    ///
    /// # Errors
    /// A device that fails.
    pub fn logits_of(&self, head: usize, features: Tensor<2>) -> Result<Vec<f32>, ReadError> {
        let batch = features.dims()[0];
        read_floats(self.logits(features).narrow(1, head, 1).reshape([batch, self.classes]))
    }

    /// Whether every weight and bias of each classifier is finite, (R).
    ///
    /// # Errors
    /// A device that fails.
    pub fn finite(&self) -> Result<Vec<bool>, ReadError> {
        let columns = self.heads * self.classes;
        let mut finite = vec![true; self.heads];
        for values in [read_floats(self.weights.clone())?, read_floats(self.biases.clone())?] {
            for (place, value) in values.iter().enumerate() {
                finite[place % columns / self.classes] &= value.is_finite();
            }
        }
        Ok(finite)
    }
}

/// What a learning rate is multiplied by at `step` of `steps`, counted from 0: a half cosine from 1 to 0
/// (Loshchilov and Hutter, SGDR, ICLR 2017, equation 5), as in PyTorch's `CosineAnnealingLR`.
pub(super) fn cosine(step: u64, steps: u64) -> f64 {
    0.5 * (1.0 + (std::f64::consts::PI * step as f64 / steps as f64).cos())
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_runtime::device::on_test_devices;

    #[derive(serde::Deserialize)]
    struct Golden {
        dimension: usize,
        classes: usize,
        batch: usize,
        steps: u64,
        momentum: f64,
        weight_decay: f64,
        learning_rates: Vec<f64>,
        features: Vec<f32>,
        labels: Vec<u32>,
        /// (R, C, D)
        weights: Vec<f32>,
        /// (R, C)
        biases: Vec<f32>,
    }

    fn golden() -> Golden {
        serde_json::from_str(include_str!("../../tests/golden/sgd_heads.json")).unwrap()
    }

    fn rows(golden: &Golden, step: usize, device: &Device) -> Tensor<2> {
        let values = golden.features[step * golden.batch * golden.dimension..]
            [..golden.batch * golden.dimension]
            .to_vec();
        Tensor::from_data(TensorData::new(values, [golden.batch, golden.dimension]), device)
    }

    fn train(golden: &Golden, rates: &[f64], device: &Device) -> Heads {
        let mut heads =
            Heads::new(golden.dimension, golden.classes, rates, golden.momentum, golden.weight_decay, device);
        for step in 0..golden.steps {
            let labels = &golden.labels[step as usize * golden.batch..][..golden.batch];
            heads.step(rows(golden, step as usize, device), labels, cosine(step, golden.steps));
        }
        heads
    }

    #[test]
    fn steps_are_those_of_pytorch() {
        let golden = golden();
        let (classes, dimension, columns) =
            (golden.classes, golden.dimension, golden.learning_rates.len() * golden.classes);
        on_test_devices(|name, device| {
            let heads = train(&golden, &golden.learning_rates, device);
            let weights = read_floats(heads.weights.clone()).unwrap(); // [D, R * C]
            let biases = read_floats(heads.biases.clone()).unwrap();
            let mut worst = 0f32;
            for column in 0..columns {
                let largest = golden.weights[column / classes * classes * dimension..][..classes * dimension]
                    .iter()
                    .fold(0f32, |largest, value| largest.max(value.abs()));
                for d in 0..dimension {
                    let expected = golden.weights[column * dimension + d];
                    worst = worst.max((weights[d * columns + column] - expected).abs() / largest);
                }
                worst = worst.max((biases[column] - golden.biases[column]).abs() / largest);
            }
            assert!(worst < 1e-5, "{name}: {worst:e}");
        });
    }

    #[test]
    fn a_classifier_that_diverges_leaves_the_others_alone() {
        let golden = golden();
        on_test_devices(|name, device| {
            let alone = train(&golden, &[0.3], device);
            let beside = train(&golden, &[1e300, 0.3, 3e38], device);
            assert_eq!(alone.finite().unwrap(), [true], "{name}");
            assert_eq!(beside.finite().unwrap(), [false, true, false], "{name}");
            let labels = &golden.labels[..golden.batch];
            let judged = |heads: &Heads| heads.judge(rows(&golden, 0, device), labels).unwrap();
            let ((right, loss), besides) = (judged(&alone)[0], judged(&beside));
            assert_eq!(besides[1].0, right, "{name}");
            assert!((besides[1].1 - loss).abs() < 1e-5 && !besides[0].1.is_finite(), "{name}: {besides:?}");
            let logits = beside.logits_of(1, rows(&golden, 0, device)).unwrap();
            let expected = alone.logits_of(0, rows(&golden, 0, device)).unwrap();
            assert!(logits.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5), "{name}");
        });
    }

    #[test]
    fn the_schedule_goes_from_1_towards_0() {
        assert_eq!(cosine(0, 10), 1.0);
        assert!((cosine(5, 10) - 0.5).abs() < 1e-15 && cosine(9, 10) > 0.0 && cosine(10, 10) < 1e-15);
    }
}
