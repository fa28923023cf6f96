//! Encoders: from images to features. One file per architecture, one line in the table of `architecture.rs`. Their files,
//! what they are exported to, and the augmentation of the images that they learn from.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod augment;

mod architecture;
mod config;
mod export;
mod file;
mod frozen;
mod head;
mod initial;
mod resnet;
mod small_conv;
mod view;
mod vit;

use burn::tensor::{Device, Tensor};
use zview_data::ImageShape;
use zview_kernels::pass;
use zview_runtime::seed::Stream;

pub use architecture::{Architecture, UnfitImages};
pub use config::{EncoderConfig, Pool, Stem, VitConfig};
pub use export::{ExportError, ExportFormat, Exported, Program, export_encoder};
pub use file::{
    Account, ENCODER_FILE, ExpectedPixels, LoadedEncoder, PretrainedError, ReadOptions, encoder_file,
    is_own_encoder, load_encoder, read_encoder, save_encoder,
};
pub use frozen::FrozenEncoder;
pub use head::{ClassifierHead, save_classifier};
pub use initial::InitialWeights;
pub use view::{ResizeRule, ViewFormat};
pub use vit::Vit;
pub use zview_network::layers::Init;
use zview_network::{Mode, Network, StateVisitor};

use architecture::AnyNetwork;

/// An encoder F: images (B, C, H, W) -> features (B, D).
#[derive(Debug, Clone)]
pub struct Encoder {
    network: AnyNetwork,
    config: EncoderConfig,
    images: ImageShape,
    /// What it has that no recipe can ask for.
    beyond: Vec<String>,
    /// What it was trained on; `None` where its file does not say it.
    view: Option<ViewFormat>,
}

impl Encoder {
    /// A freshly initialised encoder for such images.
    ///
    /// # Errors
    /// [`UnfitImages`] where the architecture cannot take them.
    pub fn new(
        config: &EncoderConfig,
        images: ImageShape,
        random: &mut Stream,
        device: &Device,
    ) -> Result<Self, UnfitImages> {
        let network = AnyNetwork::new(config, images, random, device)?;
        let view = Some(ViewFormat::of(images));
        Ok(Self { network, config: config.clone(), images, beyond: Vec::new(), view })
    }

    /// The encoder of a file.
    fn of_network(
        network: AnyNetwork,
        config: EncoderConfig,
        images: ImageShape,
        beyond: Vec<String>,
        view: Option<ViewFormat>,
    ) -> Self {
        Self { network, config, images, beyond, view }
    }

    /// The images that it was trained on; `None` where its file does not say it.
    #[must_use]
    pub fn view(&self) -> Option<&ViewFormat> {
        self.view.as_ref()
    }

    /// The same encoder, trained on images of this shape.
    #[must_use]
    pub fn trained_on(self, images: ImageShape) -> Self {
        Self { view: Some(ViewFormat::of(images)), ..self }
    }

    /// What it has, being from a file of other origin, that no recipe can ask for: [`Self::config`] alone does not make
    /// such a network.
    #[must_use]
    pub fn beyond_recipes(&self) -> &[String] {
        &self.beyond
    }

    /// How many features an image gets (D).
    #[must_use]
    pub fn feature_dimension(&self) -> usize {
        self.network.features()
    }

    /// What it was made from.
    #[must_use]
    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }

    /// Images that it was made for; where [`Self::side`] is `None`, others of as many channels will do.
    #[must_use]
    pub fn images(&self) -> ImageShape {
        self.images
    }

    /// The side of the images that it takes, in pixels; `None` where it takes any.
    #[must_use]
    pub fn side(&self) -> Option<usize> {
        (!self.config.arch.takes_any_size()).then_some(self.images.height)
    }

    /// The Vision Transformer, if it is one: its tokens. It takes pixels as [`Self::normalize`] gives them.
    #[must_use]
    pub fn vit(&self) -> Option<&Vit> {
        match &self.network {
            AnyNetwork::Vit(vit) => Some(vit),
            _ => None,
        }
    }

    /// Images in 0..1 as the network takes them.
    #[must_use]
    pub fn normalize(&self, images: Tensor<4>) -> Tensor<4> {
        pass(images, |images| (images - self.config.pixel_mean) / self.config.pixel_std)
    }

    /// Pooled features (B, D) of images (B, C, H, W) in 0..1.
    #[must_use]
    pub fn forward(&mut self, images: Tensor<4>, mode: Mode) -> Tensor<2> {
        self.network.forward(self.normalize(images), mode)
    }
}

impl Network for Encoder {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        self.network.visit(prefix, visitor);
    }
}
