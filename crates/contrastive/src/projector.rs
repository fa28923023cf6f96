//! The multi-layer perceptron between features and objective; thrown away after pretraining.
//!
//! Chen et al. 2020, "A Simple Framework for Contrastive Learning" (SimCLR), section 4.2: the objective
//! is applied to g(h), the probe to h.

use burn::tensor::{Device, Tensor, activation};
use zview_runtime::seed::Stream;

use zview_network::layers::Linear;
use zview_network::{Cost, Network, StateVisitor, TrainingCost};

/// Linear layers with ReLU between them.
#[derive(Debug, Clone)]
pub struct Projector {
    layers: Vec<Linear>,
}

impl Projector {
    /// Layers `features -> widths[0] -> ... -> widths[last]`.
    #[must_use]
    pub fn new(features: usize, widths: &[usize], random: &mut Stream, device: &Device) -> Self {
        let inputs = std::iter::once(features).chain(widths.iter().copied());
        let layers = inputs
            .zip(widths)
            .map(|(inputs, &outputs)| Linear::new(inputs, outputs, random, device))
            .collect();
        Self { layers }
    }

    /// Features (B, D) -> projections `(B, widths[last])`.
    #[must_use]
    pub fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        let mut x = features;
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                x = activation::relu(x);
            }
            x = layer.forward(x);
        }
        x
    }

    /// Adds the cost for `features` (B, D) to `total` and gives the shape of the projections.
    #[must_use]
    pub fn cost(&self, features: [usize; 2], total: &mut TrainingCost) -> [usize; 2] {
        let mut shape = features;
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                let values = shape.iter().product();
                total.forward += Cost::element_wise(1, values, 2);
                total.backward += Cost::element_wise(1, values, 3);
            }
            shape = layer.cost(shape, total);
        }
        shape
    }
}

impl Network for Projector {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        for (index, layer) in self.layers.iter_mut().enumerate() {
            layer.visit(&format!("{prefix}.{index}"), visitor);
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
            let mut projector = Projector::new(features, &[hidden, outputs], random, device);
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
