//! DCGAN (Radford et al. 2016, <https://arxiv.org/abs/1511.06434>) for images of 64 x 64, as
//! pytorch/examples `dcgan/main.py` builds and names it: `main.0` to `main.12`.

use burn::tensor::Device;
use zview_network::weights::{StateDict, WeightsError};

use super::loader::Loader;
use super::{Architecture, sequential};
use crate::Manifest;
use crate::layers::{BatchNorm, ConvTranspose, Layer, Relu, Reshape, Tanh};
pub(super) use crate::manifest::NoOptions as Options;

/// A tensor that no other architecture here has.
pub(super) const MARK: Option<&str> = Some("main.12.weight");

pub(super) fn problems(manifest: &Manifest) -> Vec<String> {
    let mut problems = manifest.misplaced_sections();
    problems.extend(manifest.output_problems(&[64], None, [-1.0, 1.0]));
    problems.extend(
        manifest.condition.as_ref().map(|_| {
            "[condition]: `dcgan-64` is unconditional: expected no such section, got one".to_owned()
        }),
    );
    problems
}

pub(super) fn unneeded(_manifest: &Manifest, _key: &str) -> Option<&'static str> {
    None
}

/// z (D) as a map of 1 x 1; five transposed convolutions of 4 x 4 without bias to 4, 8, 16, 32 and 64 pixels with
/// 8 f, 4 f, 2 f, f and C channels, batch normalisation and ReLU between them, tanh after them.
pub(super) fn build(
    manifest: &Manifest,
    state_dict: &mut StateDict,
    device: &Device,
) -> Result<Box<dyn Architecture>, WeightsError> {
    let loader = Loader::new(state_dict, device);
    let (dimension, colors) = (manifest.latent.dimension, manifest.output.channels);
    let [width, ..] = loader.extents("main.12.weight", [None, Some(colors), Some(4), Some(4)])?;
    let channels = [dimension, 8 * width, 4 * width, 2 * width, width, colors];
    let mut layers = vec![Layer::Reshape(Reshape { shape: vec![dimension, 1, 1] })];
    for (block, pair) in channels.windows(2).enumerate() {
        let (stride, padding) = if block == 0 { (1, 0) } else { (2, 1) };
        layers.push(Layer::ConvTranspose(ConvTranspose {
            key: format!("main.{}", 3 * block),
            r#in: pair[0],
            out: pair[1],
            kernel: 4,
            stride,
            padding,
            output_padding: 0,
            dilation: 1,
            groups: 1,
            bias: false,
        }));
        if block < 4 {
            let key = format!("main.{}", 3 * block + 1);
            layers.extend([Layer::BatchNorm(BatchNorm::new(key, pair[1])), Layer::Relu(Relu {})]);
        }
    }
    layers.push(Layer::Tanh(Tanh {}));
    sequential::from_layers(&layers, manifest, state_dict, device)
}
