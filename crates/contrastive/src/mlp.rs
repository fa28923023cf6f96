//! The multi-layer perceptron: projectors between features and objective, and predictors after them; thrown away
//! after pretraining.
//!
//! Chen et al. 2020, "A Simple Framework for Contrastive Learning" (SimCLR), section 4.2: the objective
//! is applied to g(h), the probe to h.

use burn::tensor::{Device, Tensor, activation};
use zview_kernels::pass;
use zview_runtime::seed::Stream;

use zview_network::layers::{BatchNorm, Linear};
use zview_network::{Mode, Network, StateVisitor};

/// Added to variances.
const EPSILON: f64 = 1e-5;

/// Where batch norm stands in a perceptron.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MlpNorm {
    /// Nowhere.
    None,
    /// Before every ReLU.
    Hidden,
    /// Before every ReLU, and after the last layer without weight and bias.
    HiddenAndOutput,
}

/// Linear layers with ReLU between them, and batch norm where asked for.
#[derive(Debug, Clone)]
pub struct Mlp {
    layers: Vec<Linear>,
    hidden_norms: Vec<BatchNorm>, // one per layer but the last, or none
    output_norm: bool,
}

impl Mlp {
    /// Layers `inputs -> widths[0] -> ... -> widths[last]`.
    #[must_use]
    pub fn new(inputs: usize, widths: &[usize], norm: MlpNorm, random: &mut Stream, device: &Device) -> Self {
        let all_inputs = std::iter::once(inputs).chain(widths.iter().copied());
        let layers = all_inputs
            .zip(widths)
            .map(|(inputs, &outputs)| Linear::new(inputs, outputs, random, device))
            .collect();
        let hidden = &widths[..widths.len().saturating_sub(1)];
        let hidden_norms = match norm {
            MlpNorm::None => Vec::new(),
            _ => hidden.iter().map(|&width| BatchNorm::new(width, device)).collect(),
        };
        Self { layers, hidden_norms, output_norm: norm == MlpNorm::HiddenAndOutput }
    }

    /// (B, inputs) -> `(B, widths[last])`; norms take the statistics of the batch.
    #[must_use]
    pub fn forward(&mut self, x: Tensor<2>) -> Tensor<2> {
        let last = self.layers.len().saturating_sub(1);
        let mut x = x;
        for (index, layer) in self.layers.iter().enumerate() {
            x = layer.forward(x);
            if index < last {
                x = match self.hidden_norms.get_mut(index) {
                    Some(norm) => {
                        let [batch, width] = x.dims();
                        let x = norm.forward(x.reshape([batch, width, 1, 1]), None, true, Mode::Train);
                        x.reshape([batch, width])
                    }
                    None => pass(x, activation::relu),
                };
            }
        }
        if self.output_norm { standardise(x) } else { x }
    }
}

/// Each dimension of x (B, D) with mean 0 and variance 1 over the batch: batch norm without weight and bias.
#[must_use]
pub(crate) fn standardise(x: Tensor<2>) -> Tensor<2> {
    pass(x, |x| {
        let centred = x.clone() - x.mean_dim(0);
        let variance = centred.clone().square().mean_dim(0); // [1, D], biased as in PyTorch's batch norm
        centred / (variance + EPSILON).sqrt()
    })
}

impl Network for Mlp {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        for (index, layer) in self.layers.iter_mut().enumerate() {
            layer.visit(&format!("{prefix}.{index}"), visitor);
        }
        for (index, norm) in self.hidden_norms.iter_mut().enumerate() {
            norm.visit(&format!("{prefix}.{index}.norm"), visitor);
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;
    use zview_runtime::device::on_test_devices;
    use zview_runtime::seed::Purpose;

    use super::*;

    /// Every parameter, in the network's order.
    struct Parameters(Vec<Vec<f64>>);

    impl StateVisitor for Parameters {
        fn parameter<const D: usize>(&mut self, _: &str, tensor: &mut Tensor<D>) {
            let values = tensor.clone().into_data().try_into_vec::<f32>().unwrap();
            self.0.push(values.into_iter().map(f64::from).collect());
        }
        fn buffer<const D: usize>(&mut self, _: &str, _: &mut Tensor<D>) {}
        fn counter(&mut self, _: &str, _: &mut u64) {}
    }

    #[test]
    fn it_is_its_layers_with_a_rectifier_between_them() {
        let [rows, features, hidden, outputs] = [5, 7, 6, 4];
        on_test_devices(|name, device| {
            let random = &mut Stream::new(3, Purpose::Check, 0, 0);
            let values: Vec<f32> = (0..rows * features).map(|_| random.normal()).collect();
            let mut projector = Mlp::new(features, &[hidden, outputs], MlpNorm::None, random, device);
            let mut parameters = Parameters(Vec::new());
            projector.visit("", &mut parameters);
            let layer = |x: &[f64], index: usize, inputs: usize| -> Vec<f64> {
                let (weight, bias) = (&parameters.0[2 * index], &parameters.0[2 * index + 1]);
                let unit = |(weight, bias): (&[f64], &f64)| {
                    weight.iter().zip(x).map(|(a, b)| a * b).sum::<f64>() + bias
                };
                weight.chunks(inputs).zip(bias).map(unit).collect()
            };
            let expected = values.chunks(features).flat_map(|row| {
                let row: Vec<f64> = row.iter().map(|&value| f64::from(value)).collect();
                let hidden_units: Vec<f64> = layer(&row, 0, features).iter().map(|x| x.max(0.0)).collect();
                layer(&hidden_units, 1, hidden)
            });
            let x = Tensor::from_data(TensorData::new(values.clone(), [rows, features]), device);
            let got = projector.forward(x).into_data().try_into_vec::<f32>().unwrap();
            assert_eq!(got.len(), rows * outputs);
            for (got, expected) in got.into_iter().zip(expected) {
                assert!((f64::from(got) - expected).abs() < 1e-6, "{name}: {got} {expected}");
            }
        });
    }
}
