//! Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2, <https://arxiv.org/abs/1711.05101>);
//! without weight decay it is Adam (Kingma and Ba 2015, algorithm 1, <https://arxiv.org/abs/1412.6980>):
//!
//! m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;
//! w = w - lr weight_decay w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::config::{positive, share};
use super::rule::{Defaults, Equation, State, Steps, UpdateRule};

const FIRST: &str = "first_moment"; // m
const SECOND: &str = "second_moment"; // v

/// Keys of `kind = "adamw"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AdamW {
    /// Share of the first moment that is kept.
    pub beta1: f64,
    /// Share of the second moment that is kept.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
}

impl Default for AdamW {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

impl AdamW {
    /// m and v of this step.
    fn moments(&self, g: Tensor<1>, kept: &mut State) -> [Tensor<1>; 2] {
        let m = kept.take(FIRST, &g) * self.beta1 + g.clone() * (1.0 - self.beta1);
        let v = kept.take(SECOND, &g) * self.beta2 + g.square() * (1.0 - self.beta2);
        kept.put(FIRST, m.clone());
        kept.put(SECOND, v.clone());
        [m, v]
    }
}

/// w - lr weight_decay w.
fn decayed(w: Tensor<1>, lr: f64, weight_decay: f64) -> Tensor<1> {
    if weight_decay == 0.0 { w } else { w * (1.0 - lr * weight_decay) }
}

impl UpdateRule for AdamW {
    fn defaults(&self) -> Defaults {
        Defaults { lr: 1e-3, weight_decay: 1e-2, exclude_norm_and_bias: true }
    }

    fn problems(&self) -> Vec<Option<String>> {
        vec![share("beta1", self.beta1), share("beta2", self.beta2), positive("epsilon", self.epsilon)]
    }

    fn kept(&self) -> &'static [&'static str] {
        &[FIRST, SECOND]
    }

    /// With c = 1 - b^t, the corrections go into the rate and into eps:
    /// (m / c1) / (sqrt(v / c2) + eps) = sqrt(c2) / c1 m / (sqrt(v) + eps sqrt(c2)).
    fn at(&self, steps: &Steps) -> Equation<'_> {
        // Above some thousand steps c is 1 to double precision.
        let number = i32::try_from(steps.number.max(1)).unwrap_or(i32::MAX);
        let power = |beta: f64| beta.powi(number);
        let Some(held_back) = &steps.held_back else {
            let root = (1.0 - power(self.beta2)).sqrt();
            let (rate, epsilon) = (root / (1.0 - power(self.beta1)), self.epsilon * root);
            return Box::new(move |parameter, kept| {
                let (lr, [m, v]) = (parameter.lr, self.moments(parameter.gradient, kept));
                decayed(parameter.weight, lr, parameter.weight_decay) - m / (v.sqrt() + epsilon) * (lr * rate)
            });
        };
        // t = n - h is known to the device alone. 1 - b^(n - h) = (1 - b^n) - b^n (b^-h - 1) has all its digits where
        // h = 0, as nearly always.
        let correction = |beta: f64| {
            let inverse_power = (held_back.clone() * -beta.max(f64::MIN_POSITIVE).ln()).clamp_max(80.0).exp();
            (inverse_power - 1.0) * -power(beta) + (1.0 - power(beta))
        };
        let root = correction(self.beta2).sqrt();
        let (rate, epsilon) = (root.clone() / correction(self.beta1), root * self.epsilon);
        Box::new(move |parameter, kept| {
            let (lr, [m, v]) = (parameter.lr, self.moments(parameter.gradient, kept));
            let update = m / (v.sqrt() + epsilon.clone()) * (rate.clone() * lr);
            decayed(parameter.weight, lr, parameter.weight_decay) - update
        })
    }
}
