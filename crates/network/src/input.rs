//! What goes into networks that are trained.

use burn::tensor::Tensor;
use zview_runtime::device::is_cpu;

/// `values`, which have no gradients, on their way into networks whose gradients are recorded.
///
/// A backward pass through parameters alone gives wrong gradients on some GPU drivers (tracel-ai/burn #5162). On
/// adapters the input therefore has a gradient too, which costs one small operation.
#[must_use]
pub fn training_input<const D: usize>(values: Tensor<D>) -> Tensor<D> {
    let on_cpu = is_cpu(&values.device());
    let input = values.autodiff();
    if on_cpu { input } else { input.require_grad() }
}
