//! Objectives: from projections of views to a loss. One file per objective, one line in the table below.

mod config;
mod nt_xent;

use burn::tensor::{Device, Tensor};
use zview_network::TrainingCost;

pub use config::{ObjectiveConfig, ObjectiveKind};
pub use nt_xent::NtXent;

/// An objective for batches of a fixed shape.
#[derive(Debug, Clone)]
pub enum Objective {
    /// Normalised temperature-scaled cross-entropy (SimCLR).
    NtXent(NtXent),
}

impl Objective {
    /// The objective of `config` for B anchors with V views each.
    #[must_use]
    pub fn new(config: &ObjectiveConfig, anchors: usize, views: usize, device: &Device) -> Self {
        match config.kind {
            ObjectiveKind::Simclr => Self::NtXent(NtXent::new(anchors, views, config.temperature, device)),
        }
    }

    /// The mean loss, shape `[1]`, of projections (B * V, D) whose row b * V + v is view v of anchor b.
    #[must_use]
    pub fn loss(&self, projections: Tensor<2>) -> Tensor<1> {
        match self {
            Self::NtXent(objective) => objective.loss(projections),
        }
    }

    /// Adds the cost for `projections` (B * V, D) to `total`.
    pub fn cost(&self, projections: [usize; 2], total: &mut TrainingCost) {
        match self {
            Self::NtXent(objective) => objective.cost(projections, total),
        }
    }
}
