//! The networks whose weights are understood, one file each; adding one is a file and a line here.

pub(crate) mod activations;
mod bigbigan;
mod biggan_deep;
mod conditional_batch_norm;
mod dcgan64;
mod kind;
pub(crate) mod layers;
pub(crate) mod loader;
mod onnx;
pub(crate) mod operations;
pub(crate) mod self_attention;
mod sequential;
mod spectral_norm;
mod styled_convolution;
mod stylegan2;

pub use kind::{Architecture, IntermediateSpace};
pub(crate) use sequential::Sequential;
use zview_runtime::config::keys_of;

use crate::manifest::options::{ArchitectureOptions, read_options};

impl Default for Options {
    fn default() -> Self {
        Self::Written(toml::Table::new())
    }
}

impl<'de> serde::Deserialize<'de> for Options {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        toml::Table::deserialize(deserializer).map(Self::Written)
    }
}

kind::architectures! {
    /// The layer list of the manifest, one after the other.
    Sequential = "sequential" => sequential;
    /// DCGAN for images of 64 x 64, with the keys of pytorch/examples.
    Dcgan64 = "dcgan-64" => dcgan64;
    /// StyleGAN2 with the keys of rosinality/stylegan2-pytorch.
    Stylegan2 = "stylegan2" => stylegan2;
    /// BigGAN-deep with the keys of huggingface/pytorch-pretrained-BigGAN.
    BigganDeep = "biggan-deep" => biggan_deep;
    /// The generator of BigBiGAN with the keys of lukemelas/pytorch-pretrained-gans.
    Bigbigan = "bigbigan" => bigbigan;
    /// A network exported to ONNX.
    Onnx = "onnx" => onnx;
}
