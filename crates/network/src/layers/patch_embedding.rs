//! From an image to one token per patch.

use burn::tensor::{Device, Tensor, TensorData};
use zview_runtime::seed::Stream;

use super::linear;
use crate::{Network, StateVisitor};

/// A convolution whose kernel and step are the patch's side, computed as one matrix product: patches do not overlap.
///
/// Dosovitskiy et al. 2021, <https://arxiv.org/abs/2010.11929>, equation 1 (E). Named as in timm (`proj`).
#[derive(Debug, Clone)]
pub struct PatchEmbedding {
    weight: Tensor<4>,       // [D, C, P, P]
    bias: Option<Tensor<1>>, // [D]
}

impl PatchEmbedding {
    /// Patches of `side` pixels of images of `channels` channels to `features` features (D). Weight and bias uniform
    /// in ±1/sqrt(values of a patch), PyTorch's default, which timm keeps here.
    #[must_use]
    pub fn new(channels: usize, side: usize, features: usize, random: &mut Stream, device: &Device) -> Self {
        let inputs = channels * side * side;
        let (weight, bias) = linear::uniform(inputs, features, random);
        let weight = TensorData::new(weight, [features, channels, side, side]);
        let bias = TensorData::new(bias, [features]);
        Self { weight: Tensor::from_data(weight, device), bias: Some(Tensor::from_data(bias, device)) }
    }

    /// Zeros, to be filled from a file.
    #[must_use]
    pub fn zeros(channels: usize, side: usize, features: usize, bias: bool, device: &Device) -> Self {
        let bias = bias.then(|| Tensor::zeros([features], device));
        Self { weight: Tensor::zeros([features, channels, side, side], device), bias }
    }

    /// Images (B, C, H, W), H and W multiples of the patch's side -> tokens (B, N, D), row by row of patches.
    #[must_use]
    pub fn forward(&self, images: Tensor<4>) -> Tensor<3> {
        let [features, channels, side, _] = self.weight.dims();
        let [batch, _, height, width] = images.dims();
        let count = (height / side) * (width / side);
        let patches = patches(images, side);
        let weight = self.weight.clone().reshape([features, channels * side * side]);
        zview_kernels::linear(patches, weight.transpose(), self.bias.clone())
            .reshape([batch, count, features])
    }
}

/// Images (B, C, H, W) as the pixels of their patches (B * N, C * side * side), row by row of patches.
#[must_use]
pub fn patches(images: Tensor<4>, side: usize) -> Tensor<2> {
    let [batch, channels, height, width] = images.dims();
    let (rows, columns) = (height / side, width / side);
    // [B, C, H / P, P, W / P, P] -> [B, H / P, W / P, C, P, P]
    let split = images.reshape([batch, channels, rows, side, columns, side]).permute([0, 2, 4, 1, 3, 5]);
    split.reshape([batch * rows * columns, channels * side * side])
}

impl Network for PatchEmbedding {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        visitor.parameter(&format!("{prefix}.proj.weight"), &mut self.weight);
        if let Some(bias) = &mut self.bias {
            visitor.parameter(&format!("{prefix}.proj.bias"), bias);
        }
    }
}
