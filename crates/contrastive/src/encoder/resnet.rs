//! ResNet-18, -34 and -50 in torchvision's naming.
//!
//! He et al. 2016, "Deep Residual Learning for Image Recognition". The bottleneck has its stride in the
//! 3x3 convolution ("v1.5"), as torchvision's. The width and the stem are settings: width 64 with the
//! `imagenet` stem is the published network. There is no `fc`: the encoder ends at the pooled features.

use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{DType, Device, Tensor};
use zview_runtime::seed::Stream;

use super::config::{EncoderConfig, Stem};
use zview_network::layers::{BatchNorm, Convolution};
use zview_network::{Cost, Mode, Network, StateVisitor, TrainingCost};

/// A residual network up to its pooled features.
#[derive(Debug, Clone)]
pub struct ResNet {
    conv1: Convolution,
    bn1: BatchNorm,
    stem: Stem,
    layers: Vec<Vec<Block>>,
}

impl ResNet {
    /// A freshly initialised network for images of `channels` channels.
    #[must_use]
    pub fn new(config: &EncoderConfig, channels: usize, random: &mut Stream, device: &Device) -> Self {
        let (kernel, stride) = match config.stem {
            Stem::Small => (3, 1),
            Stem::Imagenet => (7, 2),
        };
        let conv1 = Convolution::new(channels, config.width, kernel, stride, config.init, random, device);
        let bn1 = BatchNorm::new(config.width, device);
        let mut channels = config.width;
        let layers = config.blocks().into_iter().enumerate().map(|(layer, blocks)| {
            let width = config.width << layer;
            (0..blocks)
                .map(|block| {
                    let stride = if block == 0 && layer > 0 { 2 } else { 1 };
                    let block = Block::new(channels, width, stride, config, random, device);
                    channels = width * config.expansion();
                    block
                })
                .collect()
        });
        let layers = layers.collect();
        Self { conv1, bn1, stem: config.stem, layers }
    }

    /// Pooled features (B, D), of 32 bits, of images (B, C, H, W) of 32 or 16.
    #[must_use]
    pub fn forward(&mut self, images: Tensor<4>, mode: Mode) -> Tensor<2> {
        let mut x = self.bn1.forward(self.conv1.forward(images), None, true, mode);
        if self.stem == Stem::Imagenet {
            x = max_pool2d(x, MaxPoolOptions::new([3, 3]).with_stride([2, 2]).with_padding([1, 1]));
        }
        for block in self.layers.iter_mut().flatten() {
            x = block.forward(x, mode);
        }
        let [batch, channels, height, width] = x.dims();
        let x = if x.dtype() == DType::F32 { x } else { x.cast(DType::F32) };
        x.reshape([batch, channels, height * width]).mean_dim(2).squeeze_dim(2)
    }

    /// Adds the cost of a training step on `images` (B, C, H, W) to `total` and gives the shape of the
    /// features (B, D). Without `input_gradient`, backward stops at the first weight.
    #[must_use]
    pub fn cost(&self, images: [usize; 4], input_gradient: bool, total: &mut TrainingCost) -> [usize; 2] {
        let mut shape = self.conv1.cost(images, input_gradient, total);
        self.bn1.cost(shape, false, true, total);
        if self.stem == Stem::Imagenet {
            let [batch, channels, height, width] = shape;
            let pooled = [batch, channels, (height - 1) / 2 + 1, (width - 1) / 2 + 1];
            let [x, y] = [shape, pooled].map(|shape| shape.iter().product::<usize>());
            total.forward += Cost::new(9 * y, x + 2 * y); // the place of each maximum is kept
            total.backward += Cost::new(y, x + 2 * y);
            shape = pooled;
        }
        for block in self.layers.iter().flatten() {
            shape = block.cost(shape, total);
        }
        let [batch, channels, height, width] = shape;
        let (features, values) = (batch * channels, batch * channels * height * width);
        total.forward += Cost::new(values, values + features);
        total.backward += Cost::new(values, values + features);
        [batch, channels]
    }
}

impl Network for ResNet {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        self.conv1.visit(&format!("{prefix}conv1"), visitor);
        self.bn1.visit(&format!("{prefix}bn1"), visitor);
        for (layer, blocks) in self.layers.iter_mut().enumerate() {
            for (index, block) in blocks.iter_mut().enumerate() {
                block.visit(&format!("{prefix}layer{}.{index}", layer + 1), visitor);
            }
        }
    }
}

/// A residual block: a chain of convolutions, each normalised, added to a shortcut. Two 3x3
/// convolutions make the basic block, 1x1, 3x3, 1x1 the bottleneck.
#[derive(Debug, Clone)]
struct Block {
    chain: Vec<(Convolution, BatchNorm)>,
    downsample: Option<(Convolution, BatchNorm)>,
}

impl Block {
    fn new(
        channels_in: usize,
        width: usize,
        stride: usize,
        config: &EncoderConfig,
        random: &mut Stream,
        device: &Device,
    ) -> Self {
        let channels_out = width * config.expansion();
        // (input channels, output channels, kernel, stride)
        let plan = if config.expansion() == 1 {
            vec![(channels_in, width, 3, stride), (width, width, 3, 1)]
        } else {
            vec![(channels_in, width, 1, 1), (width, width, 3, stride), (width, channels_out, 1, 1)]
        };
        let mut layer = |(inputs, outputs, kernel, stride)| {
            let conv = Convolution::new(inputs, outputs, kernel, stride, config.init, random, device);
            (conv, BatchNorm::new(outputs, device))
        };
        let chain = plan.into_iter().map(&mut layer).collect();
        let downsample = (stride != 1 || channels_in != channels_out)
            .then(|| layer((channels_in, channels_out, 1, stride)));
        Self { chain, downsample }
    }

    /// relu(chain(x) + shortcut(x)).
    fn forward(&mut self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let shortcut = match &mut self.downsample {
            Some((conv, norm)) => norm.forward(conv.forward(x.clone()), None, false, mode),
            None => x.clone(),
        };
        let mut shortcut = Some(shortcut);
        let last = self.chain.len() - 1;
        let mut x = x;
        for (index, (conv, norm)) in self.chain.iter_mut().enumerate() {
            let added = if index == last { shortcut.take() } else { None };
            x = norm.forward(conv.forward(x), added, true, mode);
        }
        x
    }

    /// Adds the cost for `input` (B, C, H, W) to `total` and gives the output's shape.
    fn cost(&self, input: [usize; 4], total: &mut TrainingCost) -> [usize; 4] {
        if let Some((conv, norm)) = &self.downsample {
            norm.cost(conv.cost(input, true, total), false, false, total);
        }
        let last = self.chain.len() - 1;
        let mut shape = input;
        for (index, (conv, norm)) in self.chain.iter().enumerate() {
            shape = conv.cost(shape, true, total);
            norm.cost(shape, index == last, true, total);
        }
        // The gradients of the chain and of the shortcut are added.
        total.backward += Cost::element_wise(1, input.iter().product(), 3);
        shape
    }
}

impl Network for Block {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        for (index, (conv, norm)) in self.chain.iter_mut().enumerate() {
            conv.visit(&format!("{prefix}.conv{}", index + 1), visitor);
            norm.visit(&format!("{prefix}.bn{}", index + 1), visitor);
        }
        if let Some((conv, norm)) = &mut self.downsample {
            conv.visit(&format!("{prefix}.downsample.0"), visitor);
            norm.visit(&format!("{prefix}.downsample.1"), visitor);
        }
    }
}
