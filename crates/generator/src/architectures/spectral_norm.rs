//! Spectral normalisation (Miyato et al. 2018, <https://arxiv.org/abs/1802.05957>): a weight M, seen as a
//! matrix (outputs, the rest), divided by an estimate of its largest singular value. A generator's weights
//! no longer change, so the division is done once, when they are loaded.
//!
//! The estimate is part of the network: it may lie well below the singular value, and dividing by the exact
//! one makes other images.

use zview_network::weights::WeightsError;

use super::loader::{Loader, doubles};

/// Which estimate a checkpoint was trained with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SpectralNorm {
    /// u^T M v with the file's own vectors (`torch.nn.utils.spectral_norm`): `weight_orig`, `weight_u`,
    /// `weight_v`.
    StoredVectors,
    /// |M v| after one power step v = M^T u0 / |M^T u0| from the file's `u0` (ajbrock/BigGAN-PyTorch):
    /// `weight`, `u0`. Its `sv0` is a record of training and no divisor.
    PowerStep,
}

/// Below this a length is not divided by.
const LENGTH_MIN: f64 = 1e-4;

impl SpectralNorm {
    /// The weight of `key`, divided by its estimate.
    pub(super) fn weight(
        self,
        loader: &mut Loader<'_>,
        key: &str,
        shape: &[usize],
    ) -> Result<Vec<f64>, WeightsError> {
        let outputs = shape[0];
        let inputs: usize = shape[1..].iter().product();
        let (name, weight, sigma) = match self {
            Self::StoredVectors => {
                let name = format!("{key}.weight_orig");
                let weight = doubles(loader.learned(&name, shape)?);
                let u = doubles(loader.buffer(&format!("{key}.weight_u"), &[outputs])?);
                let v = doubles(loader.buffer(&format!("{key}.weight_v"), &[inputs])?);
                let sigma = dot(&u, &times(&weight, &v));
                (name, weight, sigma)
            }
            Self::PowerStep => {
                let name = format!("{key}.weight");
                let weight = doubles(loader.learned(&name, shape)?);
                let u0 = doubles(loader.buffer(&format!("{key}.u0"), &[1, outputs])?);
                let mut v = vec![0.0; inputs];
                for (row, u) in weight.chunks_exact(inputs).zip(&u0) {
                    for (v, weight) in v.iter_mut().zip(row) {
                        *v += u * weight;
                    }
                }
                let length = dot(&v, &v).sqrt().max(LENGTH_MIN);
                v.iter_mut().for_each(|value| *value /= length);
                let u = times(&weight, &v);
                // v M^T u^T with u = M v / |M v|.
                let square = dot(&u, &u);
                let sigma = square / square.sqrt().max(LENGTH_MIN);
                (name, weight, sigma)
            }
        };
        if !(sigma.is_finite() && sigma != 0.0) {
            return Err(loader.unusable(&name, weight.len(), "have no spectral norm"));
        }
        Ok(weight.into_iter().map(|value| value / sigma).collect())
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// M v for M (outputs, inputs) in row-major order.
fn times(weight: &[f64], v: &[f64]) -> Vec<f64> {
    weight.chunks_exact(v.len()).map(|row| dot(row, v)).collect()
}
