//! Multi-head self-attention.

use burn::tensor::{Device, Tensor, activation};
use zview_kernels::{matmul, pass};
use zview_runtime::seed::Stream;

use super::{LayerNorm, Linear};
use crate::{Network, StateVisitor};

/// softmax(Q K^T / sqrt(D / H)) V of H heads, then a projection.
///
/// Vaswani et al. 2017, "Attention Is All You Need", <https://arxiv.org/abs/1706.03762>, equation 1 and section 3.2.2.
/// Named as in timm: `qkv` makes queries, keys and values of all heads, `proj` joins the heads. Some published networks
/// normalise each head's queries and keys before the product (`q_norm`, `k_norm`): Dehghani et al. 2023, "Scaling Vision
/// Transformers to 22 Billion Parameters", <https://arxiv.org/abs/2302.05442>, section 2.
#[derive(Debug, Clone)]
pub struct MultiHeadAttention {
    qkv: Linear,
    proj: Linear,
    norms: Option<[LayerNorm; 2]>,
    heads: usize,
}

/// What a file says of its attention.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AttentionShape {
    /// Features of a token (D, a multiple of `heads`).
    pub features: usize,
    /// Heads.
    pub heads: usize,
    /// Whether `qkv` and `proj` have biases.
    pub biases: [bool; 2],
    /// Epsilon of the norms of queries and keys, where there are such norms.
    pub norm_epsilon: Option<f64>,
}

impl MultiHeadAttention {
    /// Attention among tokens of `features` features (D, a multiple of `heads`); truncated normal weights.
    #[must_use]
    pub fn new(features: usize, heads: usize, random: &mut Stream, device: &Device) -> Self {
        let qkv = Linear::truncated_normal(features, 3 * features, random, device);
        let proj = Linear::truncated_normal(features, features, random, device);
        Self { qkv, proj, norms: None, heads }
    }

    /// Zeros, to be filled from a file.
    #[must_use]
    pub fn zeros(shape: &AttentionShape, device: &Device) -> Self {
        let AttentionShape { features, heads, biases, norm_epsilon } = *shape;
        let norm = |epsilon| [(); 2].map(|()| LayerNorm::with_epsilon(features / heads, epsilon, device));
        Self {
            qkv: Linear::zeros(features, 3 * features, biases[0], device),
            proj: Linear::zeros(features, features, biases[1], device),
            norms: norm_epsilon.map(norm),
            heads,
        }
    }

    /// Tokens (B, N, D) -> (B, N, D).
    #[must_use]
    pub fn forward(&self, tokens: Tensor<3>) -> Tensor<3> {
        let [batch, count, features] = tokens.dims();
        let per_head = features / self.heads;
        let qkv = self.qkv.forward(tokens.reshape([batch * count, features]));
        // [B N, 3 D] -> [3, B, H, N, D / H]
        let qkv = qkv.reshape([batch, count, 3, self.heads, per_head]).permute([2, 0, 3, 1, 4]);
        let [query, key, value] = [0, 1, 2].map(|part| qkv.clone().narrow(0, part, 1).squeeze_dim::<4>(0));
        let (query, key) = match &self.norms {
            Some([of_query, of_key]) => (per_head_norm(of_query, query), per_head_norm(of_key, key)),
            None => (query, key),
        };
        let heads = attention(query, key, value); // [B, H, N, D / H]
        let joined = heads.swap_dims(1, 2).reshape([batch * count, features]);
        self.proj.forward(joined).reshape([batch, count, features])
    }
}

/// softmax(Q K^T / sqrt(d)) V for queries, keys and values (B, H, N, d).
#[must_use]
pub fn attention(query: Tensor<4>, key: Tensor<4>, value: Tensor<4>) -> Tensor<4> {
    let scale = 1.0 / (query.dims()[3] as f64).sqrt();
    let logits = matmul(query * scale, key.transpose()); // [B, H, N, N]
    matmul(pass(logits, |logits| activation::softmax(logits, 3)), value)
}

/// Each head's vectors (B, H, N, d) normalised.
fn per_head_norm(norm: &LayerNorm, x: Tensor<4>) -> Tensor<4> {
    let [batch, heads, count, features] = x.dims();
    norm.forward(x.reshape([batch * heads, count, features])).reshape([batch, heads, count, features])
}

impl Network for MultiHeadAttention {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        self.qkv.visit(&format!("{prefix}.qkv"), visitor);
        if let Some([of_query, of_key]) = &mut self.norms {
            of_query.visit(&format!("{prefix}.q_norm"), visitor);
            of_key.visit(&format!("{prefix}.k_norm"), visitor);
        }
        self.proj.visit(&format!("{prefix}.proj"), visitor);
    }
}
