//! Supervised contrastive learning: every view of one label is a positive.
//!
//! Khosla et al. 2020, "Supervised Contrastive Learning", <https://arxiv.org/abs/2004.11362>, equation 2 (the "out"
//! form):
//!
//! L = mean over i of  -1/|P(i)| sum over p in P(i) of log( exp(z_i z_p / T) / sum over k != i of exp(z_i z_k / T) )
//!
//! with z unit projections and P(i) the other views of i's label. With `positives = "anchor"` P(i) are the other
//! views of i's anchor (StableRep, Tian et al. 2023, <https://arxiv.org/abs/2306.00984>), which is NT-Xent.

use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use serde::{Deserialize, Serialize};
use zview_kernels::matmul;
use zview_network::{Network, StateVisitor};
use zview_runtime::seed::Stream;

use super::config::Problems;
use super::pairs::unit;
use super::{Method, MethodConfig, Setting};
use crate::mlp::{Mlp, MlpNorm};
use crate::source::{SourceError, ViewBatch};
use zview_encoder::Encoder;

/// Whose views attract each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Positives {
    /// Those of one label: the generator's condition, or a real image's class.
    Label,
    /// Those of one anchor.
    Anchor,
}

/// Keys of `kind = "supcon"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// T, divides similarities.
    pub temperature: f32,
    /// Whose views attract each other.
    pub positives: Positives,
    /// Widths of the projector's layers; the last is the projection's.
    pub projector: Vec<usize>,
}

impl Default for Config {
    fn default() -> Self {
        Self { temperature: 0.2, positives: Positives::Label, projector: vec![128, 128] }
    }
}

impl MethodConfig for Config {
    fn problems(&self) -> Vec<String> {
        Problems::default()
            .positive("temperature", self.temperature)
            .widths("projector", &self.projector)
            .list()
    }
}

/// Projector and supervised contrastive loss.
#[derive(Debug, Clone)]
pub struct SupCon {
    projector: Mlp,
    temperature: f32,
    positives: Positives,
    per_anchor: usize,
    device: Device,
}

impl Method for SupCon {
    type Config = Config;

    fn new(
        config: &Config,
        setting: &Setting<'_>,
        encoder: &Encoder,
        random: &mut Stream,
    ) -> Result<Self, SourceError> {
        if config.positives == Positives::Label {
            setting.need_classes("supcon")?;
        }
        let features = encoder.feature_dimension();
        Ok(Self {
            projector: Mlp::new(features, &config.projector, MlpNorm::None, random, setting.device),
            temperature: config.temperature,
            positives: config.positives,
            per_anchor: setting.per_anchor,
            device: setting.autodiff_device(),
        })
    }

    fn loss(&mut self, features: Tensor<2>, _: Option<Tensor<2>>, batch: &ViewBatch) -> Tensor<1> {
        let count = features.dims()[0];
        let labels = match self.positives {
            Positives::Label => batch.labels_on(self.per_anchor, &self.device),
            Positives::Anchor => {
                let anchors: Vec<i32> = (0..count).map(|view| (view / self.per_anchor) as i32).collect();
                Tensor::from_data(TensorData::new(anchors, [count, 1]), &self.device)
            }
        };
        supervised_contrastive(self.projector.forward(features), labels, self.temperature)
    }
}

/// The loss `[1]` of projections (N, D) with labels (N, 1).
fn supervised_contrastive(projections: Tensor<2>, labels: Tensor<2, Int>, temperature: f32) -> Tensor<1> {
    let count = projections.dims()[0];
    let itself = Tensor::<2>::eye(count, &projections.device());
    let same = labels.clone().equal(labels.transpose()).float(); // [N, N]
    let positives = same - itself.clone();
    let positives = positives.clone() / positives.sum_dim(1).clamp_min(1.0); // 1 / |P(i)| in P(i), else 0
    let unit = unit(projections);
    let logits = matmul(unit.clone(), unit.transpose()) / temperature;
    let log_probability = activation::log_softmax(logits - itself * 1e9, 1);
    let per_view = -(log_probability * positives).sum_dim(1); // [N, 1]
    per_view.mean_dim(0).squeeze_dim(1)
}

impl Network for SupCon {
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
        for case in ["labels", "anchors"] {
            Golden::new("supcon", case).check(|inputs| {
                let labels = inputs.integers("labels");
                supervised_contrastive(inputs.tensor("projections"), labels, 0.2)
            });
        }
    }
}
