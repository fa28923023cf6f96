//! Layer-wise adaptive rate scaling (You, Gitman and Ginsburg 2017, equation 6 and algorithm 1,
//! <https://arxiv.org/abs/1708.03888>):
//!
//! rate = trust |w| / (|g| + weight_decay |w|), per parameter;
//! v = momentum v + rate (g + weight_decay w);  w = w - lr v
//!
//! As SimCLR, BYOL and solo-learn use it: the learning rate stands outside the velocity, biases and norms have neither
//! weight decay nor a rate of their own, and the rate is 1 where |w| or |g| is zero.

use serde::{Deserialize, Serialize};

use super::config::{positive, share};
use super::gradients::sum_of_squares;
use super::rule::{Defaults, Equation, Steps, UpdateRule};

const VELOCITY: &str = "velocity";

/// Keys of `kind = "lars"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lars {
    /// Share of the last update that is kept.
    pub momentum: f64,
    /// The trust coefficient.
    pub trust: f64,
}

impl Default for Lars {
    fn default() -> Self {
        Self { momentum: 0.9, trust: 1e-3 }
    }
}

impl UpdateRule for Lars {
    fn defaults(&self) -> Defaults {
        Defaults { lr: 0.3, weight_decay: 1e-6, exclude_norm_and_bias: true } // SimCLR's, for a batch of 256
    }

    fn problems(&self) -> Vec<Option<String>> {
        vec![share("momentum", self.momentum), positive("trust", self.trust)]
    }

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
