//! Encoders: from images to features. One file per architecture, one line in the table below.

mod config;
mod pretrained;
mod resnet;

use burn::tensor::{Device, Tensor};
use zview_runtime::seed::Stream;

pub use config::{Architecture, EncoderConfig, Stem};
pub use pretrained::{FrozenEncoder, PretrainedError, load_encoder, save_encoder};
pub use resnet::ResNet;
pub use zview_network::layers::Init;
use zview_network::{Cost, Mode, Network, StateVisitor, TrainingCost};

/// An encoder F: images (B, C, H, W) -> features (B, D).
#[derive(Debug, Clone)]
pub struct Encoder {
    network: ResNet,
    config: EncoderConfig,
}

impl Encoder {
    /// A freshly initialised encoder for images of `channels` channels.
    #[must_use]
    pub fn new(config: &EncoderConfig, channels: usize, random: &mut Stream, device: &Device) -> Self {
        let network = match config.arch {
            Architecture::Resnet18 | Architecture::Resnet34 | Architecture::Resnet50 => {
                ResNet::new(config, channels, random, device)
            }
        };
        Self { network, config: config.clone() }
    }

    /// How many features an image gets (D).
    #[must_use]
    pub fn feature_dimension(&self) -> usize {
        self.config.feature_dimension()
    }

    /// What it was made from.
    #[must_use]
    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }

    /// Pooled features (B, D) of images (B, C, H, W) in 0..1.
    #[must_use]
    pub fn forward(&mut self, images: Tensor<4>, mode: Mode) -> Tensor<2> {
        let EncoderConfig { pixel_mean, pixel_std, .. } = self.config;
        self.network.forward((images - pixel_mean) / pixel_std, mode)
    }

    /// Adds the cost of a training step on `images` (B, C, H, W) to `total` and gives the shape of the
    /// features (B, D). `input_gradient` says whether gradients reach the images.
    #[must_use]
    pub fn cost(&self, images: [usize; 4], input_gradient: bool, total: &mut TrainingCost) -> [usize; 2] {
        let pixels = images.iter().product();
        total.forward += Cost::element_wise(2, pixels, 2);
        if input_gradient {
            total.backward += Cost::element_wise(1, pixels, 2);
        }
        self.network.cost(images, input_gradient, total)
    }
}

impl Network for Encoder {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        self.network.visit(prefix, visitor);
    }
}
