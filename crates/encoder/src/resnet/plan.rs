//! The layers of a residual network: what a recipe asks for, or what a file's tensors show.

use zview_network::layers::GateShape;

use super::super::config::{EncoderConfig, Stem};
use super::{blocks, expansion};

/// A convolution with its batch norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ConvPlan {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) groups: usize,
}

/// What joins a block's input to its output where they differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ShortcutPlan {
    pub(super) conv: ConvPlan,
    /// The input is averaged over squares of this side first, and the convolution has no stride: He et al. 2019, "Bag of
    /// Tricks", <https://arxiv.org/abs/1812.01187>, ResNet-D.
    pub(super) averaged: Option<usize>,
}

/// A residual block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BlockPlan {
    pub(super) chain: Vec<ConvPlan>,
    pub(super) gate: Option<GateShape>,
    pub(super) shortcut: Option<ShortcutPlan>,
}

/// A residual network up to its pooled features.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// One convolution, or the three of a deep stem.
    pub(super) stem: Vec<ConvPlan>,
    /// Whether 3x3 max pooling with stride 2 follows.
    pub(super) pool: bool,
    pub(super) stages: Vec<Vec<BlockPlan>>,
}

impl Plan {
    /// The network of a recipe.
    pub(super) fn of(config: &EncoderConfig, channels: usize) -> Self {
        let (kernel, stride) = match config.stem {
            Stem::Small => (3, 1),
            Stem::Imagenet => (7, 2),
        };
        let conv = |inputs, outputs, kernel, stride| ConvPlan { inputs, outputs, kernel, stride, groups: 1 };
        let mut inputs = config.width;
        let stages = blocks(config.arch).into_iter().enumerate().map(|(layer, count)| {
            let width = config.width << layer;
            let outputs = width * expansion(config.arch);
            let block = |index: usize| {
                let stride = if index == 0 && layer > 0 { 2 } else { 1 };
                let chain = if expansion(config.arch) == 1 {
                    vec![conv(inputs, width, 3, stride), conv(width, width, 3, 1)]
                } else {
                    vec![conv(inputs, width, 1, 1), conv(width, width, 3, stride), conv(width, outputs, 1, 1)]
                };
                let shortcut = (stride != 1 || inputs != outputs)
                    .then(|| ShortcutPlan { conv: conv(inputs, outputs, 1, stride), averaged: None });
                inputs = outputs;
                BlockPlan { chain, gate: None, shortcut }
            };
            (0..count).map(block).collect()
        });
        let stages = stages.collect();
        let stem = vec![conv(channels, config.width, kernel, stride)];
        Self { stem, pool: config.stem == Stem::Imagenet, stages }
    }

    /// All blocks.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &BlockPlan> {
        self.stages.iter().flatten()
    }

    /// Channels of the last block's output.
    pub(super) fn features(&self) -> usize {
        let last = self.blocks().last().and_then(|block| block.chain.last()).or(self.stem.last());
        last.map_or(0, |conv| conv.outputs)
    }

    /// Whether blocks are of three convolutions.
    pub(super) fn is_bottleneck(&self) -> bool {
        self.blocks().any(|block| block.chain.len() == 3)
    }

    /// What of it no recipe's network has.
    pub(super) fn beyond(&self, of_recipe: &Self) -> Vec<String> {
        let mut parts = Vec::new();
        if self.stem.len() > 1 {
            parts.push(format!("a stem of {} convolutions (`conv1.0`)", self.stem.len()));
        }
        if self.blocks().any(|block| block.shortcut.is_some_and(|shortcut| shortcut.averaged.is_some())) {
            parts.push("shortcuts that average (ResNet-D, `downsample.1`)".to_owned());
        }
        if let Some(gate) = self.blocks().find_map(|block| block.gate) {
            parts.push(match gate {
                GateShape::SqueezeExcite(_) => "squeeze-and-excitation (`se.fc1`)".to_owned(),
                GateShape::AcrossChannels(_) => "efficient channel attention (`se.conv`)".to_owned(),
            });
        }
        let convs = || self.blocks().flat_map(|block| &block.chain);
        if let Some(conv) = convs().find(|conv| conv.groups > 1) {
            parts.push(format!("convolutions in {} groups (ResNeXt)", conv.groups));
        }
        let counts = |plan: &Self| plan.stages.iter().map(Vec::len).collect::<Vec<_>>();
        if counts(self) != counts(of_recipe) {
            parts.push(format!("{:?} blocks", counts(self)));
        }
        if parts.is_empty() && self != of_recipe {
            parts.push("other widths or another stem than the recipe's networks (wide ResNet)".to_owned());
        }
        parts
    }
}
