//! The parts of a Vision Transformer that a file's tensors show.

use zview_network::layers::{BlockShape, MLP_RATIO};

use super::super::config::Pool;

/// What the last norm normalises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FinalNorm {
    /// Every token, before pooling (`norm`).
    OfTokens,
    /// The pooled features (`fc_norm`).
    OfFeatures,
    /// There is none.
    Absent,
}

/// A Vision Transformer without head.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plan {
    pub(super) width: usize,
    pub(super) channels: usize,
    pub(super) patch: usize,
    pub(super) patch_bias: bool,
    /// Patches of a row of the image.
    pub(super) rows: usize,
    pub(super) class_token: bool,
    /// Register tokens: Darcet et al. 2024, "Vision Transformers Need Registers", <https://arxiv.org/abs/2309.16588>.
    pub(super) registers: usize,
    /// How many of the tokens before the patches have a place in the position embedding.
    pub(super) placed: usize,
    pub(super) norm_pre: bool,
    pub(super) blocks: Vec<BlockShape>,
    pub(super) norm: FinalNorm,
    pub(super) pool: Pool,
    /// Of all norms.
    pub(super) epsilon: f64,
}

impl Plan {
    /// What of it no recipe's network has.
    pub(super) fn beyond(&self) -> Vec<String> {
        let mut parts = Vec::new();
        let mut part = |present: bool, text: String| parts.extend(present.then_some(text));
        let any = |has: fn(&BlockShape) -> bool| self.blocks.iter().any(has);
        part(any(|block| block.scaled.contains(&true)), "LayerScale (`ls1`, `ls2`)".to_owned());
        part(self.registers > 0, format!("{} register tokens (`reg_token`)", self.registers));
        part(self.norm_pre, "a norm before the blocks (`norm_pre`)".to_owned());
        part(self.norm == FinalNorm::OfFeatures, "a norm of the features (`fc_norm`)".to_owned());
        part(self.norm == FinalNorm::Absent, "no norm at the end".to_owned());
        part(
            any(|block| block.attention.norm_epsilon.is_some()),
            "norms of queries and keys (`q_norm`, `k_norm`)".to_owned(),
        );
        part(!self.class_token, "no class token".to_owned());
        part(self.class_token && self.placed == 0, "a position embedding of the patches alone".to_owned());
        part(
            any(|block| block.attention.biases != [true; 2] || block.biases != [true; 2]),
            "layers without bias in its blocks".to_owned(),
        );
        part(!self.patch_bias, "a patch embedding without bias".to_owned());
        let other = self.blocks.iter().find(|block| block.hidden != MLP_RATIO * self.width);
        if let Some(block) = other {
            part(true, format!("perceptrons of {} hidden features", block.hidden));
        }
        parts
    }
}
