//! BigGAN-deep (Brock et al. 2019, <https://arxiv.org/abs/1809.11096>, appendix B) with the keys of
//! huggingface/pytorch-pretrained-BigGAN.
//!
//! `[options] truncation` is t: it scales the latent (here, so that a latent is in units of its own standard
//! deviation outside) and selects the statistics of every batch normalisation.

use burn::tensor::{Device, Int, Tensor};
use serde::{Deserialize, Serialize};
use zview_network::weights::{StateDict, WeightsError};

use super::conditional_batch_norm::{ConditionalBatchNorm, Parts};
use super::layers::{Convolution, Linear};
use super::loader::{Loader, doubles};
use super::self_attention::{Names, SelfAttention};
use super::spectral_norm::SpectralNorm;
use super::{Architecture, operations};
use crate::Manifest;
use crate::manifest::ArchitectureOptions;

/// A tensor that no other architecture here has.
pub(super) const MARK: Option<&str> = Some("generator.gen_z.weight_orig");

const NORM: SpectralNorm = SpectralNorm::StoredVectors;
const EPS: f64 = 1e-4;
/// Blocks before the attention, which is at 64 x 64 for every size.
const ATTENTION_AT: usize = 8;
const ATTENTION: Names =
    Names { theta: "snconv1x1_theta", phi: "snconv1x1_phi", g: "snconv1x1_g", o: "snconv1x1_o_conv" };

/// Channels at 4, 8, 16, .. pixels, in units of the last ones, by the side of the image.
const WIDTHS: [(usize, &[usize]); 3] =
    [(128, &[16, 16, 8, 4, 2, 1]), (256, &[16, 16, 8, 8, 4, 2, 1]), (512, &[16, 16, 8, 8, 4, 2, 1, 1])];

#[derive(Debug)]
struct BigganDeep {
    /// (classes, D).
    embeddings: Tensor<2>,
    /// c to 4 x 4 positions of 16 units of channels, the channels last.
    gen_z: Linear,
    blocks: Vec<Block>,
    attention: SelfAttention,
    /// Batch normalisation with fixed statistics: factor and summand (C).
    output_norm: [Tensor<1>; 2],
    /// To red, green and blue: the first three of the file's outputs, the others are never used.
    output: Convolution,
    /// t.
    truncation: f64,
    parameters: usize,
}

/// bn_0, ReLU, conv_0 1x1 to a quarter of the channels; bn_1, ReLU, nearest x 2 where it grows, conv_1 3x3; bn_2,
/// ReLU, conv_2 3x3; bn_3, ReLU, conv_3 1x1; plus the input, cut to its first half where the block narrows it,
/// nearest x 2 where it grows.
#[derive(Debug)]
struct Block {
    norms: [ConditionalBatchNorm; 4],
    convs: [Convolution; 4],
    grows: bool,
}

/// Keys in `[options]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// t, the latent's standard deviation and the choice of statistics; default 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncation: Option<f64>,
}

impl ArchitectureOptions for Options {
    fn truncation(&self) -> Option<f64> {
        self.truncation
    }
}

fn truncation(manifest: &Manifest) -> f64 {
    manifest.options.truncation().unwrap_or(1.0)
}

pub(super) fn problems(manifest: &Manifest) -> Vec<String> {
    let mut problems = manifest.misplaced_sections();
    problems.extend(manifest.output_problems(&WIDTHS.map(|(side, _)| side), Some(3), [-1.0, 1.0]));
    if manifest.condition.is_none() {
        problems
            .push("[condition]: `biggan-deep` is conditional: expected its `classes`, got none".to_owned());
    }
    let t = truncation(manifest);
    if !(t > 0.0 && t <= 1.0) {
        problems.push(format!("`options.truncation`: expected above 0 up to 1, got {t}"));
    }
    problems
}

pub(super) fn unneeded(_manifest: &Manifest, _key: &str) -> Option<&'static str> {
    None
}

pub(super) fn build(
    manifest: &Manifest,
    state_dict: &mut StateDict,
    device: &Device,
) -> Result<Box<dyn Architecture>, WeightsError> {
    let mut loader = Loader::new(state_dict, device);
    let loader = &mut loader;
    let (dimension, side) = (manifest.latent.dimension, manifest.output.height);
    let condition = 2 * dimension;
    // The manifest's check has made sure of the side.
    let widths = WIDTHS.iter().find(|(size, _)| *size == side).map_or(WIDTHS[0].1, |(_, widths)| widths);
    let classes = manifest.classes().unwrap_or(0);
    let embeddings = loader.parameter("embeddings.weight", [dimension, classes])?.transpose();
    let [unit] = loader.extents("generator.bn.weight", [None])?;
    let statistics = Statistics { truncation: truncation(manifest) };
    let features = 16 * widths[0] * unit;
    let gen_z = Linear {
        weight: {
            let shape = [features, condition];
            let weight = NORM.weight(loader, "generator.gen_z", &shape)?;
            loader.tensor(weight, shape).transpose()
        },
        bias: Some(loader.parameter("generator.gen_z.bias", [features])?),
    };
    let mut blocks = Vec::new();
    let mut layer = 0;
    let mut attention = None;
    for pair in widths.windows(2) {
        // At each size one block that keeps the channels and the size, and one that changes them.
        for (a, b, grows) in [(pair[0], pair[0], false), (pair[0], pair[1], true)] {
            if layer == ATTENTION_AT {
                let key = format!("generator.layers.{layer}");
                attention = Some(SelfAttention::load(loader, NORM, &key, ATTENTION, a * unit, &[1])?);
                layer += 1;
            }
            let key = format!("generator.layers.{layer}");
            blocks.push(Block::load(loader, &statistics, &key, [a * unit, b * unit], condition, grows)?);
            layer += 1;
        }
    }
    loader.ends_before(&format!("generator.layers.{layer}.conv_0.weight_orig"), side)?;
    let Some(attention) = attention else {
        return Err(loader.unusable("generator.layers.8.gamma", 0, "are an attention"));
    };
    let output_norm = statistics.output_norm(loader, unit)?;
    let whole = Convolution::normalized(loader, NORM, "generator.conv_to_rgb", [unit, unit, 3, 3], true)?;
    let output = Convolution {
        weight: whole.weight.narrow(0, 0, 3),
        bias: whole.bias.map(|bias| bias.narrow(0, 0, 3)),
    };
    Ok(Box::new(BigganDeep {
        embeddings,
        gen_z,
        blocks,
        attention,
        output_norm,
        output,
        truncation: statistics.truncation,
        parameters: loader.parameters,
    }))
}

/// Chooses the statistics of batch normalisation for a truncation.
struct Statistics {
    truncation: f64,
}

impl Statistics {
    /// Mean and 1 / sqrt(variance + eps) of `key`, for `channels` channels.
    ///
    /// Row i of N belongs to t = i / (N - 1). Between two rows the published code takes f of the lower and 1 - f of
    /// the upper one, f being how far t is above the lower: the reverse of linear interpolation, and the
    /// checkpoints' images are made with it. In double precision, as the fraction decides which row is taken.
    fn at_truncation(
        &self,
        loader: &mut Loader<'_>,
        key: &str,
        channels: usize,
    ) -> Result<[Vec<f64>; 2], WeightsError> {
        let mean_key = format!("{key}.running_means");
        let [rows, _] = loader.extents(&mean_key, [None, Some(channels)])?;
        let step = 1.0 / (rows.max(2) - 1) as f64;
        let place = self.truncation / step;
        let (lower, f) = (place.floor() as usize, place.fract());
        let mut read = |key: &str| -> Result<Vec<f64>, WeightsError> {
            let table = loader.buffer(key, &[rows, channels])?;
            let at = |row: usize, c: usize| f64::from(table[row.min(rows - 1) * channels + c]);
            let value =
                |c| if f == 0.0 { at(lower, c) } else { f * at(lower, c) + (1.0 - f) * at(lower + 1, c) };
            Ok((0..channels).map(value).collect())
        };
        let variance_key = format!("{key}.running_vars");
        let (mean, variance) = (read(&mean_key)?, read(&variance_key)?);
        let inverse_std = loader.inverse_std(&variance_key, &variance, EPS)?;
        Ok([mean, inverse_std])
    }

    fn conditional_norm(
        &self,
        loader: &mut Loader<'_>,
        key: &str,
        [channels, condition]: [usize; 2],
    ) -> Result<ConditionalBatchNorm, WeightsError> {
        let [mean, inverse_std] = self.at_truncation(loader, key, channels)?;
        let scale = NORM.weight(loader, &format!("{key}.scale"), &[channels, condition])?;
        let offset = NORM.weight(loader, &format!("{key}.offset"), &[channels, condition])?;
        Ok(ConditionalBatchNorm::new(loader, &Parts { scale, offset, mean, inverse_std }))
    }

    /// The unconditional last normalisation as a factor and a summand.
    fn output_norm(&self, loader: &mut Loader<'_>, channels: usize) -> Result<[Tensor<1>; 2], WeightsError> {
        let [mean, inverse_std] = self.at_truncation(loader, "generator.bn", channels)?;
        let weight = doubles(loader.learned("generator.bn.weight", &[channels])?);
        let bias = doubles(loader.learned("generator.bn.bias", &[channels])?);
        let scale = |c: usize| weight[c] * inverse_std[c];
        Ok([
            loader.tensor((0..channels).map(scale), [channels]),
            loader.tensor((0..channels).map(|c| bias[c] - mean[c] * scale(c)), [channels]),
        ])
    }
}

impl Block {
    fn load(
        loader: &mut Loader<'_>,
        statistics: &Statistics,
        key: &str,
        [a, b]: [usize; 2],
        condition: usize,
        grows: bool,
    ) -> Result<Self, WeightsError> {
        let middle = a / 4;
        let mut norm = |k: usize, channels: usize| {
            statistics.conditional_norm(loader, &format!("{key}.bn_{k}"), [channels, condition])
        };
        let norms = [norm(0, a)?, norm(1, middle)?, norm(2, middle)?, norm(3, middle)?];
        let mut conv = |k: usize, shape: [usize; 4]| {
            Convolution::normalized(loader, NORM, &format!("{key}.conv_{k}"), shape, true)
        };
        let convs = [
            conv(0, [middle, a, 1, 1])?,
            conv(1, [middle, middle, 3, 3])?,
            conv(2, [middle, middle, 3, 3])?,
            conv(3, [b, middle, 1, 1])?,
        ];
        Ok(Self { norms, convs, grows })
    }

    fn grown(&self, map: Tensor<4>) -> Tensor<4> {
        if self.grows { operations::upsample_nearest(map, 2) } else { map }
    }

    fn forward(&self, x: Tensor<4>, c: &Tensor<2>) -> Tensor<4> {
        let [bn_0, bn_1, bn_2, bn_3] = &self.norms;
        let [conv_0, conv_1, conv_2, conv_3] = &self.convs;
        let h = conv_0.forward(bn_0.forward(x.clone(), c));
        let h = conv_1.forward(self.grown(bn_1.forward(h, c)));
        let h = conv_2.forward(bn_2.forward(h, c));
        let h = conv_3.forward(bn_3.forward(h, c));
        let [_, b, ..] = h.dims();
        h + self.grown(x.narrow(1, 0, b))
    }
}

impl Architecture for BigganDeep {
    fn render(&self, z: Tensor<2>, condition: Option<Tensor<1, Int>>) -> Result<Tensor<4>, String> {
        let [batch, _] = z.dims();
        let z = z * self.truncation;
        let c = match condition {
            Some(classes) => operations::concatenate_embedding(z, self.embeddings.clone(), classes),
            // The caller gives classes to a conditional generator.
            None => Tensor::cat(vec![z.clone(), z.zeros_like()], 1),
        };
        // (B, 4 4 C) -> (B, 4, 4, C) -> (B, C, 4, 4)
        let features = self.gen_z.forward(c.clone());
        let mut map = features.reshape([batch as i32, 4, 4, -1]).permute([0, 3, 1, 2]);
        for (index, block) in self.blocks.iter().enumerate() {
            if index == ATTENTION_AT {
                map = self.attention.forward(map);
            }
            map = block.forward(map, &c);
        }
        let [scale, shift] = self.output_norm.clone();
        Ok(self.output.forward(zview_kernels::scale_shift(map, None, scale, shift, true)).tanh())
    }

    fn parameters(&self) -> usize {
        self.parameters
    }

    /// The half of `gen_z` that sees z, times t as z is.
    fn first_layer(&self) -> Option<Tensor<2>> {
        let [condition, _] = self.gen_z.weight.dims();
        Some(self.gen_z.weight.clone().narrow(0, 0, condition / 2) * self.truncation)
    }
}
