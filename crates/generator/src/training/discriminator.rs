//! The discriminator: convolutions with spectral norm, and a projection of the class.
//!
//! Miyato et al. 2018, <https://arxiv.org/abs/1802.05957>; the class enters as in Miyato and Koyama 2018,
//! <https://arxiv.org/abs/1802.05637>: score = wᵀ h + b + e(y)ᵀ h, with h the features of the last hidden layer.

use burn::tensor::{Device, Tensor, activation};
use zview_data::ImageShape;
use zview_kernels::conv2d;
use zview_network::{Network, StateVisitor};
use zview_runtime::seed::Stream;

use super::layers::start_size;
use super::spectral_norm::SpectralWeight;

const SLOPE: f64 = 0.1;
/// Values of h.
const FEATURES: usize = 128;

/// (B, C, H, W) in -1 to 1 to one score per image.
#[derive(Debug, Clone)]
pub(super) struct Discriminator {
    convolutions: Vec<Convolution>,
    hidden: SpectralWeight<2>,
    hidden_bias: Tensor<1>,
    head: SpectralWeight<2>,
    head_bias: Tensor<1>,
    classes: Option<SpectralWeight<2>>,
}

#[derive(Debug, Clone)]
struct Convolution {
    weight: SpectralWeight<4>,
    bias: Tensor<1>,
}

impl Discriminator {
    /// Per halving of the image, down to 4 to 8 pixels, a 4x4 convolution with stride 2, the first with `width`
    /// channels and each next one with twice as many; a 3x3 convolution with stride 2; a hidden layer.
    /// `classes` is the number of classes it is told, if any.
    pub(super) fn new(
        shape: ImageShape,
        width: usize,
        classes: Option<usize>,
        random: &mut Stream,
        device: &Device,
    ) -> Self {
        let (start, halvings) = start_size(shape.height).unwrap_or((4, 1));
        let mut convolutions = Vec::new();
        let (mut inputs, mut channels) = (shape.channels, width);
        for layer in 0..=halvings {
            let kernel = if layer < halvings { 4 } else { 3 };
            let weight = SpectralWeight::new([channels, inputs, kernel, kernel], random, device);
            convolutions.push(Convolution { weight, bias: Tensor::zeros([channels], device) });
            (inputs, channels) = (channels, 2 * channels);
        }
        let side = start.div_ceil(2);
        Self {
            convolutions,
            hidden: SpectralWeight::new([FEATURES, inputs * side * side], random, device),
            hidden_bias: Tensor::zeros([FEATURES], device),
            head: SpectralWeight::new([1, FEATURES], random, device),
            head_bias: Tensor::zeros([1], device),
            classes: classes.map(|classes| SpectralWeight::new([classes, FEATURES], random, device)),
        }
    }

    /// One power iteration per layer, and the weights that come of it: all scores of an update use the same.
    pub(super) fn normalised(&mut self) -> NormalisedDiscriminator {
        NormalisedDiscriminator {
            convolutions: self
                .convolutions
                .iter_mut()
                .map(|layer| (layer.weight.normalised(), layer.bias.clone()))
                .collect(),
            hidden: self.hidden.normalised(),
            hidden_bias: self.hidden_bias.clone(),
            head: self.head.normalised(),
            head_bias: self.head_bias.clone(),
            classes: self.classes.as_mut().map(SpectralWeight::normalised),
        }
    }
}

impl Network for Discriminator {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        for (index, layer) in self.convolutions.iter_mut().enumerate() {
            layer.weight.visit(&format!("{prefix}conv{index}"), visitor);
            visitor.parameter(&format!("{prefix}conv{index}.bias"), &mut layer.bias);
        }
        self.hidden.visit(&format!("{prefix}hidden"), visitor);
        visitor.parameter(&format!("{prefix}hidden.bias"), &mut self.hidden_bias);
        self.head.visit(&format!("{prefix}head"), visitor);
        visitor.parameter(&format!("{prefix}head.bias"), &mut self.head_bias);
        if let Some(classes) = &mut self.classes {
            classes.visit(&format!("{prefix}classes"), visitor);
        }
    }
}

/// The discriminator of one update.
#[derive(Debug, Clone)]
pub(super) struct NormalisedDiscriminator {
    convolutions: Vec<(Tensor<4>, Tensor<1>)>,
    hidden: Tensor<2>,
    hidden_bias: Tensor<1>,
    head: Tensor<2>,
    head_bias: Tensor<1>,
    classes: Option<Tensor<2>>,
}

impl NormalisedDiscriminator {
    /// Images (B, C, H, W) with one-hot classes (B, K) if it is told them, to scores (B, 1).
    pub(super) fn score(&self, images: Tensor<4>, classes: Option<&Tensor<2>>) -> Tensor<2> {
        let mut map = images;
        for (weight, bias) in &self.convolutions {
            let convolved = conv2d(map, weight.clone(), [2, 2], [1, 1]);
            map = activation::leaky_relu(convolved + bias.clone().reshape([1, -1, 1, 1]), SLOPE);
        }
        let [batch, channels, height, width] = map.dims();
        let flat = map.reshape([batch, channels * height * width]);
        let hidden = flat.matmul(self.hidden.clone().transpose()) + self.hidden_bias.clone().unsqueeze();
        let features = activation::leaky_relu(hidden, SLOPE); // h
        let score =
            features.clone().matmul(self.head.clone().transpose()) + self.head_bias.clone().unsqueeze();
        match (&self.classes, classes) {
            (Some(embedding), Some(classes)) => {
                score + (classes.clone().matmul(embedding.clone()) * features).sum_dim(1)
            }
            _ => score,
        }
    }

    /// The same without gradients to the weights, for moving the generator.
    pub(super) fn frozen(&self) -> Self {
        fn constant<const R: usize>(tensor: &Tensor<R>) -> Tensor<R> {
            tensor.clone().inner().autodiff()
        }
        Self {
            convolutions: self
                .convolutions
                .iter()
                .map(|(weight, bias)| (constant(weight), constant(bias)))
                .collect(),
            hidden: constant(&self.hidden),
            hidden_bias: constant(&self.hidden_bias),
            head: constant(&self.head),
            head_bias: constant(&self.head_bias),
            classes: self.classes.as_ref().map(constant),
        }
    }
}
