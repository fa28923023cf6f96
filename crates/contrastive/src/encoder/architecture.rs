//! The table of architectures, and what each of them offers.

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use zview_data::ImageShape;
use zview_network::weights::StateDict;
use zview_network::{Mode, Network, StateVisitor, TrainingCost};
use zview_runtime::seed::Stream;

use super::config::EncoderConfig;
use super::header::Header;
use super::resnet::ResNet;
use super::small_conv::SmallConv;
use super::vit::Vit;

/// What an architecture offers. A new one is a file that implements this, and a line in the table below.
pub(super) trait EncoderNetwork: Network {
    /// The key of a state dict by which it is known.
    const TELLING_KEY: &'static str;
    /// Whether one network takes images of any size.
    const TAKES_ANY_SIZE: bool;

    /// Freshly initialised, for images that [`Self::check_images`] has not refused.
    fn new(config: &EncoderConfig, images: ImageShape, random: &mut Stream, device: &Device) -> Self;

    /// Features (B, D), of 32 bits, of images (B, C, H, W) of 32, or of 16 where the recipe
    /// may ask for them.
    fn forward(&mut self, images: Tensor<4>, mode: Mode) -> Tensor<2>;

    /// Adds the cost of a training step on `images` (B, C, H, W) to `total` and gives the shape of the features
    /// (B, D). Without `input_gradient`, backward stops at the first weight.
    fn cost(&self, images: [usize; 4], input_gradient: bool, total: &mut TrainingCost) -> [usize; 2];

    /// D, the features of an image.
    fn feature_dimension(config: &EncoderConfig) -> usize;

    /// What is wrong with the settings that only this architecture has, one line each.
    fn problems(config: &EncoderConfig) -> Vec<String>;

    /// Refuses images that a network of this configuration cannot take.
    fn check_images(config: &EncoderConfig, images: ImageShape) -> Result<(), UnfitImages>;

    /// The configuration and the images of the network whose tensors these are, its names beginning with `prefix`;
    /// `header` is that of the file. Everything that decides how much memory the network takes must really be there.
    fn recognise(state: &StateDict, prefix: &str, header: &Header) -> Result<Recognised, String>;
}

/// What a file's tensors say of the network that they belong to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Recognised {
    /// The network.
    pub(super) config: EncoderConfig,
    /// Images that it takes; an architecture that takes any size has some.
    pub(super) images: ImageShape,
}

/// The images do not fit the encoder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct UnfitImages {
    /// The setting that decides.
    pub field: &'static str,
    /// What it is, what the images are, and what to change.
    pub problem: String,
}

macro_rules! architectures {
    ($($(#[$documentation:meta])* $name:ident($network:ty),)+) => {
        /// Architectures by their usual names.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Architecture {
            $($(#[$documentation])* $name,)+
        }

        /// A network of one of the architectures.
        #[derive(Debug, Clone)]
        #[allow(clippy::large_enum_variant, reason = "there is one per encoder")]
        pub(super) enum AnyNetwork {
            $($name($network),)+
        }

        impl AnyNetwork {
            /// The network of `config`, or why it cannot take such images.
            pub(super) fn new(
                config: &EncoderConfig,
                images: ImageShape,
                random: &mut Stream,
                device: &Device,
            ) -> Result<Self, UnfitImages> {
                Ok(match config.arch {
                    $(Architecture::$name => {
                        <$network>::check_images(config, images)?;
                        Self::$name(<$network>::new(config, images, random, device))
                    })+
                })
            }

            pub(super) fn forward(&mut self, images: Tensor<4>, mode: Mode) -> Tensor<2> {
                match self {
                    $(Self::$name(network) => network.forward(images, mode),)+
                }
            }

            pub(super) fn cost(
                &self,
                images: [usize; 4],
                input_gradient: bool,
                total: &mut TrainingCost,
            ) -> [usize; 2] {
                match self {
                    $(Self::$name(network) => network.cost(images, input_gradient, total),)+
                }
            }
        }

        impl Network for AnyNetwork {
            fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
                match self {
                    $(Self::$name(network) => network.visit(prefix, visitor),)+
                }
            }
        }

        impl Architecture {
            /// D, the features of an image.
            pub(super) fn feature_dimension(self, config: &EncoderConfig) -> usize {
                match self {
                    $(Self::$name => <$network>::feature_dimension(config),)+
                }
            }

            /// Whether one network takes images of any size.
            pub(super) fn takes_any_size(self) -> bool {
                match self {
                    $(Self::$name => <$network>::TAKES_ANY_SIZE,)+
                }
            }

            /// What is wrong with the settings that only some architectures have.
            pub(super) fn problems(self, config: &EncoderConfig) -> Vec<String> {
                match self {
                    $(Self::$name => <$network>::problems(config),)+
                }
            }
        }

        /// By what each architecture is known, and how it is read off; architectures of one network have it alike.
        pub(super) const RECOGNISERS: &[Recogniser] =
            &[$((<$network>::TELLING_KEY, <$network>::recognise),)+];
    };
}

/// A telling key, and what reads a configuration off the tensors around it.
pub(super) type Recogniser = (&'static str, fn(&StateDict, &str, &Header) -> Result<Recognised, String>);

architectures! {
    /// ResNet-18: basic blocks 2, 2, 2, 2.
    Resnet18(ResNet),
    /// ResNet-34: basic blocks 3, 4, 6, 3.
    Resnet34(ResNet),
    /// ResNet-50 (v1.5): bottleneck blocks 3, 4, 6, 3.
    Resnet50(ResNet),
    /// A Vision Transformer.
    Vit(Vit),
    /// Four 3x3 convolutions, for CPUs.
    Conv(SmallConv),
}

impl Architecture {
    /// Its name in a recipe.
    #[must_use]
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }
}
