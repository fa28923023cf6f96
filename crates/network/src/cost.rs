//! What a network must do at least: arithmetic and memory traffic, counted from the shapes of its layers.
//!
//! Every layer says its own cost beside its forward pass, in a function `cost` that takes the shape of the
//! input and gives the shape of the output, so that a network's cost reads like its forward pass. The
//! conventions: a multiply-add is two operations, padding is counted as if it were multiplied (as
//! `torch.utils.flop_counter` does), and a comparison, an exponential or a square root is one operation.
//! Values are f32. One layer is one operation on memory: it reads each input once and writes each output
//! once, whatever number of kernels a device takes for it.

use std::ops::{Add, AddAssign, Mul};

use serde::Serialize;

/// Bytes of an f32.
const VALUE_BYTES: u64 = 4;

/// Arithmetic and memory traffic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// Floating-point operations; a multiply-add counts 2.
    pub operations: u64,
    /// Bytes read and written.
    pub bytes: u64,
}

impl Cost {
    /// `operations` that read and write `values` f32 values in all.
    #[must_use]
    pub fn new(operations: usize, values: usize) -> Self {
        Self { operations: operations as u64, bytes: VALUE_BYTES * values as u64 }
    }

    /// One pass over tensors of `values` values each that reads and writes `tensors` of them, with
    /// `operations` per value.
    #[must_use]
    pub fn element_wise(operations: usize, values: usize, tensors: usize) -> Self {
        Self::new(operations * values, tensors * values)
    }

    /// `count` products of matrices (rows, inner) and (inner, columns).
    #[must_use]
    pub fn matrix_products(count: usize, rows: usize, inner: usize, columns: usize) -> Self {
        let values = rows * inner + inner * columns + rows * columns;
        Self::new(2 * count * rows * inner * columns, count * values)
    }
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { operations: self.operations + other.operations, bytes: self.bytes + other.bytes }
    }
}

impl Mul<u64> for Cost {
    type Output = Self;

    fn mul(self, times: u64) -> Self {
        Self { operations: self.operations * times, bytes: self.bytes * times }
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::iter::Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), Add::add)
    }
}

/// The cost of a network in training, to which every layer adds its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TrainingCost {
    /// The forward pass.
    pub forward: Cost,
    /// The gradients of inputs and parameters.
    pub backward: Cost,
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use zview_runtime::seed::{Purpose, Stream};

    use super::*;
    use crate::layers::{BatchNorm, Convolution, Init, Linear};

    fn random() -> Stream {
        Stream::new(0, Purpose::Weights, 0, 0)
    }

    #[test]
    fn a_convolution_costs_its_formula() {
        // Five images of 7x6 pixels, 2 channels to 3, 3x3 with stride 2: the output is 4x3.
        let conv = Convolution::new(2, 3, 3, 2, Init::Uniform, &mut random(), &Device::flex());
        let mut total = TrainingCost::default();
        assert_eq!(conv.cost([5, 2, 7, 6], true, &mut total), [5, 3, 4, 3]);
        let operations = 2 * 5 * (4 * 3) * 3 * 2 * 9;
        let bytes = 4 * (5 * 2 * 7 * 6 + 3 * 2 * 9 + 5 * 3 * 4 * 3);
        assert_eq!(total.forward, Cost { operations, bytes });
        assert_eq!(total.backward, Cost { operations: 2 * operations, bytes: 2 * bytes });
    }

    #[test]
    fn a_linear_layer_costs_its_formula() {
        let mut total = TrainingCost::default();
        let linear = Linear::new(4, 3, &mut random(), &Device::flex());
        assert_eq!(linear.cost([5, 4], &mut total), [5, 3]);
        assert_eq!(total.forward.operations, 2 * 5 * 4 * 3 + 5 * 3);
        assert_eq!(total.forward.bytes, 4 * (5 * 4 + 4 * 3 + 3 + 5 * 3));
        assert_eq!(total.backward.operations, 2 * (2 * 5 * 4 * 3) + 5 * 3);
    }

    #[test]
    fn a_shortcut_adds_its_own_reads_and_writes_to_a_norm() {
        let cost = |shortcut| {
            let mut total = TrainingCost::default();
            BatchNorm::new(3, &Device::flex()).cost([5, 3, 4, 4], shortcut, true, &mut total);
            total
        };
        let values = 5 * 3 * 4 * 4;
        assert_eq!(cost(false).forward.bytes, 4 * (2 * values + 8 * 3));
        assert_eq!(cost(true).forward.bytes - cost(false).forward.bytes, 4 * values);
        // Its gradient is written, and the output read for the ReLU's mask.
        assert_eq!(cost(true).backward.bytes - cost(false).backward.bytes, 4 * 2 * values);
    }
}
