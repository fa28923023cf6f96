//! Cross-entropy: classify the generator's condition, or the real image's label.
//!
//! Jahanian et al. 2022, "Generative Models as a Data Source for Multiview Representation Learning" (GenRep),
//! <https://arxiv.org/abs/2106.05258>, section 4.4: the supervised baseline,
//!
//! L = mean over views of -log softmax(W f(x) + b)_y

use burn::tensor::{Device, Int, Tensor, activation};
use serde::{Deserialize, Serialize};
use zview_network::{Network, StateVisitor};
use zview_runtime::seed::Stream;

use super::{Method, MethodConfig, Setting};
use crate::mlp::{Mlp, MlpNorm};
use crate::source::{SourceError, ViewBatch};
use zview_encoder::Encoder;

/// Keys of `kind = "cross-entropy"`: none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {}

impl MethodConfig for Config {
    fn problems(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The linear classifier on features.
#[derive(Debug, Clone)]
pub struct CrossEntropy {
    classifier: Mlp,
    per_anchor: usize,
    device: Device,
}

impl Method for CrossEntropy {
    type Config = Config;
    const COMPARES_VIEWS: bool = false;

    fn new(
        _: &Config,
        setting: &Setting<'_>,
        encoder: &Encoder,
        random: &mut Stream,
    ) -> Result<Self, SourceError> {
        let widths = [setting.need_classes("cross-entropy")?];
        let features = encoder.feature_dimension();
        Ok(Self {
            classifier: Mlp::new(features, &widths, MlpNorm::None, random, setting.device),
            per_anchor: setting.per_anchor,
            device: setting.autodiff_device(),
        })
    }

    fn loss(&mut self, features: Tensor<2>, _: Option<Tensor<2>>, batch: &ViewBatch) -> Tensor<1> {
        let labels = batch.labels_on(self.per_anchor, &self.device);
        cross_entropy(self.classifier.forward(features), labels)
    }
}

/// The loss `[1]` of logits (N, C) for labels (N, 1).
fn cross_entropy(logits: Tensor<2>, labels: Tensor<2, Int>) -> Tensor<1> {
    let [count, classes] = logits.dims();
    let numbers = Tensor::<1, Int>::arange(0..classes as i64, &logits.device()).reshape([1, classes]);
    let chosen = labels.repeat_dim(1, classes).equal(numbers.repeat_dim(0, count)).float(); // [N, C]
    let per_view = -(activation::log_softmax(logits, 1) * chosen).sum_dim(1);
    per_view.mean_dim(0).squeeze_dim(1)
}

impl Network for CrossEntropy {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        self.classifier.visit(&format!("{prefix}classifier"), visitor);
    }
}

#[cfg(test)]
mod tests {
    use super::super::golden::Golden;
    use super::*;

    #[test]
    fn is_the_reference() {
        Golden::new("cross-entropy", "two")
            .check(|inputs| cross_entropy(inputs.tensor("logits"), inputs.integers("labels")));
    }
}
