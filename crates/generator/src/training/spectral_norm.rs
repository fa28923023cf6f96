//! Spectral normalisation (Miyato et al. 2018, <https://arxiv.org/abs/1802.05957>, algorithm 1).
//!
//! W_SN = W / sigma(W), where sigma, the largest singular value of W seen as a matrix (outputs, rest), is
//! followed by one power iteration per update: v = norm(Wᵀ u), u = norm(W v), sigma = uᵀ W v. Gradients
//! flow through W in both places; u and v are constants.

use burn::tensor::{Device, Tensor, TensorData};
use zview_network::StateVisitor;
use zview_runtime::seed::Stream;

/// Keeps a division by a length from being one by zero.
const EPSILON: f64 = 1e-12;

/// A weight (outputs, ...) whose normalised form a layer uses.
#[derive(Debug, Clone)]
pub(super) struct SpectralWeight<const R: usize> {
    weight: Tensor<R>,
    left: Tensor<1>, // u, (outputs)
}

impl<const R: usize> SpectralWeight<R> {
    /// Weights uniform in ±1/sqrt(inputs of a unit) and a random start of the iteration.
    pub(super) fn new(shape: [usize; R], random: &mut Stream, device: &Device) -> Self {
        let inputs: usize = shape[1..].iter().product();
        let bound = 1.0 / (inputs.max(1) as f32).sqrt();
        let count: usize = shape.iter().product();
        let weight: Vec<f32> = (0..count).map(|_| random.uniform_in(-bound, bound)).collect();
        let left: Vec<f32> = (0..shape[0]).map(|_| random.normal()).collect();
        let left = Tensor::from_data(TensorData::new(left, [shape[0]]), device);
        Self { weight: Tensor::from_data(TensorData::new(weight, shape), device), left: unit(left) }
    }

    /// One power iteration, then W / sigma.
    pub(super) fn normalised(&mut self) -> Tensor<R> {
        let shape = self.weight.dims();
        let matrix = self.weight.clone().reshape([shape[0] as i32, -1]); // [outputs, rest]
        let constant = matrix.clone().inner();
        let right = unit((constant.clone().transpose().matmul(column(self.left.clone()))).reshape([-1]));
        self.left = unit(constant.matmul(column(right.clone())).reshape([-1]));
        let (left, right) = (self.left.clone().autodiff(), right.autodiff());
        let sigma = row(left).matmul(matrix.matmul(column(right))).reshape([1]); // uᵀ W v
        self.weight.clone() / sigma.reshape([1; R])
    }

    pub(super) fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        visitor.parameter(&format!("{prefix}.weight"), &mut self.weight);
        visitor.buffer(&format!("{prefix}.weight_u"), &mut self.left);
    }
}

fn unit(vector: Tensor<1>) -> Tensor<1> {
    let length = vector.clone().square().sum_dim(0).sqrt() + EPSILON;
    vector / length
}

fn column(vector: Tensor<1>) -> Tensor<2> {
    vector.reshape([-1, 1])
}

fn row(vector: Tensor<1>) -> Tensor<2> {
    vector.reshape([1, -1])
}

#[cfg(test)]
mod tests {
    use zview_runtime::device::read_floats;
    use zview_runtime::seed::Purpose;

    use super::*;

    fn weight(values: [[f32; 3]; 2]) -> SpectralWeight<2> {
        let device = Device::flex();
        let mut weight = SpectralWeight::new([2, 3], &mut Stream::new(0, Purpose::Check, 0, 0), &device);
        weight.weight = Tensor::from_data(values, &device).autodiff().require_grad();
        weight
    }

    #[test]
    fn the_largest_singular_value_becomes_one() {
        // Singular values 3 and 2.
        let mut weight = weight([[3.0, 0.0, 0.0], [0.0, 2.0, 0.0]]);
        let mut normalised = weight.normalised();
        for _ in 0..50 {
            normalised = weight.normalised();
        }
        let got = read_floats(normalised.inner()).unwrap();
        let expected = [1.0, 0.0, 0.0, 0.0, 2.0 / 3.0, 0.0];
        assert!(got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{got:?}");
    }

    /// With u and v held, f(W) = sum(c W / (uᵀ W v)), against central differences.
    #[test]
    fn gradients_flow_through_the_singular_value() {
        const C: [f32; 6] = [0.3, -0.7, 0.2, 0.9, 0.1, -0.4];
        let values = [[1.0f32, 0.5, -0.3], [0.2, -0.8, 0.6]];
        let mut spectral = weight(values);
        for _ in 0..100 {
            let _ = spectral.normalised(); // u and v at rest: a further iteration does not move them
        }
        let loss = |spectral: &mut SpectralWeight<2>| {
            let c = Tensor::<1>::from_data(C, &Device::flex()).reshape([2, 3]).autodiff();
            (spectral.normalised() * c).sum()
        };
        let gradients = loss(&mut spectral).backward();
        let got = read_floats(spectral.weight.grad(&gradients).unwrap()).unwrap();
        for at in 0..6 {
            let shifted = |by: f32| {
                let mut moved = values;
                moved[at / 3][at % 3] += by;
                let mut other = spectral.clone();
                other.weight = Tensor::from_data(moved, &Device::flex()).autodiff().require_grad();
                for _ in 0..100 {
                    let _ = other.normalised();
                }
                read_floats(loss(&mut other).inner()).unwrap()[0]
            };
            let expected = (shifted(1e-2) - shifted(-1e-2)) / 2e-2;
            assert!((got[at] - expected).abs() < 2e-3, "{at}: {} {expected}", got[at]);
        }
    }
}
