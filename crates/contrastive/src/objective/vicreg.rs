//! VICReg: variance, invariance, covariance.
//!
//! Bardes, Ponce and LeCun 2022, "VICReg", <https://arxiv.org/abs/2105.04906>, equations 1 to 6, with the weights of
//! the published code:
//!
//! L = 25 s(z_1, z_2) + 25 (v(z_1) + v(z_2)) / 2 + 1 (c(z_1) + c(z_2))
//!
//! s the mean squared difference, v(z) = mean over dimensions of max(0, 1 - sqrt(Var(z_d) + 1e-4)), c(z) the sum of
//! the squared covariances of different dimensions over D. With more than two views: the mean of s over all pairs,
//! the mean of v and twice the mean of c over views.

use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};
use zview_kernels::matmul;
use zview_network::{Network, StateVisitor};
use zview_runtime::seed::Stream;

use super::config::Problems;
use super::pairs::by_anchor;
use super::{Method, MethodConfig, Setting};
use crate::mlp::{Mlp, MlpNorm};
use crate::source::{SourceError, ViewBatch};
use zview_encoder::Encoder;

/// Added to variances.
const EPSILON: f32 = 1e-4;

/// Keys of `kind = "vicreg"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Weight of s.
    pub invariance: f32,
    /// Weight of v.
    pub variance: f32,
    /// Weight of c.
    pub covariance: f32,
    /// Widths of the projector's layers; the last is the embedding's.
    pub projector: Vec<usize>,
}

impl Default for Config {
    fn default() -> Self {
        Self { invariance: 25.0, variance: 25.0, covariance: 1.0, projector: vec![256, 256] }
    }
}

impl MethodConfig for Config {
    fn problems(&self) -> Vec<String> {
        Problems::default()
            .not_negative("invariance", self.invariance)
            .not_negative("variance", self.variance)
            .not_negative("covariance", self.covariance)
            .widths("projector", &self.projector)
            .list()
    }
}

/// Projector and the three terms.
#[derive(Debug, Clone)]
pub struct VicReg {
    projector: Mlp,
    weights: [f32; 3],
    per_anchor: usize,
}

impl Method for VicReg {
    type Config = Config;

    fn new(
        config: &Config,
        setting: &Setting<'_>,
        encoder: &Encoder,
        random: &mut Stream,
    ) -> Result<Self, SourceError> {
        let features = encoder.feature_dimension();
        let projector = Mlp::new(features, &config.projector, MlpNorm::Hidden, random, setting.device);
        let weights = [config.invariance, config.variance, config.covariance];
        Ok(Self { projector, weights, per_anchor: setting.per_anchor })
    }

    fn loss(&mut self, features: Tensor<2>, _: Option<Tensor<2>>, _: &ViewBatch) -> Tensor<1> {
        variance_invariance_covariance(self.projector.forward(features), self.per_anchor, self.weights)
    }
}

/// The loss `[1]` of embeddings (B * V, D).
fn variance_invariance_covariance(
    embeddings: Tensor<2>,
    per_anchor: usize,
    [invariance, variance, covariance]: [f32; 3],
) -> Tensor<1> {
    let [count, dimension] = embeddings.dims();
    let (anchors, views) = (count / per_anchor, by_anchor(embeddings, per_anchor)); // [B, V, D]
    // The mean over pairs of (z_v - z_w)^2 is 2 V / (V - 1) times the mean of (z_v - mean z)^2.
    let spread = views.clone() - views.clone().mean_dim(1);
    let pairwise = 2.0 * per_anchor as f32 / (per_anchor as f32 - 1.0);
    let s = mean_of(spread.square().reshape([1, count * dimension])) * pairwise;

    let centred = views.clone() - views.mean_dim(0); // over anchors
    let unbiased = anchors as f32 - 1.0;
    let deviation = (centred.clone().square().sum_dim(0) / unbiased + EPSILON).sqrt(); // [1, V, D]
    let v = mean_of(activation::relu(-deviation + 1.0).reshape([1, per_anchor * dimension]));

    let by_view = centred.swap_dims(0, 1); // [V, B, D]
    let matrix = matmul(by_view.clone().swap_dims(1, 2), by_view) / unbiased; // [V, D, D]
    let off_diagonal = Tensor::<2>::eye(dimension, &matrix.device()) * -1.0 + 1.0;
    let squares = (matrix.square() * off_diagonal.unsqueeze()).reshape([1, -1]).sum_dim(1);
    let c = squares.squeeze_dim(1) * (2.0 / (per_anchor * dimension) as f32);

    s * invariance + v * variance + c * covariance
}

/// The mean `[1]` of a row (1, N).
fn mean_of(row: Tensor<2>) -> Tensor<1> {
    row.mean_dim(1).squeeze_dim(1)
}

impl Network for VicReg {
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
            Golden::new("vicreg", case).check(|inputs| {
                variance_invariance_covariance(inputs.tensor("embeddings"), views, [25.0, 25.0, 1.0])
            });
        }
    }
}
