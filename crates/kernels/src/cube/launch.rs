//! What every launch needs.

use burn::tensor::{DType, Shape};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;

/// Workgroups that every adapter takes along one axis.
const MOST_WORKGROUPS: usize = 65_535;

/// `tensor` in row-major order, copied only if it is not already.
pub(super) fn contiguous(tensor: &CubeTensor) -> CubeTensor {
    into_contiguous(tensor.clone())
}

/// Room for a tensor of `shape` beside `like`, of the same element type.
pub(super) fn empty(like: &CubeTensor, shape: Shape) -> CubeTensor {
    empty_device_contiguous_dtype(like.client.clone(), like.device.clone(), shape, like.dtype)
}

/// Room for a tensor of 32-bit numbers beside `like`.
pub(super) fn numbers(like: &CubeTensor, shape: Shape) -> CubeTensor {
    empty_device_contiguous_dtype(like.client.clone(), like.device.clone(), shape, DType::F32)
}

/// The element type of `tensor` as kernels name it.
pub(super) fn storage_type(tensor: &CubeTensor) -> ElemType {
    burn::backend::cubecl::dtype_to_storage_type(tensor.dtype)
}

/// Two axes with room for `count` workgroups.
pub(super) fn plane_of_workgroups(count: usize) -> [u32; 2] {
    let rows = count.div_ceil(MOST_WORKGROUPS).max(1);
    [count.div_ceil(rows) as u32, rows as u32]
}
