//! Layer-wise adaptive rate scaling (You, Gitman and Ginsburg 2017, equation 6 and algorithm 1,
//! <https://arxiv.org/abs/1708.03888>):
//!
//! rate = trust |w| / (|g| + weight_decay |w|), per parameter;
//! v = momentum v + rate (g + weight_decay w);  w = w - lr v
//!
//! As SimCLR, BYOL and solo-learn use it: the learning rate stands outside the velocity, biases and norms have neither
//! weight decay nor a rate of their own, and the rate is 1 where |w| or |g| is zero.

use super::config::OptimizerConfig;
use super::gradients::sum_of_squares;
use super::rule::{Defaults, Equation, Steps, UpdateRule};

const VELOCITY: &str = "velocity";

pub(super) const DEFAULTS: Defaults = Defaults {
    lr: 0.3,            // SimCLR's, for a batch of 256
    weight_decay: 1e-6, // SimCLR's
    exclude_norm_and_bias: true,
    momentum: Some(0.9),
    beta1: None,
    beta2: None,
    epsilon: None,
    trust: Some(1e-3),
};

#[derive(Debug)]
struct Lars {
    momentum: f64,
    trust: f64,
}

pub(super) fn rule(config: &OptimizerConfig) -> impl UpdateRule + use<> {
    Lars { momentum: config.momentum.unwrap_or_default(), trust: config.trust.unwrap_or_default() }
}

impl UpdateRule for Lars {
    fn kept(&self) -> &'static [&'static str] {
        &[VELOCITY]
    }

    fn at(&self, _: &Steps) -> Equation<'_> {
        Box::new(|parameter, kept| {
            let (w, g, weight_decay) = (parameter.weight, parameter.gradient, parameter.weight_decay);
            let update = g.clone() + w.clone() * weight_decay;
            let update = if parameter.norm_or_bias {
                update
            } else {
                let [w_norm, g_norm] = [w.clone(), g].map(|values| sum_of_squares(values).sqrt());
                let zero = (w_norm.clone() * g_norm.clone()).equal_elem(0.0);
                let rate = w_norm.clone() * self.trust / (g_norm + w_norm * weight_decay);
                update * rate.mask_fill(zero, 1.0)
            };
            let v = kept.take(VELOCITY, &update) * self.momentum + update;
            kept.put(VELOCITY, v.clone());
            w - v * parameter.lr
        })
    }
}
