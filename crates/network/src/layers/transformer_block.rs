//! One block of a transformer, normalised before each part.

use burn::tensor::{Device, Tensor};
use zview_runtime::seed::Stream;

use super::{AttentionShape, FeedForward, LayerNorm, MultiHeadAttention};
use crate::{Network, StateVisitor};

/// Hidden features of a block's perceptron per feature of a token.
pub const MLP_RATIO: usize = 4;

/// x + attn(norm1(x)), then x + mlp(norm2(x)), in timm's naming.
///
/// Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", <https://arxiv.org/abs/2010.11929>, equations 2 and 3. Some
/// published networks scale each part's features before it is added (LayerScale, `ls1.gamma`, `ls2.gamma`): Touvron et
/// al. 2021, "Going deeper with Image Transformers", <https://arxiv.org/abs/2103.17239>, equation 4.
#[derive(Debug, Clone)]
pub struct TransformerBlock {
    norm1: LayerNorm,
    attn: MultiHeadAttention,
    norm2: LayerNorm,
    mlp: FeedForward,
    scales: [Option<Tensor<1>>; 2], // [D], of attn and mlp
}

/// What a file says of a block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BlockShape {
    /// Its attention.
    pub attention: AttentionShape,
    /// Hidden features of the perceptron.
    pub hidden: usize,
    /// Whether `fc1` and `fc2` have biases.
    pub biases: [bool; 2],
    /// Whether `attn` and `mlp` have LayerScale.
    pub scaled: [bool; 2],
    /// Of the norms.
    pub epsilon: f64,
}

impl TransformerBlock {
    /// A block for tokens of `features` features (D, a multiple of `heads`).
    #[must_use]
    pub fn new(features: usize, heads: usize, random: &mut Stream, device: &Device) -> Self {
        Self {
            norm1: LayerNorm::new(features, device),
            attn: MultiHeadAttention::new(features, heads, random, device),
            norm2: LayerNorm::new(features, device),
            mlp: FeedForward::new(features, MLP_RATIO * features, random, device),
            scales: [None, None],
        }
    }

    /// Zeros, to be filled from a file.
    #[must_use]
    pub fn zeros(shape: &BlockShape, device: &Device) -> Self {
        let features = shape.attention.features;
        Self {
            norm1: LayerNorm::with_epsilon(features, shape.epsilon, device),
            attn: MultiHeadAttention::zeros(&shape.attention, device),
            norm2: LayerNorm::with_epsilon(features, shape.epsilon, device),
            mlp: FeedForward::zeros(features, shape.hidden, shape.biases, device),
            scales: shape.scaled.map(|scaled| scaled.then(|| Tensor::zeros([features], device))),
        }
    }

    /// Tokens (B, N, D) -> (B, N, D).
    #[must_use]
    pub fn forward(&self, tokens: Tensor<3>) -> Tensor<3> {
        let x = tokens.clone() + self.scaled(0, self.attn.forward(self.norm1.forward(tokens)));
        x.clone() + self.scaled(1, self.mlp.forward(self.norm2.forward(x)))
    }

    fn scaled(&self, part: usize, tokens: Tensor<3>) -> Tensor<3> {
        match &self.scales[part] {
            Some(scale) => tokens * scale.clone().unsqueeze::<3>(),
            None => tokens,
        }
    }
}

impl Network for TransformerBlock {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        self.norm1.visit(&format!("{prefix}.norm1"), visitor);
        self.attn.visit(&format!("{prefix}.attn"), visitor);
        self.norm2.visit(&format!("{prefix}.norm2"), visitor);
        self.mlp.visit(&format!("{prefix}.mlp"), visitor);
        for (index, scale) in self.scales.iter_mut().enumerate() {
            if let Some(scale) = scale {
                visitor.parameter(&format!("{prefix}.ls{}.gamma", index + 1), scale);
            }
        }
    }
}
