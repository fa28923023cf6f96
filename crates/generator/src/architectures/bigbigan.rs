//! The generator of BigBiGAN (Donahue and Simonyan 2019, <https://arxiv.org/abs/1907.02544>), which is that of
//! BigGAN at 128 x 128 (Brock et al. 2019, <https://arxiv.org/abs/1809.11096>, appendix B) without classes: all
//! images use the embedding of class 0. Keys of lukemelas/pytorch-pretrained-gans.

use burn::tensor::{Device, Int, Tensor};
use zview_network::weights::{StateDict, WeightsError};

use super::conditional_batch_norm::{ConditionalBatchNorm, Parts};
use super::layers::{Convolution, Linear};
use super::loader::{Loader, doubles};
use super::self_attention::{Names, SelfAttention};
use super::spectral_norm::SpectralNorm;
use super::{Architecture, operations};
use crate::Manifest;
pub(super) use crate::manifest::NoOptions as Options;

/// A tensor that no other architecture here has.
pub(super) const MARK: Option<&str> = Some("linear.u0");

const NORM: SpectralNorm = SpectralNorm::PowerStep;
/// z is split into this many chunks: one for the first layer and one for each block.
const CHUNKS: usize = 6;
/// Channels before, between and after the blocks, in units of the last ones.
const WIDTHS: [usize; CHUNKS] = [16, 16, 8, 4, 2, 1];
/// The block after which positions attend to each other, at 64 x 64.
const ATTENTION_AFTER: usize = 3;
const SIDE: usize = 128;
const ATTENTION: Names = Names { theta: "theta", phi: "phi", g: "g", o: "o" };

#[derive(Debug)]
struct Bigbigan {
    /// (classes, E), used by class.
    shared: Tensor<2>,
    /// Chunk 0 to 4 x 4 positions of 16 units of channels.
    linear: Linear,
    blocks: Vec<Block>,
    attention: SelfAttention,
    /// Batch normalisation with fixed statistics: factor and summand (C).
    output_norm: [Tensor<1>; 2],
    output: Convolution,
    /// D / 6.
    chunk: usize,
    parameters: usize,
}

/// bn1, ReLU, nearest x 2, conv1 3x3; bn2, ReLU, conv2 3x3; plus the input through conv_sc 1x1 and nearest x 2.
#[derive(Debug)]
struct Block {
    bn1: ConditionalBatchNorm,
    conv1: Convolution,
    bn2: ConditionalBatchNorm,
    conv2: Convolution,
    shortcut: Convolution,
}

pub(super) fn problems(manifest: &Manifest) -> Vec<String> {
    let mut problems = manifest.misplaced_sections();
    problems.extend(manifest.output_problems(&[SIDE], Some(3), [-1.0, 1.0]));
    let dimension = manifest.latent.dimension;
    if !dimension.is_multiple_of(CHUNKS) {
        problems.push(format!(
            "`latent.dimension`: `bigbigan` splits z into {CHUNKS} chunks: expected a multiple of {CHUNKS}, got {dimension}"
        ));
    }
    problems
}

/// Beside each spectral norm's vector lies its last estimate.
pub(super) fn unneeded(_manifest: &Manifest, key: &str) -> Option<&'static str> {
    key.ends_with(".sv0").then_some("a record of a spectral norm, which is computed anew")
}

pub(super) fn build(
    manifest: &Manifest,
    state_dict: &mut StateDict,
    device: &Device,
) -> Result<Box<dyn Architecture>, WeightsError> {
    let mut loader = Loader::new(state_dict, device);
    let loader = &mut loader;
    let chunk = manifest.latent.dimension / CHUNKS;
    let [classes, embedding] = loader.extents("shared.weight", [manifest.classes(), None])?;
    let [unit] = loader.extents("output_layer.0.gain", [None])?;
    let features = 16 * WIDTHS[0] * unit;
    let weight = NORM.weight(loader, "linear", &[features, chunk])?;
    let linear = Linear {
        weight: loader.tensor(weight, [features, chunk]).transpose(),
        bias: Some(loader.parameter("linear.bias", [features])?),
    };
    let mut blocks = Vec::new();
    for (block, widths) in WIDTHS.windows(2).enumerate() {
        let channels = [widths[0] * unit, widths[1] * unit];
        blocks.push(Block::load(loader, &format!("blocks.{block}.0"), channels, embedding + chunk)?);
    }
    let key = format!("blocks.{ATTENTION_AFTER}.1");
    let channels = WIDTHS[ATTENTION_AFTER + 1] * unit;
    let attention = SelfAttention::load(loader, NORM, &key, ATTENTION, channels, &[])?;
    let network = Bigbigan {
        shared: loader.parameter("shared.weight", [classes, embedding])?,
        linear,
        blocks,
        attention,
        output_norm: output_norm(loader, unit)?,
        output: Convolution::normalized(loader, NORM, "output_layer.2", [3, unit, 3, 3], true)?,
        chunk,
        parameters: loader.parameters,
    };
    Ok(Box::new(network))
}

/// (x - mean) / sqrt(variance + 1e-5) gain + bias as a factor and a summand.
fn output_norm(loader: &mut Loader<'_>, channels: usize) -> Result<[Tensor<1>; 2], WeightsError> {
    let gain = doubles(loader.learned("output_layer.0.gain", &[channels])?);
    let bias = doubles(loader.learned("output_layer.0.bias", &[channels])?);
    let mean = doubles(loader.buffer("output_layer.0.stored_mean", &[channels])?);
    let variance = doubles(loader.buffer("output_layer.0.stored_var", &[channels])?);
    let inverse_std = loader.inverse_std("output_layer.0.stored_var", &variance, 1e-5)?;
    let scale = |c: usize| gain[c] * inverse_std[c];
    Ok([
        loader.tensor((0..channels).map(scale), [channels]),
        loader.tensor((0..channels).map(|c| bias[c] - mean[c] * scale(c)), [channels]),
    ])
}

fn conditional_norm(
    loader: &mut Loader<'_>,
    key: &str,
    [channels, condition]: [usize; 2],
) -> Result<ConditionalBatchNorm, WeightsError> {
    let scale = NORM.weight(loader, &format!("{key}.gain"), &[channels, condition])?;
    let offset = NORM.weight(loader, &format!("{key}.bias"), &[channels, condition])?;
    let mean = doubles(loader.buffer(&format!("{key}.stored_mean"), &[channels])?);
    let variance_key = format!("{key}.stored_var");
    let variance = doubles(loader.buffer(&variance_key, &[channels])?);
    let inverse_std = loader.inverse_std(&variance_key, &variance, 1e-4)?;
    Ok(ConditionalBatchNorm::new(loader, &Parts { scale, offset, mean, inverse_std }))
}

impl Block {
    fn load(
        loader: &mut Loader<'_>,
        key: &str,
        [a, b]: [usize; 2],
        condition: usize,
    ) -> Result<Self, WeightsError> {
        let name = |part: &str| format!("{key}.{part}");
        Ok(Self {
            bn1: conditional_norm(loader, &name("bn1"), [a, condition])?,
            conv1: Convolution::normalized(loader, NORM, &name("conv1"), [b, a, 3, 3], true)?,
            bn2: conditional_norm(loader, &name("bn2"), [b, condition])?,
            conv2: Convolution::normalized(loader, NORM, &name("conv2"), [b, b, 3, 3], true)?,
            shortcut: Convolution::normalized(loader, NORM, &name("conv_sc"), [b, a, 1, 1], true)?,
        })
    }

    fn forward(&self, x: Tensor<4>, condition: &Tensor<2>) -> Tensor<4> {
        let h = operations::upsample_nearest(self.bn1.forward(x.clone(), condition), 2);
        let h = self.bn2.forward(self.conv1.forward(h), condition);
        // A convolution of 1 x 1 does the same before the pixels are repeated, on a quarter of them.
        self.conv2.forward(h) + operations::upsample_nearest(self.shortcut.forward(x), 2)
    }
}

impl Architecture for Bigbigan {
    fn render(&self, z: Tensor<2>, condition: Option<Tensor<1, Int>>) -> Result<Tensor<4>, String> {
        let [batch, _] = z.dims();
        let embedding = match condition {
            Some(classes) => self.shared.clone().select(0, classes),
            None => self.shared.clone().narrow(0, 0, 1).repeat_dim(0, batch),
        };
        let chunk = |index: usize| z.clone().narrow(1, index * self.chunk, self.chunk);
        let features = self.linear.forward(chunk(0));
        // (B, 16 unit 4 4) -> (B, 16 unit, 4, 4)
        let mut map = features.reshape([batch as i32, -1, 4, 4]);
        for (index, block) in self.blocks.iter().enumerate() {
            let condition = Tensor::cat(vec![embedding.clone(), chunk(index + 1)], 1);
            map = block.forward(map, &condition);
            if index == ATTENTION_AFTER {
                map = self.attention.forward(map);
            }
        }
        let [scale, shift] = self.output_norm.clone();
        Ok(self.output.forward(zview_kernels::scale_shift(map, None, scale, shift, true)).tanh())
    }

    fn parameters(&self) -> usize {
        self.parameters
    }

    /// The first layer sees chunk 0 only: the rows of the other chunks are zero.
    fn first_layer(&self) -> Option<Tensor<2>> {
        let weight = self.linear.weight.clone();
        let ([chunk, features], device) = (weight.dims(), weight.device());
        let others = Tensor::zeros([(CHUNKS - 1) * chunk, features], &device);
        Some(Tensor::cat(vec![weight, others], 0))
    }
}
