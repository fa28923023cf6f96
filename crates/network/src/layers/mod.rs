//! Layers as plain values: a clone shares nothing that training changes.

mod attention;
mod batch_norm;
mod channel_gate;
mod convolution;
mod feed_forward;
mod gelu;
mod init;
mod layer_norm;
mod linear;
mod patch_embedding;
mod transformer_block;

pub use attention::{AttentionShape, MultiHeadAttention, attention};
pub use batch_norm::BatchNorm;
pub use channel_gate::{ChannelGate, GateShape};
pub use convolution::Convolution;
pub use feed_forward::FeedForward;
pub use gelu::gelu;
pub use init::{Init, truncated_normal};
pub use layer_norm::{LayerNorm, layer_norm};
pub use linear::Linear;
pub use patch_embedding::{PatchEmbedding, patches};
pub use transformer_block::{BlockShape, MLP_RATIO, TransformerBlock};
