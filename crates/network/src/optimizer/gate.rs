//! The size of a step's gradients, and what follows from it: clipping, and steps that are not taken.

use burn::tensor::{Bool, Tensor};

use super::gradients::NamedGradients;

/// State from dividing by zero, as `torch.nn.utils.clip_grad_norm_` does.
const CLIP_EPSILON: f64 = 1e-6;

/// Gradients on their way to an optimizer: measures them, divides them by their scale, clips them, and lets a scaled
/// step happen only where every one of them is finite. Decided on the device, so that nobody waits for it.
#[derive(Debug, Clone)]
pub struct StepGate {
    /// The norm of all gradients at their own size, before clipping, `[1]`.
    norm: Tensor<1>,
    /// What gradients are multiplied with, `[1]`.
    factor: Option<Tensor<1>>,
    /// Whether the step happens, `[1]`; it does where this is `None`.
    open: Option<Tensor<1, Bool>>,
}

impl StepGate {
    /// A gate for all `gradients` of a step, which are `scale` `[1]` times as large as they should be (Micikevicius
    /// et al. 2018, section 3.2). Where their norm is above `clip_norm`, they are shortened to it (Pascanu et al.
    /// 2013, algorithm 1, <https://arxiv.org/abs/1211.5063>). `None` where there are no gradients.
    #[must_use]
    pub fn new(gradients: &NamedGradients, scale: Option<Tensor<1>>, clip_norm: Option<f64>) -> Option<Self> {
        let squares = gradients.squares()?;
        // Not a number is not below anything.
        let open = scale.is_some().then(|| squares.clone().lower_elem(f32::MAX));
        let inverse_scale = scale.map(Tensor::recip);
        let norm = match &inverse_scale {
            Some(inverse_scale) => squares.sqrt() * inverse_scale.clone(),
            None => squares.sqrt(),
        };
        let clip = clip_norm.map(|most| ((norm.clone() + CLIP_EPSILON).recip() * most).clamp_max(1.0));
        let factor = match (inverse_scale, clip) {
            (Some(inverse_scale), Some(clip)) => Some(inverse_scale * clip),
            (one, other) => one.or(other),
        };
        Some(Self { norm, factor, open })
    }

    /// The norm of all gradients at their own size, before clipping, `[1]`; not finite where they overflowed.
    #[must_use]
    pub fn norm(&self) -> Tensor<1> {
        self.norm.clone()
    }

    /// Whether the step happens, `[1]`; `None` where it always does.
    #[must_use]
    pub fn open(&self) -> Option<Tensor<1, Bool>> {
        self.open.clone()
    }

    /// A flattened gradient at the size at which it is used.
    pub(super) fn passed(&self, gradient: Tensor<1>) -> Tensor<1> {
        match &self.factor {
            Some(factor) => gradient * factor.clone(),
            None => gradient,
        }
    }

    /// `moved` where the step happens, else `kept`.
    pub(super) fn choose(&self, moved: Tensor<1>, kept: Tensor<1>) -> Tensor<1> {
        match &self.open {
            Some(open) => {
                let open = open.clone().expand(moved.dims());
                kept.mask_where(open, moved)
            }
            None => moved,
        }
    }
}
