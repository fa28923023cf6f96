//! What flows between the layers of a network that is a list of layers.

use burn::tensor::Tensor;

use crate::manifest::Features;

/// What flows between layers: (B, D) or (B, C, H, W).
pub(crate) enum Activations {
    Flat(Tensor<2>),
    Map(Tensor<4>),
}

impl Activations {
    /// (B, C, H, W) -> (B, C H W).
    pub(crate) fn into_flat(self) -> Tensor<2> {
        match self {
            Self::Flat(features) => features,
            Self::Map(map) => {
                let [batch, channels, height, width] = map.dims();
                map.reshape([batch, channels * height * width])
            }
        }
    }

    /// (B, D) -> (B, D, 1, 1).
    pub(crate) fn into_map(self) -> Tensor<4> {
        match self {
            Self::Flat(features) => {
                let [batch, dimension] = features.dims();
                features.reshape([batch, dimension, 1, 1])
            }
            Self::Map(map) => map,
        }
    }

    /// Times `scale` (C) plus `shift` (C), then rectified if `relu`.
    pub(crate) fn scaled_and_shifted(self, scale: Tensor<1>, shift: Tensor<1>, relu: bool) -> Self {
        let flat = matches!(self, Self::Flat(_));
        let map = Self::Map(zview_kernels::scale_shift(self.into_map(), None, scale, shift, relu));
        if flat { Self::Flat(map.into_flat()) } else { map }
    }

    /// The same values in the form of `features`.
    pub(crate) fn reshaped(self, features: Features) -> Self {
        let flat = self.into_flat();
        match features {
            Features::Flat(_) => Self::Flat(flat),
            Features::Map { channels, height, width } => {
                let [batch, _] = flat.dims();
                Self::Map(flat.reshape([batch, channels, height, width]))
            }
        }
    }
}
