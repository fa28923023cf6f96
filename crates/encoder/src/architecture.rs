//! The table of architectures, and what each of them offers.

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use zview_data::ImageShape;
use zview_network::{Mode, Network, StateVisitor};
use zview_runtime::seed::Stream;

use super::config::EncoderConfig;
use super::export::ExportFormat;
use super::file::{EncoderTensors, Header, Naming, ReadOptions};
use super::resnet::ResNet;
use super::small_conv::SmallConv;
use super::vit::Vit;

/// What an architecture offers. A new one is a file that implements this, and a line in the table below.
pub(super) trait EncoderNetwork: Network {
    /// Whether one network takes images of any size.
    const TAKES_ANY_SIZE: bool;
    /// What it can be exported to, the usual one first.
    const EXPORTS: &'static [ExportFormat];
    /// Whether `[encoder] stem` says how it begins.
    const HAS_STEM: bool;
    /// Whether `[encoder] init` says what its weights begin with.
    const HAS_INIT: bool;

    /// Freshly initialised, for images that [`Self::check_images`] has not refused.
    fn new(config: &EncoderConfig, images: ImageShape, random: &mut Stream, device: &Device) -> Self;

    /// Features (B, D), of 32 bits, of images (B, C, H, W) of 32, or of 16 where the recipe
    /// may ask for them.
    fn forward(&mut self, images: Tensor<4>, mode: Mode) -> Tensor<2>;

    /// D, the features of an image.
    fn features(&self) -> usize;

    /// D of a network of this configuration.
    fn feature_dimension(config: &EncoderConfig) -> usize;

    /// How the names of each layer's parameters begin, first layer first.
    fn layer_prefixes(config: &EncoderConfig) -> Vec<Vec<String>>;

    /// What is wrong with the settings that only this architecture has, one line each.
    fn problems(config: &EncoderConfig) -> Vec<String>;

    /// Refuses images that a network of this configuration cannot take.
    fn check_images(config: &EncoderConfig, images: ImageShape) -> Result<(), UnfitImages>;

    /// The network whose tensors these are, not yet filled with them, or what does not fit; `header` is that of the file.
    /// Every size is that of a tensor in the file.
    fn recognise(
        file: &mut EncoderTensors,
        header: &Header,
        options: &ReadOptions,
        device: &Device,
    ) -> Result<Recognised<Self>, String>;
}

/// What a file's tensors say of the network that they belong to.
#[derive(Debug, Clone)]
pub(super) struct Recognised<N> {
    /// The network, all zeros.
    pub(super) network: N,
    /// The nearest network that a recipe can ask for.
    pub(super) config: EncoderConfig,
    /// Images that it takes; an architecture that takes any size has some.
    pub(super) images: ImageShape,
    /// What it has that no recipe can ask for.
    pub(super) beyond: Vec<String>,
    /// What had to be assumed, as the tensors do not say it.
    pub(super) assumed: Vec<String>,
    /// What the tensors do not say and is wrong in files that are as common as those it is right for.
    pub(super) doubts: Vec<String>,
    /// What was changed for images of another side than the file's.
    pub(super) changed: Option<String>,
    /// What it is, such as "a ResNet-50 of width 64".
    pub(super) described: String,
}

impl<N> Recognised<N> {
    fn map<M>(self, wrap: impl FnOnce(N, Architecture) -> M) -> Recognised<M> {
        let Self { network, config, images, beyond, assumed, doubts, changed, described } = self;
        Recognised {
            network: wrap(network, config.arch),
            config,
            images,
            beyond,
            assumed,
            doubts,
            changed,
            described,
        }
    }
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

            /// D, the features of an image.
            pub(super) fn features(&self) -> usize {
                match self {
                    $(Self::$name(network) => network.features(),)+
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

            /// What it can be exported to, the usual one first.
            #[must_use]
            pub fn exports(self) -> &'static [ExportFormat] {
                match self {
                    $(Self::$name => <$network>::EXPORTS,)+
                }
            }

            /// Whether `[encoder] stem` says how it begins.
            #[must_use]
            pub fn has_stem(self) -> bool {
                match self {
                    $(Self::$name => <$network>::HAS_STEM,)+
                }
            }

            /// Whether `[encoder] init` says what its weights begin with.
            #[must_use]
            pub fn has_init(self) -> bool {
                match self {
                    $(Self::$name => <$network>::HAS_INIT,)+
                }
            }

            pub(super) fn layer_prefixes(self, config: &EncoderConfig) -> Vec<Vec<String>> {
                match self {
                    $(Self::$name => <$network>::layer_prefixes(config),)+
                }
            }

            /// What is wrong with the settings that only some architectures have.
            pub(super) fn problems(self, config: &EncoderConfig) -> Vec<String> {
                match self {
                    $(Self::$name => <$network>::problems(config),)+
                }
            }
        }
    };
}

impl AnyNetwork {
    /// The network whose tensors these are, not yet filled with them.
    pub(super) fn recognise(
        file: &mut EncoderTensors,
        header: &Header,
        options: &ReadOptions,
        device: &Device,
    ) -> Result<Recognised<Self>, String> {
        Ok(match file.naming() {
            Naming::ResNet | Naming::NumberedResNet(_) => ResNet::recognise(file, header, options, device)?
                .map(|network, arch| match arch {
                    Architecture::Resnet34 => Self::Resnet34(network),
                    Architecture::Resnet50 => Self::Resnet50(network),
                    Architecture::Resnet101 => Self::Resnet101(network),
                    Architecture::Resnet152 => Self::Resnet152(network),
                    _ => Self::Resnet18(network),
                }),
            Naming::TimmVit | Naming::TorchvisionVit | Naming::TransformersVit => {
                Vit::recognise(file, header, options, device)?.map(|network, _| Self::Vit(network))
            }
            Naming::Conv => {
                SmallConv::recognise(file, header, options, device)?.map(|network, _| Self::Conv(network))
            }
        })
    }
}

architectures! {
    /// ResNet-18: basic blocks 2, 2, 2, 2.
    Resnet18(ResNet),
    /// ResNet-34: basic blocks 3, 4, 6, 3.
    Resnet34(ResNet),
    /// ResNet-50 (v1.5): bottleneck blocks 3, 4, 6, 3.
    Resnet50(ResNet),
    /// ResNet-101 (v1.5): bottleneck blocks 3, 4, 23, 3.
    Resnet101(ResNet),
    /// ResNet-152 (v1.5): bottleneck blocks 3, 8, 36, 3.
    Resnet152(ResNet),
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
