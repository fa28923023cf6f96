//! Barlow Twins: the cross-correlation of two views' embeddings is to be the identity.
//!
//! Zbontar et al. 2021, "Barlow Twins: Self-Supervised Learning via Redundancy Reduction",
//! <https://arxiv.org/abs/2103.03230>, equation 1:
//!
//! L = scale * ( sum_i (1 - C_ii)^2 + lambda sum over i != j of C_ij^2 ),   C = z_1' z_2 / B
//!
//! with embeddings z standardised over the batch. `scale` 0.1 is solo-learn's. With more than two views it is the
//! mean over all pairs.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use zview_kernels::matmul;
use zview_network::{Network, StateVisitor};
use zview_runtime::seed::Stream;

use super::config::Problems;
use super::pairs::by_anchor;
use super::{Method, MethodConfig, Setting};
use crate::mlp::{Mlp, MlpNorm, standardise};
use crate::source::{SourceError, ViewBatch};
use zview_encoder::Encoder;

/// Keys of `kind = "barlow-twins"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Weight of the off-diagonal part.
    pub lambda: f32,
    /// Weight of the whole.
    pub scale: f32,
    /// Widths of the projector's layers; the last is the embedding's.
    pub projector: Vec<usize>,
}

impl Default for Config {
    fn default() -> Self {
        Self { lambda: 5e-3, scale: 0.1, projector: vec![256, 256] }
    }
}

impl MethodConfig for Config {
    fn problems(&self) -> Vec<String> {
        Problems::default()
            .not_negative("lambda", self.lambda)
            .positive("scale", self.scale)
            .widths("projector", &self.projector)
            .list()
    }
}

/// Projector and redundancy reduction.
#[derive(Debug, Clone)]
pub struct BarlowTwins {
    projector: Mlp,
    lambda: f32,
    scale: f32,
    per_anchor: usize,
}

impl Method for BarlowTwins {
    type Config = Config;

    fn new(
        config: &Config,
        setting: &Setting<'_>,
        encoder: &Encoder,
        random: &mut Stream,
    ) -> Result<Self, SourceError> {
        let features = encoder.feature_dimension();
        let projector = Mlp::new(features, &config.projector, MlpNorm::Hidden, random, setting.device);
        let (lambda, scale) = (config.lambda, config.scale);
        Ok(Self { projector, lambda, scale, per_anchor: setting.per_anchor })
    }

    fn loss(&mut self, features: Tensor<2>, _: Option<Tensor<2>>, _: &ViewBatch) -> Tensor<1> {
        let embeddings = self.projector.forward(features);
        redundancy_reduction(embeddings, self.per_anchor, self.lambda) * self.scale
    }
}

/// The loss `[1]`, without its scale, of embeddings (B * V, D).
fn redundancy_reduction(embeddings: Tensor<2>, per_anchor: usize, lambda: f32) -> Tensor<1> {
    let [count, dimension] = embeddings.dims();
    let anchors = count / per_anchor;
    let views = by_anchor(embeddings, per_anchor);
    let standardised: Vec<Tensor<2>> =
        (0..per_anchor).map(|view| standardise(views.clone().narrow(1, view, 1).squeeze_dim(1))).collect();
    let identity = Tensor::<2>::eye(dimension, &views.device());
    let weights = identity.clone() * (1.0 - lambda) + lambda; // 1 on the diagonal, else lambda
    let pairs = (0..per_anchor).flat_map(|v| (v + 1..per_anchor).map(move |w| (v, w)));
    let losses: Vec<Tensor<1>> = pairs
        .map(|(v, w)| {
            let product = matmul(standardised[v].clone().transpose(), standardised[w].clone());
            let correlation = product / anchors as f32; // [D, D]
            let squares = (correlation - identity.clone()).square() * weights.clone();
            squares.reshape([1, -1]).sum_dim(1).squeeze_dim(1)
        })
        .collect();
    Tensor::cat(losses, 0).mean_dim(0)
}

impl Network for BarlowTwins {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        self.projector.visit(&format!("{prefix}projector"), visitor);
    }
}

#[cfg(test)]
mod tests {
    use super::super::golden::Golden;
    use super::*;

    #[test]
    fn is_the_reference() {
        for (case, views) in [("two", 2), ("three", 3)] {
            Golden::new("barlow-twins", case)
                .check(|inputs| redundancy_reduction(inputs.tensor("embeddings"), views, 5e-3) * 0.1);
        }
    }
}
