//! SimCLR: NT-Xent of projections.
//!
//! Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations",
//! <https://arxiv.org/abs/2002.05709>, equation 1; see [`NtXent`].

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use zview_network::{Network, StateVisitor};
use zview_runtime::seed::Stream;

use super::config::Problems;
use super::{Method, MethodConfig, NtXent, Setting};
use crate::mlp::{Mlp, MlpNorm};
use crate::source::{SourceError, ViewBatch};
use zview_encoder::Encoder;

/// Keys of `kind = "simclr"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// T, divides similarities.
    pub temperature: f32,
    /// Widths of the projector's layers; the last is the projection's.
    pub projector: Vec<usize>,
}

impl Default for Config {
    fn default() -> Self {
        Self { temperature: 0.2, projector: vec![128, 128] }
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

/// Projector and NT-Xent.
#[derive(Debug, Clone)]
pub struct SimClr {
    projector: Mlp,
    nt_xent: NtXent,
}

impl Method for SimClr {
    type Config = Config;

    fn new(
        config: &Config,
        setting: &Setting<'_>,
        encoder: &Encoder,
        random: &mut Stream,
    ) -> Result<Self, SourceError> {
        let features = encoder.feature_dimension();
        let projector = Mlp::new(features, &config.projector, MlpNorm::None, random, setting.device);
        let device = setting.autodiff_device();
        let nt_xent = NtXent::new(setting.anchors, setting.per_anchor, config.temperature, &device);
        Ok(Self { projector, nt_xent })
    }

    fn loss(&mut self, features: Tensor<2>, _: Option<Tensor<2>>, _: &ViewBatch) -> Tensor<1> {
        self.nt_xent.loss(self.projector.forward(features))
    }
}

impl Network for SimClr {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        self.projector.visit(&format!("{prefix}projector"), visitor);
    }
}
