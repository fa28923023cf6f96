//! What flows between the layers of a network that is a list of layers.

use burn::tensor::Tensor;

use crate::manifest::Features;
use zview_kernels::pass;

/// What flows between layers: (B, D) or (B, C, H, W).
#[derive(Debug, Clone)]
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

    /// What `function` makes of it as a map; flat features are one of 1 x 1 and become flat again.
    pub(crate) fn through_map(self, function: impl FnOnce(Tensor<4>) -> Tensor<4>) -> Self {
        let flat = matches!(self, Self::Flat(_));
        let map = Self::Map(function(self.into_map()));
        if flat { Self::Flat(map.into_flat()) } else { map }
    }

    /// What `function` makes of each value, in an arrangement that has long rows.
    pub(crate) fn each_value(self, function: impl FnOnce(Tensor<4>) -> Tensor<4>) -> Self {
        match self {
            Self::Flat(features) => {
                let shape @ [batch, dimension] = features.dims();
                Self::Flat(pass(features.reshape([1, 1, batch, dimension]), function).reshape(shape))
            }
            Self::Map(map) => Self::Map(pass(map, function)),
        }
    }

    /// What `function` makes of both as maps; flat if this is flat.
    pub(crate) fn joined(
        self,
        other: Self,
        function: impl FnOnce(Tensor<4>, Tensor<4>) -> Tensor<4>,
    ) -> Self {
        self.through_map(|map| function(map, other.into_map()))
    }

    /// Times `scale` (C) plus `shift` (C), then rectified if `relu`.
    pub(crate) fn scaled_and_shifted(self, scale: Tensor<1>, shift: Tensor<1>, relu: bool) -> Self {
        self.through_map(|map| zview_kernels::scale_shift(map, None, scale, shift, relu))
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
