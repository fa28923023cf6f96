//! The Gaussian error linear unit.

use burn::tensor::Tensor;
use zview_kernels::pass;

/// x Phi(x) with Phi the standard normal distribution function, exact as in timm: x (1 + erf(x / sqrt 2)) / 2.
///
/// Hendrycks and Gimpel 2016, "Gaussian Error Linear Units", <https://arxiv.org/abs/1606.08415>, section 2. Not the
/// framework's own function: on graphics adapters its gradient is that of the tanh approximation.
#[must_use]
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    pass(x, |x| {
        let twice_phi = (x.clone() * std::f64::consts::FRAC_1_SQRT_2).erf() + 1.0;
        x * twice_phi * 0.5
    })
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn value_and_gradient_are_those_of_the_normal_distribution() {
        // x, Phi(x) and the density at x, from a table of the normal distribution.
        let table = [
            (-2.0f32, 0.022_750_13_f32, 0.053_990_97_f32),
            (-0.5, 0.308_537_54, 0.352_065_33),
            (0.0, 0.5, 0.398_942_3),
            (1.0, 0.841_344_8, 0.241_970_72),
            (3.0, 0.998_650_1, 0.004_431_848),
        ];
        let device = Device::flex().autodiff();
        let x = Tensor::<1>::from_floats(table.map(|(x, ..)| x), &device).require_grad();
        let y = gelu(x.clone());
        let gradients = y.clone().sum().backward();
        let slopes = x.grad(&gradients).unwrap().into_data().try_into_vec::<f32>().unwrap();
        let values = y.inner().into_data().try_into_vec::<f32>().unwrap();
        for (((x, phi, density), value), slope) in table.into_iter().zip(values).zip(slopes) {
            assert!((value - x * phi).abs() < 1e-6, "{x}: {value}");
            assert!((slope - (phi + x * density)).abs() < 1e-6, "{x}: {slope}");
        }
    }
}
