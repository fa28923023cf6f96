//! Activations of 16 bits beside parameters of 32.

use burn::tensor::{DType, Tensor};

/// `tensor` in the precision of `other`.
pub(super) fn in_precision_of<const D: usize, const E: usize>(
    tensor: Tensor<D>,
    other: &Tensor<E>,
) -> Tensor<D> {
    with_precision(tensor, other.dtype())
}

/// `tensor` in this precision.
pub(super) fn with_precision<const D: usize>(tensor: Tensor<D>, precision: DType) -> Tensor<D> {
    if tensor.dtype() == precision { tensor } else { tensor.cast(precision) }
}
