//! A step that is only taken where all gradients are numbers.

use burn::tensor::{Bool, Gradients, Tensor};

use crate::{Network, StateVisitor};

/// Scaled gradients on their way to an optimizer: divides them by their scale, and lets the step happen only where
/// every one of them is finite. Decided on the device, so that nobody waits for it.
#[derive(Debug, Clone)]
pub struct StepGate {
    /// What gradients are multiplied with, `[1]`.
    inverse_scale: Tensor<1>,
    /// Whether the step happens, `[1]`.
    open: Tensor<1, Bool>,
}

impl StepGate {
    /// A gate for gradients that are `scale` `[1]` times as large as they should be, given the sum of their squares
    /// `[1]` (see [`squared_gradients`]).
    #[must_use]
    pub fn new(scale: Tensor<1>, squares: Tensor<1>) -> Self {
        // Not a number is not below anything.
        Self { inverse_scale: scale.recip(), open: squares.lower_elem(f32::MAX) }
    }

    /// Whether the step happens, `[1]`.
    #[must_use]
    pub fn open(&self) -> Tensor<1, Bool> {
        self.open.clone()
    }

    /// A flattened gradient at its own size.
    pub(super) fn unscaled(&self, gradient: Tensor<1>) -> Tensor<1> {
        gradient * self.inverse_scale.clone()
    }

    /// `moved` where the step happens, else `kept`.
    pub(super) fn choose(&self, moved: Tensor<1>, kept: Tensor<1>) -> Tensor<1> {
        let open = self.open.clone().expand(moved.dims());
        kept.mask_where(open, moved)
    }
}

/// The sum of the squares of all gradients of `network`, `[1]`; `None` where there are none.
#[must_use]
pub fn squared_gradients(network: &impl Network, gradients: &Gradients) -> Option<Tensor<1>> {
    struct Sum<'a> {
        gradients: &'a Gradients,
        sum: Option<Tensor<1>>,
    }
    impl StateVisitor for Sum<'_> {
        fn parameter<const D: usize>(&mut self, _: &str, tensor: &mut Tensor<D>) {
            let Some(gradient) = tensor.grad(self.gradients) else { return };
            let squares = gradient.reshape([-1]).square().sum_dim(0);
            self.sum = Some(match self.sum.take() {
                Some(sum) => sum + squares,
                None => squares,
            });
        }
        fn buffer<const D: usize>(&mut self, _: &str, _: &mut Tensor<D>) {}
        fn counter(&mut self, _: &str, _: &mut u64) {}
    }
    let mut sum = Sum { gradients, sum: None };
    network.clone().visit("", &mut sum);
    sum.sum
}
