//! ResNet-18, -34 and -50 in torchvision's naming.
//!
//! He et al. 2016, "Deep Residual Learning for Image Recognition". The bottleneck has its stride in the
//! 3x3 convolution ("v1.5"), as torchvision's. The width and the stem are settings: width 64 with the
//! `imagenet` stem is the published network. There is no `fc`: the encoder ends at the pooled features.

use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{DType, Device, Tensor};
use zview_data::ImageShape;
use zview_network::weights::StateDict;
use zview_runtime::seed::Stream;

use super::architecture::{Architecture, EncoderNetwork, Recognised, UnfitImages};
use super::config::{EncoderConfig, Stem};
use super::header::Header;
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

impl EncoderNetwork for ResNet {
    const TELLING_KEY: &'static str = "conv1.weight";
    const TAKES_ANY_SIZE: bool = true;

    fn new(config: &EncoderConfig, images: ImageShape, random: &mut Stream, device: &Device) -> Self {
        let (kernel, stride) = match config.stem {
            Stem::Small => (3, 1),
            Stem::Imagenet => (7, 2),
        };
        let conv1 =
            Convolution::new(images.channels, config.width, kernel, stride, config.init, random, device);
        let bn1 = BatchNorm::new(config.width, device);
        let mut channels = config.width;
        let layers = blocks(config.arch).into_iter().enumerate().map(|(layer, blocks)| {
            let width = config.width << layer;
            (0..blocks)
                .map(|block| {
                    let stride = if block == 0 && layer > 0 { 2 } else { 1 };
                    let block = Block::new(channels, width, stride, config, random, device);
                    channels = width * expansion(config.arch);
                    block
                })
                .collect()
        });
        let layers = layers.collect();
        Self { conv1, bn1, stem: config.stem, layers }
    }

    fn forward(&mut self, images: Tensor<4>, mode: Mode) -> Tensor<2> {
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

    fn cost(&self, images: [usize; 4], input_gradient: bool, total: &mut TrainingCost) -> [usize; 2] {
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

    fn feature_dimension(config: &EncoderConfig) -> usize {
        8 * config.width * expansion(config.arch)
    }

    fn problems(config: &EncoderConfig) -> Vec<String> {
        config.unused_vit_settings()
    }

    fn check_images(_: &EncoderConfig, _: ImageShape) -> Result<(), UnfitImages> {
        Ok(())
    }

    fn recognise(state: &StateDict, prefix: &str, header: &Header) -> Result<Recognised, String> {
        let tensor = |key: &str| state.shape(&format!("{prefix}{key}"));
        let shape = tensor("conv1.weight").ok_or("there is no `conv1.weight`")?;
        let &[width, channels, kernel, _] = shape else {
            return Err(format!("`conv1.weight` has shape {shape:?}, expected 4 extents"));
        };
        let stem = match kernel {
            3 => Stem::Small,
            7 => Stem::Imagenet,
            other => return Err(format!("`conv1.weight` has kernel {other}, expected 3 or 7")),
        };
        if !(1..=16).contains(&channels) {
            return Err(format!("`conv1.weight` takes {channels} channels, expected 1 to 16"));
        }
        let has = |key: &str| tensor(key).is_some();
        let arch = match (has("layer1.0.conv3.weight"), has("layer1.2.conv1.weight")) {
            (false, false) => Architecture::Resnet18,
            (false, true) => Architecture::Resnet34,
            (true, true) => Architecture::Resnet50,
            (true, false) => return Err("two bottleneck blocks in `layer1`, expected three".to_owned()),
        };
        if has("layer3.6.conv1.weight") {
            return Err("`layer3` has more than six blocks".to_owned());
        }
        let (pixel_mean, pixel_std) = (header.pixel_mean, header.pixel_std);
        let config = EncoderConfig { arch, width, stem, pixel_mean, pixel_std, ..EncoderConfig::default() };
        if let Some(problem) = config.problems().into_iter().next() {
            return Err(problem);
        }
        // The widest tensor must really be there before a network of that width takes memory.
        let widest = format!("layer4.{}.conv2.weight", blocks(arch)[3] - 1);
        let expected = [8 * width, 8 * width, 3, 3];
        match tensor(&widest) {
            Some(shape) if shape == expected => {}
            got => return Err(format!("`{widest}` has shape {got:?}, expected {expected:?}")),
        }
        Ok(Recognised { config, images: ImageShape { channels, height: 32, width: 32 } })
    }
}

impl Architecture {
    /// Whether it is a ResNet.
    pub(super) fn is_resnet(self) -> bool {
        matches!(self, Self::Resnet18 | Self::Resnet34 | Self::Resnet50)
    }
}

/// Blocks in each of the four layers.
pub(super) fn blocks(arch: Architecture) -> [usize; 4] {
    match arch {
        Architecture::Resnet34 | Architecture::Resnet50 => [3, 4, 6, 3],
        _ => [2, 2, 2, 2],
    }
}

/// Output channels of a block per channel of its 3x3 convolution.
fn expansion(arch: Architecture) -> usize {
    if arch == Architecture::Resnet50 { 4 } else { 1 }
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
        let channels_out = width * expansion(config.arch);
        // (input channels, output channels, kernel, stride)
        let plan = if expansion(config.arch) == 1 {
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
