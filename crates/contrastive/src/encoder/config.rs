//! Which encoder, how wide, with which stem.

use serde::{Deserialize, Serialize};
use zview_network::layers::Init;

/// Architectures by their usual names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// ResNet-18: basic blocks 2, 2, 2, 2.
    Resnet18,
    /// ResNet-34: basic blocks 3, 4, 6, 3.
    Resnet34,
    /// ResNet-50 (v1.5): bottleneck blocks 3, 4, 6, 3.
    Resnet50,
}

/// The first layers of a ResNet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stem {
    /// 3x3 convolution with stride 1 and no pooling, for images of about 32 pixels.
    Small,
    /// 7x7 convolution with stride 2 and 3x3 max pooling, for images of about 224 pixels.
    Imagenet,
}

/// The `[encoder]` section of a recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EncoderConfig {
    /// Architecture.
    pub arch: Architecture,
    /// Channels of the first layer; 64 in the published networks.
    pub width: usize,
    /// First layers.
    pub stem: Stem,
    /// Initial weights.
    pub init: Init,
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
            pixel_mean: 0.5,
            pixel_std: 0.5,
        }
    }
}

impl EncoderConfig {
    /// Blocks in each of the four layers.
    #[must_use]
    pub fn blocks(&self) -> [usize; 4] {
        match self.arch {
            Architecture::Resnet18 => [2, 2, 2, 2],
            Architecture::Resnet34 | Architecture::Resnet50 => [3, 4, 6, 3],
        }
    }

    /// Output channels of a block per channel of its 3x3 convolution.
    #[must_use]
    pub fn expansion(&self) -> usize {
        match self.arch {
            Architecture::Resnet18 | Architecture::Resnet34 => 1,
            Architecture::Resnet50 => 4,
        }
    }

    /// How many features an image gets.
    #[must_use]
    pub fn feature_dimension(&self) -> usize {
        8 * self.width * self.expansion()
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
        problems
    }
}
