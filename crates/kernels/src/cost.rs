//! What a computation takes: the operations of its products and the bytes that move.
//!
//! A multiply-add is two operations, and padding is counted as if it were multiplied, as `torch.utils.flop_counter`
//! does; element-wise work has none. Each operand is read once and each result written once, whatever number of kernels
//! a device takes for it.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul};

use burn::tensor::Tensor;

/// Arithmetic and memory traffic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Floating-point operations of convolutions and products.
    pub operations: u64,
    /// Bytes read.
    pub read: u64,
    /// Bytes written.
    pub written: u64,
}

impl Cost {
    /// Bytes read and written.
    #[must_use]
    pub fn bytes(self) -> u64 {
        self.read + self.written
    }
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            operations: self.operations + other.operations,
            read: self.read + other.read,
            written: self.written + other.written,
        }
    }
}

impl Mul<bool> for Cost {
    type Output = Self;

    /// It, or nothing.
    fn mul(self, taken: bool) -> Self {
        if taken { self } else { Self::default() }
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), Add::add)
    }
}

/// What was computed, and what the gradients of it take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Costs {
    /// What was computed.
    pub forward: Cost,
    /// The backward pass through what had gradients recorded.
    pub backward: Cost,
}

impl AddAssign for Costs {
    fn add_assign(&mut self, other: Self) {
        self.forward += other.forward;
        self.backward += other.backward;
    }
}

/// Size of an operand, and whether its gradient is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operand {
    bytes: u64,
    tracked: bool,
}

impl<const D: usize> From<&Tensor<D>> for Operand {
    fn from(tensor: &Tensor<D>) -> Self {
        Self { bytes: bytes(tensor), tracked: tensor.is_tracked() }
    }
}

/// Size of a tensor.
pub(crate) fn bytes<const D: usize>(tensor: &Tensor<D>) -> u64 {
    (tensor.shape().num_elements() * tensor.dtype().size()) as u64
}

impl Costs {
    /// A product of two operands by so many multiply-adds. The gradient of an operand takes as many between the result's
    /// gradient and the other operand.
    pub(crate) fn product(multiply_adds: usize, [left, right]: [Operand; 2], result: u64) -> Self {
        let operations = 2 * multiply_adds as u64;
        let gradient = |of: Operand, other: Operand| {
            Cost { operations, read: result + other.bytes, written: of.bytes } * of.tracked
        };
        Self {
            forward: Cost { operations, read: left.bytes + right.bytes, written: result },
            backward: gradient(left, right) + gradient(right, left),
        }
    }

    /// One pass over the operands. Its gradient reads them and the result's gradient, and writes theirs.
    pub(crate) fn pass(operands: &[Operand], result: u64) -> Self {
        let read = operands.iter().map(|operand| operand.bytes).sum();
        let tracked = operands.iter().filter(|operand| operand.tracked).map(|operand| operand.bytes);
        let written: u64 = tracked.sum();
        Self {
            forward: Cost { operations: 0, read, written: result },
            backward: Cost { operations: 0, read: read + result, written } * (written > 0),
        }
    }
}
