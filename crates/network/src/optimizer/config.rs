//! The `[optimizer]` section of a recipe.

use serde::{Deserialize, Serialize};

/// Optimizers by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerKind {
    /// Stochastic gradient descent with momentum.
    Sgd,
}

/// Optimizer and its peak learning rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerConfig {
    /// Which optimizer.
    pub kind: OptimizerKind,
    /// Learning rate after warm-up; any positive value, above 1 too.
    pub lr: f64,
    /// Share of the last update that is kept.
    pub momentum: f64,
    /// L2 penalty added to gradients, on every parameter.
    pub weight_decay: f64,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self { kind: OptimizerKind::Sgd, lr: 0.06, momentum: 0.9, weight_decay: 5e-4 }
    }
}

impl OptimizerConfig {
    /// Everything wrong with it, one line each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(self.lr > 0.0 && self.lr.is_finite()) {
            problems.push(format!("optimizer.lr: expected a positive number, got {}", self.lr));
        }
        if !(0.0..1.0).contains(&self.momentum) {
            problems.push(format!("optimizer.momentum: expected 0 to below 1, got {}", self.momentum));
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            problems.push(format!("optimizer.weight_decay: expected 0 or more, got {}", self.weight_decay));
        }
        problems
    }
}
