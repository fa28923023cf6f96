//! Which encoder, how wide, and what only some architectures have.

use serde::{Deserialize, Serialize};
use zview_network::layers::Init;

use super::architecture::Architecture;

/// The first layers of a ResNet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stem {
    /// 3x3 convolution with stride 1 and no pooling, for images of about 32 pixels.
    Small,
    /// 7x7 convolution with stride 2 and 3x3 max pooling, for images of about 224 pixels.
    Imagenet,
}

/// Which token of a Vision Transformer are the features of an image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pool {
    /// The class token.
    #[default]
    ClassToken,
    /// The mean of the patches' tokens.
    Mean,
}

/// What only a Vision Transformer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VitConfig {
    /// Blocks.
    pub depth: usize,
    /// Attention heads of a block.
    pub heads: usize,
    /// Side of a patch in pixels.
    pub patch: usize,
    /// Which token are the features.
    pub pool: Pool,
}

/// The `[encoder]` section of a recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EncoderConfig {
    /// Architecture.
    pub arch: Architecture,
    /// Channels of the first convolution, 64 in the published ResNets; features of a Vision Transformer's token.
    pub width: usize,
    /// First layers of a ResNet.
    pub stem: Stem,
    /// Initial weights of convolutional networks.
    pub init: Init,
    /// Blocks of a Vision Transformer; 6 where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<usize>,
    /// Attention heads of a Vision Transformer; one per 64 features where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heads: Option<usize>,
    /// Side in pixels of a Vision Transformer's patches; 4 where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<usize>,
    /// Which token of a Vision Transformer are the features; the class token where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<Pool>,
    /// File of the initial weights: safetensors or PyTorch, in torchvision's or timm's names; a head is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// Which of several networks in that file: a part of its names, such as `encoder_k`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Subtracted from pixels in 0..1 before the first layer.
    pub pixel_mean: f32,
    /// Divides them after that.
    pub pixel_std: f32,
}

impl Default for EncoderConfig {
    fn default() -> Self {
        Self {
            arch: Architecture::Resnet18,
            width: 64,
            stem: Stem::Small,
            init: Init::Uniform,
            depth: None,
            heads: None,
            patch: None,
            pool: None,
            weights: None,
            branch: None,
            pixel_mean: 0.5,
            pixel_std: 0.5,
        }
    }
}

impl EncoderConfig {
    /// What is not given, in numbers: what a run folder keeps.
    #[must_use]
    pub fn resolved(self) -> Self {
        let Some(VitConfig { depth, heads, patch, pool }) = self.vit() else { return self };
        Self { depth: Some(depth), heads: Some(heads), patch: Some(patch), pool: Some(pool), ..self }
    }

    /// What only a Vision Transformer has, if it is one.
    #[must_use]
    pub fn vit(&self) -> Option<VitConfig> {
        (self.arch == Architecture::Vit).then(|| self.vit_settings())
    }

    /// The settings of a Vision Transformer, given or by default, whatever the architecture is.
    #[must_use]
    pub fn vit_settings(&self) -> VitConfig {
        VitConfig {
            depth: self.depth.unwrap_or(6),
            heads: self.heads.unwrap_or((self.width / 64).max(1)),
            patch: self.patch.unwrap_or(4),
            pool: self.pool.unwrap_or_default(),
        }
    }

    /// What is wrong with a network that is no Vision Transformer: it has its settings.
    pub(super) fn unused_vit_settings(&self) -> Vec<String> {
        let given = [
            ("depth", self.depth.is_some()),
            ("heads", self.heads.is_some()),
            ("patch", self.patch.is_some()),
            ("pool", self.pool.is_some()),
        ];
        let unused = given.into_iter().filter(|(_, given)| *given);
        let arch = self.arch.name();
        unused.map(|(name, _)| format!("encoder.{name}: not used by arch \"{arch}\"; remove it")).collect()
    }

    /// How the names of each layer's parameters begin, first layer first: a ResNet has 5 layers (stem, `layer1` to
    /// `layer4`), `conv` one per convolution, a Vision Transformer one for the embeddings and one per block, the last with
    /// the final norm.
    #[must_use]
    pub fn layer_prefixes(&self) -> Vec<Vec<String>> {
        self.arch.layer_prefixes(self)
    }

    /// How many features an image gets.
    #[must_use]
    pub fn feature_dimension(&self) -> usize {
        self.arch.feature_dimension(self)
    }

    /// Everything wrong with it, one line each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(1..=1024).contains(&self.width) {
            problems.push(format!("encoder.width: expected 1 to 1024, got {}", self.width));
        }
        if !self.pixel_mean.is_finite() {
            problems.push(format!("encoder.pixel_mean: expected a number, got {}", self.pixel_mean));
        }
        if !(self.pixel_std > 0.0 && self.pixel_std.is_finite()) {
            problems.push(format!("encoder.pixel_std: expected a positive number, got {}", self.pixel_std));
        }
        if self.branch.is_some() && self.weights.is_none() {
            problems.push("encoder.branch: not used without encoder.weights; remove it".to_owned());
        }
        problems.extend(self.arch.problems(self));
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_another_architecture_are_named() {
        let vit =
            EncoderConfig { arch: Architecture::Vit, patch: Some(3), heads: Some(5), ..Default::default() };
        let problems = vit.problems();
        assert!(problems.len() == 2 && problems[0].contains("encoder.heads"), "{problems:?}");
        assert!(problems[1].contains("encoder.patch: expected 4 to 16 pixels, got 3"), "{problems:?}");
        let conv = EncoderConfig { arch: Architecture::Conv, ..vit };
        assert_eq!(conv.problems().len(), 2);
        assert!(conv.problems()[0].contains("not used by arch \"conv\""), "{:?}", conv.problems());
        assert_eq!(EncoderConfig::default().problems(), Vec::<String>::new());
    }

    #[test]
    fn a_resolved_vit_says_its_numbers_and_a_resnet_none() {
        let vit = EncoderConfig { arch: Architecture::Vit, width: 192, ..Default::default() }.resolved();
        assert_eq!((vit.depth, vit.heads, vit.patch), (Some(6), Some(3), Some(4)));
        let text = toml::to_string(&EncoderConfig::default().resolved()).unwrap();
        assert!(!text.contains("depth") && !text.contains("pool"), "{text}");
    }
}
