//! SimSiam: predict another view's projection, which gets no gradient.
//!
//! Chen and He 2021, "Exploring Simple Siamese Representation Learning", <https://arxiv.org/abs/2011.10566>,
//! equations 1 to 4:
//!
//! L = 1/2 D(p_1, stopgrad(z_2)) + 1/2 D(p_2, stopgrad(z_1)),   D(p, z) = -cos(p, z),   p = h(z)
//!
//! With more than two views it is the mean over all ordered pairs.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use zview_network::{Network, StateVisitor};
use zview_runtime::seed::Stream;

use super::config::Problems;
use super::pairs::mean_cosine;
use super::{Method, MethodConfig, Setting};
use crate::mlp::{Mlp, MlpNorm};
use crate::source::{SourceError, ViewBatch};
use zview_encoder::Encoder;

/// Keys of `kind = "simsiam"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Widths of the projector's layers; the last is the projection's.
    pub projector: Vec<usize>,
    /// Widths of the predictor's hidden layers, narrower than the projection.
    pub predictor: Vec<usize>,
}

impl Default for Config {
    fn default() -> Self {
        Self { projector: vec![256, 256, 256], predictor: vec![64] }
    }
}

impl MethodConfig for Config {
    fn problems(&self) -> Vec<String> {
        Problems::default().widths("projector", &self.projector).widths("predictor", &self.predictor).list()
    }
}

/// Projector and predictor.
#[derive(Debug, Clone)]
pub struct SimSiam {
    projector: Mlp,
    predictor: Mlp,
    per_anchor: usize,
}

impl Method for SimSiam {
    type Config = Config;

    fn new(
        config: &Config,
        setting: &Setting<'_>,
        encoder: &Encoder,
        random: &mut Stream,
    ) -> Result<Self, SourceError> {
        let features = encoder.feature_dimension();
        let projector =
            Mlp::new(features, &config.projector, MlpNorm::HiddenAndOutput, random, setting.device);
        let projection = config.projector.last().copied().unwrap_or(features);
        let widths = [config.predictor.as_slice(), &[projection]].concat();
        let predictor = Mlp::new(projection, &widths, MlpNorm::Hidden, random, setting.device);
        Ok(Self { projector, predictor, per_anchor: setting.per_anchor })
    }

    fn loss(&mut self, features: Tensor<2>, _: Option<Tensor<2>>, _: &ViewBatch) -> Tensor<1> {
        let projections = self.projector.forward(features);
        let predictions = self.predictor.forward(projections.clone());
        siamese(predictions, projections, self.per_anchor)
    }
}

/// The loss `[1]` of predictions and projections (B * V, D).
fn siamese(predictions: Tensor<2>, projections: Tensor<2>, per_anchor: usize) -> Tensor<1> {
    -mean_cosine(predictions, projections.detach(), per_anchor)
}

impl Network for SimSiam {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        self.projector.visit(&format!("{prefix}projector"), visitor);
        self.predictor.visit(&format!("{prefix}predictor"), visitor);
    }
}

#[cfg(test)]
mod tests {
    use super::super::golden::Golden;
    use super::*;

    #[test]
    fn is_the_reference() {
        for (case, views) in [("two", 2), ("three", 3)] {
            Golden::new("simsiam", case).check(|inputs| {
                // The predictor is a matrix, so that gradients reach the projections through it alone.
                let projections = inputs.tensor("projections");
                let predictions = projections.clone().matmul(inputs.constant("predictor"));
                siamese(predictions, projections, views)
            });
        }
    }
}
