//! Encoder and projector that follow those in training.

use burn::tensor::Tensor;
use zview_network::{Network, StateVisitor, Target, cosine_to_one};

use crate::mlp::Mlp;
use zview_encoder::Encoder;

/// Target encoder and target projector, with the schedule of their momentum.
#[derive(Debug, Clone)]
pub(super) struct Teacher {
    encoder: Target<Encoder>,
    projector: Target<Mlp>,
    momentum: f64,
}

impl Teacher {
    /// Copies of `encoder` and `projector`, of which at first the share `momentum` is kept at every step.
    pub fn new(encoder: &Encoder, projector: &Mlp, momentum: f32) -> Self {
        Self {
            encoder: Target::new(encoder),
            projector: Target::new(projector),
            momentum: f64::from(momentum),
        }
    }

    pub fn encoder(&mut self) -> &mut Encoder {
        &mut self.encoder.network
    }

    /// Target projections, without gradients, of target features (N, D).
    pub fn project(&mut self, target_features: Tensor<2>) -> Tensor<2> {
        Tensor::from_inner(self.projector.network.forward(target_features))
    }

    /// After an update: moves both by this step's momentum.
    pub fn follow(&mut self, encoder: &Encoder, projector: &Mlp, progress: f64) {
        let keep = cosine_to_one(self.momentum, progress);
        self.encoder.follow(encoder, keep);
        self.projector.follow(projector, keep);
    }
}

impl Network for Teacher {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        self.encoder.visit(&format!("{prefix}target.encoder."), visitor);
        self.projector.visit(&format!("{prefix}target.projector"), visitor);
    }
}
