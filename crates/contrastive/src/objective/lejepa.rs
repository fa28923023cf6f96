//! LeJEPA: views agree, and embeddings are distributed as an isotropic Gaussian.
//!
//! Balestriero and LeCun 2025, "LeJEPA: Provable and Scalable Self-Supervised Learning Without the Heuristics",
//! <https://arxiv.org/abs/2511.08544>:
//!
//! L = (1 - lambda) mean( (p_v - mean over v of p_v)^2 ) + lambda SIGReg(p)
//!
//! SIGReg projects the embeddings of each view on random unit directions a, and compares the empirical characteristic
//! function of each with a standard normal's (Epps and Pulley 1983), by the trapezoid rule on [0, 3] and mirrored:
//!
//! N integral of |mean over n of exp(i t a'p_n) - exp(-t^2/2)|^2 exp(-t^2/2) dt,   mean over directions and views
//!
//! No target network, no gradient is stopped.

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use zview_kernels::matmul;
use zview_network::{Network, StateVisitor};
use zview_runtime::seed::{Purpose, Stream};

use super::config::Problems;
use super::pairs::by_anchor;
use super::{Method, MethodConfig, Setting};
use crate::mlp::{Mlp, MlpNorm};
use crate::source::{SourceError, ViewBatch};
use zview_encoder::Encoder;

/// Points of the integral on [0, T_MAX].
const KNOTS: usize = 17;
const T_MAX: f32 = 3.0;
/// Of one batch: they fill 4 GiB.
const MOST_ANGLES: usize = 1 << 30;

/// Keys of `kind = "lejepa"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Weight of SIGReg; agreement of the views gets the rest.
    pub lambda: f32,
    /// Random directions, new ones at every step.
    pub directions: usize,
    /// Widths of the projector's layers; the last is the embedding's.
    pub projector: Vec<usize>,
}

impl Default for Config {
    fn default() -> Self {
        Self { lambda: 0.02, directions: 256, projector: vec![256, 64] }
    }
}

impl MethodConfig for Config {
    fn problems(&self) -> Vec<String> {
        let mut problems =
            Problems::default().share("lambda", self.lambda).widths("projector", &self.projector).list();
        if !(1..=1 << 14).contains(&self.directions) {
            problems.push(format!("objective.directions: expected 1 to 16384, got {}", self.directions));
        }
        problems
    }
}

/// Projector and SIGReg.
#[derive(Debug, Clone)]
pub struct LeJepa {
    projector: Mlp,
    lambda: f32,
    directions: usize,
    per_anchor: usize,
    device: Device,
}

impl Method for LeJepa {
    type Config = Config;

    fn new(
        config: &Config,
        setting: &Setting<'_>,
        encoder: &Encoder,
        random: &mut Stream,
    ) -> Result<Self, SourceError> {
        let angles = setting.anchors * setting.per_anchor * config.directions * KNOTS;
        if angles > MOST_ANGLES {
            let problem = format!(
                "{} directions at {KNOTS} points for {} views are {angles} numbers, at most {MOST_ANGLES} are taken; \
                 lower it or train.batch",
                config.directions,
                setting.anchors * setting.per_anchor
            );
            return Err(SourceError::Recipe { field: "objective.directions", problem });
        }
        let features = encoder.feature_dimension();
        Ok(Self {
            projector: Mlp::new(features, &config.projector, MlpNorm::Hidden, random, setting.device),
            lambda: config.lambda,
            directions: config.directions,
            per_anchor: setting.per_anchor,
            device: setting.autodiff_device(),
        })
    }

    fn loss(&mut self, features: Tensor<2>, _: Option<Tensor<2>>, batch: &ViewBatch) -> Tensor<1> {
        let embeddings = self.projector.forward(features);
        let shape = [embeddings.dims()[1], self.directions];
        let mut random = Stream::new(batch.run_seed, Purpose::Direction, batch.step, 0);
        let values: Vec<f32> = (0..shape[0] * shape[1]).map(|_| random.normal()).collect();
        let directions = Tensor::from_data(TensorData::new(values, shape), &self.device);
        agree_and_spread(embeddings, directions, self.per_anchor, self.lambda)
    }
}

/// The loss `[1]` of embeddings (B * V, D) with directions (D, A) of any length.
fn agree_and_spread(
    embeddings: Tensor<2>,
    directions: Tensor<2>,
    per_anchor: usize,
    lambda: f32,
) -> Tensor<1> {
    let views = by_anchor(embeddings, per_anchor); // [B, V, D]
    let spread = views.clone() - views.clone().mean_dim(1);
    let agreement = spread.square().reshape([1, -1]).mean_dim(1).squeeze_dim(1);
    agreement * (1.0 - lambda) + sig_reg(views, directions) * lambda
}

/// SIGReg `[1]` of embeddings (N, V, D): the mean statistic over views and directions (D, A).
fn sig_reg(embeddings: Tensor<3>, directions: Tensor<2>) -> Tensor<1> {
    let [samples, views, dimension] = embeddings.dims();
    let count = directions.dims()[1];
    let device = directions.device();
    let unit = directions.clone() / directions.square().sum_dim(0).sqrt(); // [D, A]
    let along = matmul(embeddings.reshape([samples * views, dimension]), unit); // [N * V, A]
    let step = T_MAX / (KNOTS - 1) as f32;
    let knots: Vec<f32> = (0..KNOTS).map(|knot| knot as f32 * step).collect();
    let normal: Vec<f32> = knots.iter().map(|t| (-t * t / 2.0).exp()).collect();
    // Trapezoids, doubled for the mirrored half, times the weight exp(-t^2/2).
    let weights: Vec<f32> = normal
        .iter()
        .enumerate()
        .map(|(knot, phi)| if knot == 0 || knot == KNOTS - 1 { step * phi } else { 2.0 * step * phi })
        .collect();
    let over_knots = |values: Vec<f32>| Tensor::<1>::from_data(TensorData::new(values, [KNOTS]), &device);
    let along = along.reshape([samples, views * count, 1]);
    let angles = along * over_knots(knots).reshape([1, 1, KNOTS]); // [N, V * A, T]
    let real = angles.clone().cos().mean_dim(0) - over_knots(normal).reshape([1, 1, KNOTS]);
    let imaginary = angles.sin().mean_dim(0);
    let distance = real.square() + imaginary.square(); // [1, V * A, T]
    let integral = (distance * over_knots(weights).reshape([1, 1, KNOTS])).sum_dim(2);
    (integral * samples as f32).reshape([1, views * count]).mean_dim(1).squeeze_dim(1)
}

impl Network for LeJepa {
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
            Golden::new("lejepa", case).check(|inputs| {
                agree_and_spread(inputs.tensor("embeddings"), inputs.constant("directions"), views, 0.02)
            });
        }
    }
}
