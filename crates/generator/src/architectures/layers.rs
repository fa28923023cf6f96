//! Fully connected and convolutional layers with their weights on a device.

use burn::tensor::Tensor;
use zview_network::weights::WeightsError;

use super::loader::Loader;
use super::operations;
use super::spectral_norm::SpectralNorm;

/// y = x W + b.
#[derive(Debug)]
pub(crate) struct Linear {
    /// (inputs, outputs).
    pub(crate) weight: Tensor<2>,
    pub(crate) bias: Option<Tensor<1>>,
}

impl Linear {
    pub(crate) fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        zview_kernels::linear(features, self.weight.clone(), self.bias.clone())
    }
}

/// A convolution of stride 1 that keeps the size of a map.
#[derive(Debug, Clone)]
pub(crate) struct Convolution {
    /// (O, I, k, k) with an odd k.
    pub(crate) weight: Tensor<4>,
    pub(crate) bias: Option<Tensor<1>>,
}

impl Convolution {
    /// The spectrally normalised convolution of `key`, with its bias if it has one.
    pub(crate) fn normalized(
        loader: &mut Loader<'_>,
        norm: SpectralNorm,
        key: &str,
        shape: [usize; 4],
        bias: bool,
    ) -> Result<Self, WeightsError> {
        let weight = norm.weight(loader, key, &shape)?;
        let bias = bias.then(|| loader.parameter(&format!("{key}.bias"), [shape[0]])).transpose()?;
        Ok(Self { weight: loader.tensor(weight, shape), bias })
    }

    /// Weights and bias times `factor`.
    pub(crate) fn times(self, factor: f64) -> Self {
        Self { weight: self.weight * factor, bias: self.bias.map(|bias| bias * factor) }
    }

    /// (B, I, H, W) to (B, O, H, W).
    pub(crate) fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        let padding = self.weight.dims()[2] / 2;
        operations::conv(map, self.weight.clone(), self.bias.clone(), 1, padding)
    }
}
