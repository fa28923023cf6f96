//! BYOL: a predictor's view of the target network's projection.
//!
//! Grill et al. 2020, "Bootstrap Your Own Latent", <https://arxiv.org/abs/2006.07733>, equation 2 and its mirror:
//!
//! L = (2 - 2 cos(q(z_1), z'_2)) + (2 - 2 cos(q(z_2), z'_1))
//!
//! with z = g(f(x)) and z' the projection of the target network, which follows f and g (equation 1). With more than
//! two views it is twice the mean over all ordered pairs. All views pass through batch norm together.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use zview_network::{Network, StateVisitor};
use zview_runtime::seed::Stream;

use super::config::Problems;
use super::pairs::mean_cosine;
use super::teacher::Teacher;
use super::{Method, MethodConfig, Setting};
use crate::mlp::{Mlp, MlpNorm};
use crate::source::{SourceError, ViewBatch};
use zview_encoder::Encoder;

/// Keys of `kind = "byol"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Share of the target that is kept at the first step; rises to 1.
    pub momentum: f32,
    /// Widths of the projector's layers; the last is the projection's.
    pub projector: Vec<usize>,
    /// Widths of the predictor's hidden layers; its last layer has the projection's width.
    pub predictor: Vec<usize>,
}

impl Default for Config {
    fn default() -> Self {
        Self { momentum: 0.99, projector: vec![256, 128], predictor: vec![256] }
    }
}

impl MethodConfig for Config {
    fn problems(&self) -> Vec<String> {
        Problems::default()
            .share("momentum", self.momentum)
            .widths("projector", &self.projector)
            .widths("predictor", &self.predictor)
            .list()
    }
}

/// Projector, predictor and target network.
#[derive(Debug, Clone)]
pub struct Byol {
    projector: Mlp,
    predictor: Mlp,
    teacher: Teacher,
    per_anchor: usize,
}

impl Method for Byol {
    type Config = Config;

    fn new(
        config: &Config,
        setting: &Setting<'_>,
        encoder: &Encoder,
        random: &mut Stream,
    ) -> Result<Self, SourceError> {
        let features = encoder.feature_dimension();
        let projector = Mlp::new(features, &config.projector, MlpNorm::Hidden, random, setting.device);
        let projection = config.projector.last().copied().unwrap_or(features);
        let widths = [config.predictor.as_slice(), &[projection]].concat();
        let predictor = Mlp::new(projection, &widths, MlpNorm::Hidden, random, setting.device);
        let teacher = Teacher::new(encoder, &projector, config.momentum);
        Ok(Self { projector, predictor, teacher, per_anchor: setting.per_anchor })
    }

    fn target(&mut self) -> Option<&mut Encoder> {
        Some(self.teacher.encoder())
    }

    fn loss(&mut self, features: Tensor<2>, target_features: Option<Tensor<2>>, _: &ViewBatch) -> Tensor<1> {
        let predictions = self.predictor.forward(self.projector.forward(features.clone()));
        let target_features = target_features.unwrap_or_else(|| features.inner());
        bootstrap(predictions, self.teacher.project(target_features), self.per_anchor)
    }

    fn follow(&mut self, encoder: &Encoder, progress: f64) {
        self.teacher.follow(encoder, &self.projector, progress);
    }
}

/// The loss `[1]` of predictions and targets (B * V, D).
fn bootstrap(predictions: Tensor<2>, targets: Tensor<2>, per_anchor: usize) -> Tensor<1> {
    (mean_cosine(predictions, targets, per_anchor) * -2.0 + 2.0) * 2.0
}

impl Network for Byol {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        self.projector.visit(&format!("{prefix}projector"), visitor);
        self.predictor.visit(&format!("{prefix}predictor"), visitor);
        self.teacher.visit(prefix, visitor);
    }
}

#[cfg(test)]
mod tests {
    use super::super::golden::Golden;
    use super::*;

    #[test]
    fn is_the_reference() {
        for (case, views) in [("two", 2), ("three", 3)] {
            Golden::new("byol", case)
                .check(|inputs| bootstrap(inputs.tensor("predictions"), inputs.constant("targets"), views));
        }
    }
}
