//! Residual networks in torchvision's naming.
//!
//! He et al. 2016, "Deep Residual Learning for Image Recognition". The bottleneck has its stride in the
//! 3x3 convolution ("v1.5"), as torchvision's. The width and the stem are settings: width 64 with the
//! `imagenet` stem is the published network. There is no `fc`: the encoder ends at the pooled features. Files of other
//! origin may hold more than a recipe can ask for (`plan.rs`).

mod block;
mod plan;
mod recognise;

use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{DType, Device, Tensor};
use zview_data::ImageShape;
use zview_kernels::pass;
use zview_network::layers::{BatchNorm, Convolution};
use zview_network::{Mode, Network, StateVisitor};
use zview_runtime::seed::Stream;

use super::architecture::{Architecture, EncoderNetwork, Recognised, UnfitImages};
use super::config::EncoderConfig;
use super::export::ExportFormat;
use super::file::{EncoderTensors, Header, ReadOptions};
use block::Block;
use plan::{ConvPlan, Plan};

/// A residual network up to its pooled features.
#[derive(Debug, Clone)]
pub struct ResNet {
    stem: Vec<(Convolution, BatchNorm)>,
    pool: bool,
    layers: Vec<Vec<Block>>,
    features: usize,
}

impl ResNet {
    /// `make` gives the convolutions, from the images to the features.
    fn build(plan: &Plan, make: &mut dyn FnMut(&ConvPlan) -> Convolution, device: &Device) -> Self {
        let stem = plan.stem.iter().map(|conv| (make(conv), BatchNorm::new(conv.outputs, device))).collect();
        let layers = plan
            .stages
            .iter()
            .map(|blocks| blocks.iter().map(|block| Block::new(block, make, device)).collect());
        Self { stem, pool: plan.pool, layers: layers.collect(), features: plan.features() }
    }
}

impl EncoderNetwork for ResNet {
    const TAKES_ANY_SIZE: bool = true;
    const EXPORTS: &'static [ExportFormat] = &[ExportFormat::Torchvision, ExportFormat::Timm];
    const HAS_STEM: bool = true;
    const HAS_INIT: bool = true;

    fn new(config: &EncoderConfig, images: ImageShape, random: &mut Stream, device: &Device) -> Self {
        let mut make = |conv: &ConvPlan| {
            let ConvPlan { inputs, outputs, kernel, stride, .. } = *conv;
            Convolution::new(inputs, outputs, kernel, stride, config.init, random, device)
        };
        Self::build(&Plan::of(config, images.channels), &mut make, device)
    }

    fn forward(&mut self, images: Tensor<4>, mode: Mode) -> Tensor<2> {
        let mut x = images;
        for (conv, norm) in &mut self.stem {
            x = norm.forward(conv.forward(x), None, true, mode);
        }
        if self.pool {
            let options = MaxPoolOptions::new([3, 3]).with_stride([2, 2]).with_padding([1, 1]);
            x = pass(x, |x| max_pool2d(x, options));
        }
        for block in self.layers.iter_mut().flatten() {
            x = block.forward(x, mode);
        }
        let [batch, channels, height, width] = x.dims();
        let x = if x.dtype() == DType::F32 { x } else { x.cast(DType::F32) };
        pass(x, |x| x.reshape([batch, channels, height * width]).mean_dim(2).squeeze_dim(2))
    }

    fn features(&self) -> usize {
        self.features
    }

    fn layer_prefixes(_: &EncoderConfig) -> Vec<Vec<String>> {
        let stem = vec!["conv1.".to_owned(), "bn1.".to_owned()];
        std::iter::once(stem).chain((1..=4).map(|layer| vec![format!("layer{layer}.")])).collect()
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

    fn recognise(
        file: &mut EncoderTensors,
        header: &Header,
        _: &ReadOptions,
        device: &Device,
    ) -> Result<Recognised<Self>, String> {
        recognise::recognise(file, header, device)
    }
}

/// Blocks in each of the four layers.
pub(super) fn blocks(arch: Architecture) -> [usize; 4] {
    match arch {
        Architecture::Resnet34 | Architecture::Resnet50 => [3, 4, 6, 3],
        Architecture::Resnet101 => [3, 4, 23, 3],
        Architecture::Resnet152 => [3, 8, 36, 3],
        _ => [2, 2, 2, 2],
    }
}

/// Output channels of a block per channel of its 3x3 convolution.
fn expansion(arch: Architecture) -> usize {
    match arch {
        Architecture::Resnet50 | Architecture::Resnet101 | Architecture::Resnet152 => 4,
        _ => 1,
    }
}

impl Network for ResNet {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        let last = self.stem.len().saturating_sub(1);
        for (index, (conv, norm)) in self.stem.iter_mut().enumerate() {
            // A deep stem is numbered with its norms and ReLUs; its last norm keeps its name.
            let name = if last == 0 { "conv1".to_owned() } else { format!("conv1.{}", 3 * index) };
            conv.visit(&format!("{prefix}{name}"), visitor);
            let name = if index == last { "bn1".to_owned() } else { format!("conv1.{}", 3 * index + 1) };
            norm.visit(&format!("{prefix}{name}"), visitor);
        }
        for (layer, blocks) in self.layers.iter_mut().enumerate() {
            for (index, block) in blocks.iter_mut().enumerate() {
                block.visit(&format!("{prefix}layer{}.{index}", layer + 1), visitor);
            }
        }
    }
}
