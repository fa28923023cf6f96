//! MoCo v3: contrast against the keys of a momentum encoder.
//!
//! Chen, Xie and He 2021, "An Empirical Study of Training Self-Supervised Vision Transformers",
//! <https://arxiv.org/abs/2104.02057>, algorithm 1:
//!
//! L = ctr(q_1, k_2) + ctr(q_2, k_1),   ctr(q, k) = 2 T cross-entropy( q k' / T, the same anchor )
//!
//! with unit q = predictor(g(f(x))) and k the momentum network's projections. With more than two views it is twice
//! the mean over all ordered pairs. `queue` > 0 adds that many keys of earlier batches to the negatives, as MoCo
//! (He et al. 2020, <https://arxiv.org/abs/1911.05722>) did.

use burn::tensor::{Tensor, TensorData, activation};
use serde::{Deserialize, Serialize};
use zview_kernels::matmul;
use zview_network::{Network, StateVisitor};
use zview_runtime::seed::{Purpose, Stream};

use super::config::Problems;
use super::pairs::{by_anchor, unit};
use super::teacher::Teacher;
use super::{Method, MethodConfig, Setting};
use crate::mlp::{Mlp, MlpNorm};
use crate::source::{SourceError, ViewBatch};
use zview_encoder::Encoder;

/// Of a queue: 16 times MoCo's 65,536.
const MOST_KEYS: usize = 1 << 20;

/// Keys of `kind = "moco-v3"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// T, divides similarities.
    pub temperature: f32,
    /// Share of the momentum network that is kept at the first step; rises to 1.
    pub momentum: f32,
    /// Keys of earlier batches among the negatives; 0 for none.
    pub queue: usize,
    /// Widths of the projector's layers; the last is the projection's.
    pub projector: Vec<usize>,
    /// Widths of the predictor's hidden layers; its last layer has the projection's width.
    pub predictor: Vec<usize>,
}

impl Default for Config {
    fn default() -> Self {
        Self { temperature: 0.2, momentum: 0.99, queue: 0, projector: vec![256, 128], predictor: vec![256] }
    }
}

impl MethodConfig for Config {
    fn problems(&self) -> Vec<String> {
        Problems::default()
            .positive("temperature", self.temperature)
            .share("momentum", self.momentum)
            .at_most("queue", self.queue, MOST_KEYS)
            .widths("projector", &self.projector)
            .widths("predictor", &self.predictor)
            .list()
    }
}

/// Projector, predictor, momentum network and queue.
#[derive(Debug, Clone)]
pub struct MocoV3 {
    projector: Mlp,
    predictor: Mlp,
    teacher: Teacher,
    queue: Option<Tensor<2>>, // [K, D], unit keys, newest first
    temperature: f32,
    per_anchor: usize,
}

impl Method for MocoV3 {
    type Config = Config;

    fn new(
        config: &Config,
        setting: &Setting<'_>,
        encoder: &Encoder,
        random: &mut Stream,
    ) -> Result<Self, SourceError> {
        let features = encoder.feature_dimension();
        let norm = MlpNorm::HiddenAndOutput;
        let projector = Mlp::new(features, &config.projector, norm, random, setting.device);
        let projection = config.projector.last().copied().unwrap_or(features);
        let widths = [config.predictor.as_slice(), &[projection]].concat();
        let predictor = Mlp::new(projection, &widths, norm, random, setting.device);
        let teacher = Teacher::new(encoder, &projector, config.momentum);
        let queue = (config.queue > 0).then(|| {
            // Random directions until keys take their places.
            let mut random = Stream::new(setting.run_seed, Purpose::Queue, 0, 0);
            let values: Vec<f32> = (0..config.queue * projection).map(|_| random.normal()).collect();
            unit(Tensor::from_data(TensorData::new(values, [config.queue, projection]), setting.device))
        });
        let (temperature, per_anchor) = (config.temperature, setting.per_anchor);
        Ok(Self { projector, predictor, teacher, queue, temperature, per_anchor })
    }

    fn target(&mut self) -> Option<&mut Encoder> {
        Some(self.teacher.encoder())
    }

    fn loss(&mut self, features: Tensor<2>, target_features: Option<Tensor<2>>, _: &ViewBatch) -> Tensor<1> {
        let queries = self.predictor.forward(self.projector.forward(features.clone()));
        let keys = unit(self.teacher.project(target_features.unwrap_or_else(|| features.inner())));
        let old_keys = self.queue.clone().map(Tensor::from_inner);
        let loss = contrast(queries, keys.clone(), old_keys, self.per_anchor, self.temperature);
        if let Some(queue) = &mut self.queue {
            let size = queue.dims()[0];
            *queue = Tensor::cat(vec![keys.inner(), queue.clone()], 0).narrow(0, 0, size);
        }
        loss
    }

    fn follow(&mut self, encoder: &Encoder, progress: f64) {
        self.teacher.follow(encoder, &self.projector, progress);
    }
}

/// The loss `[1]` of queries (B * V, D) against unit keys (B * V, D) and unit keys of earlier batches (K, D).
fn contrast(
    queries: Tensor<2>,
    keys: Tensor<2>,
    old_keys: Option<Tensor<2>>,
    per_anchor: usize,
    temperature: f32,
) -> Tensor<1> {
    let (queries, device) = (unit(queries), keys.device());
    let [count, dimension] = queries.dims();
    let anchors = count / per_anchor;
    let by_view = |rows: Tensor<2>| by_anchor(rows, per_anchor).swap_dims(0, 1); // [V, B, D]
    let q = by_view(queries).reshape([per_anchor, 1, anchors, dimension]);
    let k = by_view(keys).reshape([1, per_anchor, anchors, dimension]).swap_dims(2, 3);
    let repeated_q = q.clone().repeat_dim(1, per_anchor);
    let mut logits = matmul(repeated_q, k.repeat_dim(0, per_anchor)); // [V, V, B, B]
    if let Some(old_keys) = old_keys {
        let queued = old_keys.dims()[0];
        let flat = matmul(q.reshape([count, dimension]), old_keys.transpose());
        let old = flat.reshape([per_anchor, 1, anchors, queued]).repeat_dim(1, per_anchor);
        logits = Tensor::cat(vec![logits, old], 3);
    }
    let log_probability = activation::log_softmax(logits / temperature, 3).narrow(3, 0, anchors);
    // 1 where the views differ and the anchor is the same, over the number of such places.
    let other = Tensor::<2>::ones([per_anchor; 2], &device) - Tensor::eye(per_anchor, &device);
    let positives = other.reshape([per_anchor, per_anchor, 1, 1])
        * Tensor::<2>::eye(anchors, &device).reshape([1, 1, anchors, anchors]);
    let pairs = (per_anchor * (per_anchor - 1) * anchors) as f32;
    let per_place = (log_probability * positives).reshape([1, -1]);
    (per_place.sum_dim(1) * (-2.0 * 2.0 * temperature / pairs)).squeeze_dim(1)
}

impl Network for MocoV3 {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        self.projector.visit(&format!("{prefix}projector"), visitor);
        self.predictor.visit(&format!("{prefix}predictor"), visitor);
        self.teacher.visit(prefix, visitor);
        if let Some(queue) = &mut self.queue {
            visitor.buffer(&format!("{prefix}queue"), queue);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::golden::Golden;
    use super::*;

    #[test]
    fn is_the_reference() {
        for (case, views, queue) in [("two", 2, false), ("three", 3, false), ("queue", 2, true)] {
            Golden::new("moco-v3", case).check(|inputs| {
                let old_keys = queue.then(|| inputs.constant("queue"));
                contrast(inputs.tensor("queries"), unit(inputs.constant("keys")), old_keys, views, 0.2)
            });
        }
    }
}
