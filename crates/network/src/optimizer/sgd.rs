//! Stochastic gradient descent with momentum, PyTorch's form (Sutskever et al. 2013, without Nesterov,
//! <https://proceedings.mlr.press/v28/sutskever13.html>):
//!
//! g = gradient + weight_decay w;  v = momentum v + g;  w = w - lr v

use super::config::OptimizerConfig;
use super::rule::{Defaults, Equation, Steps, UpdateRule};

/// v has the parameter's own name in checkpoints.
const VELOCITY: &str = "";

pub(super) const DEFAULTS: Defaults = Defaults {
    lr: 0.06,
    weight_decay: 5e-4,
    exclude_norm_and_bias: false,
    momentum: Some(0.9),
    beta1: None,
    beta2: None,
    epsilon: None,
    trust: None,
};

#[derive(Debug)]
struct Sgd {
    momentum: f64,
}

pub(super) fn rule(config: &OptimizerConfig) -> impl UpdateRule + use<> {
    Sgd { momentum: config.momentum.unwrap_or_default() }
}

impl UpdateRule for Sgd {
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
