//! A predictor that is told the latent step between two views.
//!
//! Possible only where views are rendered from known latents. As in BYOL a predictor maps one view's projection to
//! the target network's projection of another, but it also sees how the latent moved:
//!
//! L = mean over ordered pairs (v, w) of  2 - 2 cos( q(g(f(x_v)), z_w - z_v), g'(f'(x_w)) )
//!
//! so that the features need not be invariant to the step; they must hold what the step can be applied to
//! (equivariance instead of invariance; compare Garrido et al. 2023, "Self-supervised learning of split invariant
//! equivariant representations", <https://arxiv.org/abs/2302.10283>, where the step is an augmentation's parameters).

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use zview_network::{Network, StateVisitor};
use zview_runtime::seed::Stream;

use super::config::Problems;
use super::pairs::{partner, unit};
use super::teacher::Teacher;
use super::{Method, MethodConfig, Setting};
use crate::mlp::{Mlp, MlpNorm};
use crate::source::{SourceError, ViewBatch};
use zview_encoder::Encoder;

/// Keys of `kind = "latent-step"`.
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

/// Projector, predictor with the step as a further input, and target network.
#[derive(Debug, Clone)]
pub struct LatentStep {
    projector: Mlp,
    predictor: Mlp,
    teacher: Teacher,
    per_anchor: usize,
    device: Device,
}

impl Method for LatentStep {
    type Config = Config;

    fn new(
        config: &Config,
        setting: &Setting<'_>,
        encoder: &Encoder,
        random: &mut Stream,
    ) -> Result<Self, SourceError> {
        let latent_dimension = setting.need_latents("latent-step")?;
        let features = encoder.feature_dimension();
        let projector = Mlp::new(features, &config.projector, MlpNorm::Hidden, random, setting.device);
        let projection = config.projector.last().copied().unwrap_or(features);
        let widths = [config.predictor.as_slice(), &[projection]].concat();
        let inputs = projection + latent_dimension;
        let predictor = Mlp::new(inputs, &widths, MlpNorm::Hidden, random, setting.device);
        let teacher = Teacher::new(encoder, &projector, config.momentum);
        let device = setting.autodiff_device();
        Ok(Self { projector, predictor, teacher, per_anchor: setting.per_anchor, device })
    }

    fn target(&mut self) -> Option<&mut Encoder> {
        Some(self.teacher.encoder())
    }

    fn loss(
        &mut self,
        features: Tensor<2>,
        target_features: Option<Tensor<2>>,
        batch: &ViewBatch,
    ) -> Tensor<1> {
        let projections = self.projector.forward(features.clone());
        let targets = self.teacher.project(target_features.unwrap_or_else(|| features.inner()));
        let latents = batch.latents_on(&self.device);
        stepped(projections, targets, latents, self.per_anchor, |x| self.predictor.forward(x))
    }

    fn follow(&mut self, encoder: &Encoder, progress: f64) {
        self.teacher.follow(encoder, &self.projector, progress);
    }
}

/// The loss `[1]` of projections and targets (B * V, D) whose views have the latents (B * V, Z).
fn stepped(
    projections: Tensor<2>,
    targets: Tensor<2>,
    latents: Tensor<2>,
    per_anchor: usize,
    predict: impl FnOnce(Tensor<2>) -> Tensor<2>,
) -> Tensor<1> {
    let (mut inputs, mut expected) = (Vec::new(), Vec::new());
    for shift in 1..per_anchor {
        let step = partner(latents.clone(), per_anchor, shift) - latents.clone();
        inputs.push(Tensor::cat(vec![projections.clone(), step], 1));
        expected.push(partner(targets.clone(), per_anchor, shift));
    }
    let predictions = predict(Tensor::cat(inputs, 0)); // (V - 1) * B * V rows
    let cosines = (unit(predictions) * unit(Tensor::cat(expected, 0))).sum_dim(1);
    (cosines * -2.0 + 2.0).mean_dim(0).squeeze_dim(1)
}

impl Network for LatentStep {
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
            Golden::new("latent-step", case).check(|inputs| {
                let predictor = inputs.constant("predictor");
                let [targets, latents] = ["targets", "latents"].map(|name| inputs.constant(name));
                stepped(inputs.tensor("projections"), targets, latents, views, |x| x.matmul(predictor))
            });
        }
    }
}
