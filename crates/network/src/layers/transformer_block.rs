//! One block of a transformer, normalised before each part.

use burn::tensor::{Device, Tensor};
use zview_runtime::seed::Stream;

use super::{FeedForward, LayerNorm, MultiHeadAttention};
use crate::{Cost, Network, StateVisitor, TrainingCost};

/// Hidden features of a block's perceptron per feature of a token.
pub const MLP_RATIO: usize = 4;

/// x + attn(norm1(x)), then x + mlp(norm2(x)), in timm's naming.
///
/// Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", <https://arxiv.org/abs/2010.11929>, equations 2 and 3.
#[derive(Debug, Clone)]
pub struct TransformerBlock {
    norm1: LayerNorm,
    attn: MultiHeadAttention,
    norm2: LayerNorm,
    mlp: FeedForward,
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
        }
    }

    /// Tokens (B, N, D) -> (B, N, D).
    #[must_use]
    pub fn forward(&self, tokens: Tensor<3>) -> Tensor<3> {
        let x = tokens.clone() + self.attn.forward(self.norm1.forward(tokens));
        x.clone() + self.mlp.forward(self.norm2.forward(x))
    }

    /// Adds the cost of a training pass over `tokens` (B, N, D) to `total`; the output has the same shape.
    pub fn cost(&self, tokens: [usize; 3], total: &mut TrainingCost) {
        self.norm1.cost(tokens, total);
        self.attn.cost(tokens, total);
        self.norm2.cost(tokens, total);
        self.mlp.cost(tokens, total);
        // Each part is added to its input, and so are their gradients.
        let sums = Cost::element_wise(2, tokens.iter().product(), 6);
        total.forward += sums;
        total.backward += sums;
    }
}

impl Network for TransformerBlock {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        self.norm1.visit(&format!("{prefix}.norm1"), visitor);
        self.attn.visit(&format!("{prefix}.attn"), visitor);
        self.norm2.visit(&format!("{prefix}.norm2"), visitor);
        self.mlp.visit(&format!("{prefix}.mlp"), visitor);
    }
}
