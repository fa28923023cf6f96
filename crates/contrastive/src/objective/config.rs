//! The `[objective]` section of a recipe.

use serde::{Deserialize, Serialize};

/// Objectives by their methods' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectiveKind {
    /// NT-Xent of SimCLR.
    Simclr,
}

/// What is minimised, and the projector before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ObjectiveConfig {
    /// Which objective.
    pub kind: ObjectiveKind,
    /// Divides similarities.
    pub temperature: f32,
    /// Widths of the projector's layers; the last is the projection's.
    pub projector: Vec<usize>,
}

impl Default for ObjectiveConfig {
    fn default() -> Self {
        Self { kind: ObjectiveKind::Simclr, temperature: 0.2, projector: vec![128, 128] }
    }
}

impl ObjectiveConfig {
    /// Everything wrong with it, one line each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(self.temperature > 0.0 && self.temperature.is_finite()) {
            problems
                .push(format!("objective.temperature: expected a positive number, got {}", self.temperature));
        }
        if self.projector.is_empty() || self.projector.contains(&0) {
            problems.push(format!(
                "objective.projector: expected one or more positive widths such as [128, 128], got {:?}",
                self.projector
            ));
        }
        problems
    }
}
