//! Stochastic gradient descent with momentum, PyTorch's form (Sutskever et al. 2013, without Nesterov,
//! <https://proceedings.mlr.press/v28/sutskever13.html>):
//!
//! g = gradient + weight_decay w;  v = momentum v + g;  w = w - lr v

use serde::{Deserialize, Serialize};

use super::config::share;
use super::rule::{Defaults, Equation, Steps, UpdateRule};

/// v has the parameter's own name in checkpoints.
const VELOCITY: &str = "";

/// Keys of `kind = "sgd"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sgd {
    /// Share of the last update that is kept.
    pub momentum: f64,
}

impl Default for Sgd {
    fn default() -> Self {
        Self { momentum: 0.9 }
    }
}

impl UpdateRule for Sgd {
    fn defaults(&self) -> Defaults {
        Defaults { lr: 0.06, weight_decay: 5e-4, exclude_norm_and_bias: false }
    }

    fn problems(&self) -> Vec<Option<String>> {
        vec![share("momentum", self.momentum)]
    }

    fn kept(&self) -> &'static [&'static str] {
        &[VELOCITY]
    }

    fn at(&self, _: &Steps) -> Equation<'_> {
        Box::new(|parameter, kept| {
            let w = parameter.weight;
            let g = parameter.gradient + w.clone() * parameter.weight_decay;
            let v = kept.take(VELOCITY, &g) * self.momentum + g;
            kept.put(VELOCITY, v.clone());
            w - v * parameter.lr
        })
    }
}
