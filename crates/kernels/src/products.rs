//! Products and passes by the framework, recorded: what goes through here is counted by `zview bench`.

use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};
use burn::tensor::{Tensor, module};

use crate::cost::{Costs, Operand, bytes};
use crate::recording::{LayerCall, record_cost, record_layer};

/// `compute` of two operands; `multiply_adds` of it from the number of values that it gives.
pub(crate) fn product<const D: usize, const E: usize>(
    left: Tensor<D>,
    right: Tensor<E>,
    multiply_adds: impl FnOnce(usize) -> usize,
    compute: impl FnOnce(Tensor<D>, Tensor<E>) -> Tensor<D>,
) -> Tensor<D> {
    let operands = [Operand::from(&left), Operand::from(&right)];
    let result = compute(left, right);
    let values = result.shape().num_elements();
    record_cost(|| Costs::product(multiply_adds(values), operands, bytes(&result)));
    result
}

/// Product of matrices, those of leading dimensions one by one.
#[must_use]
pub fn matmul<const D: usize>(left: Tensor<D>, right: Tensor<D>) -> Tensor<D> {
    let depth = left.dims()[D - 1];
    product(left, right, |values| values * depth, Tensor::matmul)
}

/// A fully connected layer.
///
/// # Shapes
/// x (B, I), weight (I, O), bias (O), result (B, O).
#[must_use]
pub fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    let ([rows, inputs], [_, outputs]) = (x.dims(), weight.dims());
    record_layer(|| LayerCall::Linear { rows, inputs, outputs });
    product(x, weight, |values| values * inputs, |x, weight| module::linear(x, weight, bias))
}

/// As [`conv2d`](crate::conv2d), of groups of channels or of a kernel with gaps.
///
/// # Shapes
/// input (B, I, H, W), weight (O, I / groups, KH, KW), bias (O), result (B, O, HO, WO).
pub fn sparse_conv2d(
    input: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    options: ConvOptions<2>,
) -> Tensor<4> {
    let [_, inputs, height, width] = weight.dims();
    let depth = inputs * height * width;
    product(
        input,
        weight,
        |values| values * depth,
        |input, weight| module::conv2d(input, weight, bias, options),
    )
}

/// As [`conv_transpose2d`](crate::conv_transpose2d), of groups of channels or of a kernel with gaps.
///
/// # Shapes
/// input (B, I, H, W), weight (I, O / groups, KH, KW), bias (O), result (B, O, HO, WO).
pub fn sparse_conv_transpose2d(
    input: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    options: ConvTransposeOptions<2>,
) -> Tensor<4> {
    let [_, outputs, height, width] = weight.dims();
    let multiply_adds = input.shape().num_elements() * outputs * height * width;
    let compute = |input, weight| module::conv_transpose2d(input, weight, bias, options);
    product(input, weight, |_| multiply_adds, compute)
}

/// `work`, a chain of element-wise operations and reductions, counted as one pass over memory: what a fused kernel
/// needs.
pub fn pass<const D: usize, const E: usize>(
    x: Tensor<D>,
    work: impl FnOnce(Tensor<D>) -> Tensor<E>,
) -> Tensor<E> {
    let operand = Operand::from(&x);
    let result = work(x);
    record_cost(|| Costs::pass(&[operand], bytes(&result)));
    result
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, activation};

    use super::*;
    use crate::{Cost, batch_norm, conv_transpose2d, conv2d, record_costs, take_costs};

    fn images<const D: usize>(shape: [usize; D], tracked: bool) -> Tensor<D> {
        let tensor = Tensor::ones(shape, &Device::flex()).autodiff();
        if tracked { tensor.require_grad() } else { tensor }
    }

    fn cost(operations: usize, read: usize, written: usize) -> Cost {
        Cost { operations: operations as u64, read: 4 * read as u64, written: 4 * written as u64 }
    }

    #[test]
    fn a_convolution_costs_its_formula_and_each_gradient_as_much() {
        // Five images of 7x6 pixels, 2 channels to 3, 3x3 with stride 2: the output is 4x3.
        let (x, w, y) = (5 * 2 * 7 * 6, 3 * 2 * 9, 5 * 3 * 4 * 3);
        let operations = 2 * y * 2 * 9;
        for tracked in [false, true] {
            let (input, weight) = (images([5, 2, 7, 6], tracked), images([3, 2, 3, 3], true));
            let (_, costs) = record_costs(|| conv2d(input, weight, [2, 2], [1, 1]));
            assert_eq!(costs.forward, cost(operations, x + w, y));
            let of_weight = cost(operations, y + x, w);
            let of_input = cost(operations, y + w, x);
            assert_eq!(costs.backward, if tracked { of_weight + of_input } else { of_weight });
        }
    }

    #[test]
    fn groups_and_transposition_multiply_what_they_have() {
        let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 2);
        let (grouped, costs) = record_costs(|| {
            sparse_conv2d(images([1, 4, 5, 5], false), images([6, 2, 3, 3], false), None, options)
        });
        assert_eq!(grouped.dims(), [1, 6, 5, 5]);
        assert_eq!(costs.forward.operations, 2 * 6 * 25 * 2 * 9);
        assert_eq!(costs.backward, Cost::default());
        let (x, w) = (images([1, 4, 5, 5], false), images([4, 3, 4, 4], false));
        let (_, costs) = record_costs(|| conv_transpose2d(x, w, [2, 2], [1, 1], [0, 0]));
        assert_eq!(costs.forward.operations, 2 * 4 * 25 * 3 * 16);
        let options = ConvTransposeOptions::new([2, 2], [1, 1], [0, 0], [1, 1], 2);
        let (x, w) = (images([1, 4, 5, 5], false), images([4, 3, 4, 4], false));
        let (_, costs) = record_costs(|| sparse_conv_transpose2d(x, w, None, options));
        assert_eq!(costs.forward.operations, 2 * 4 * 25 * 3 * 16);
    }

    #[test]
    fn products_cost_their_formula() {
        let (_, costs) = record_costs(|| linear(images([5, 4], false), images([4, 3], true), None));
        assert_eq!(costs.forward, cost(2 * 5 * 4 * 3, 5 * 4 + 4 * 3, 5 * 3));
        assert_eq!(costs.backward, cost(2 * 5 * 4 * 3, 5 * 4 + 5 * 3, 4 * 3));
        // One matrix for both images is read once.
        let (_, costs) = record_costs(|| matmul(images([2, 5, 4], false), images([1, 4, 3], false)));
        assert_eq!(costs.forward, cost(2 * 2 * 5 * 4 * 3, 2 * 5 * 4 + 4 * 3, 2 * 5 * 3));
    }

    #[test]
    fn a_pass_reads_and_writes_and_a_residual_adds_its_own() {
        let (_, costs) = record_costs(|| pass(images([5, 4], true), activation::relu));
        assert_eq!([costs.forward, costs.backward], [cost(0, 20, 20), cost(0, 40, 20)]);
        let norm = |residual: Option<Tensor<4>>| {
            let (scale, shift) = (images([3], true), images([3], true));
            record_costs(|| batch_norm(images([5, 3, 4, 4], true), residual, scale, shift, 1e-5, true)).1
        };
        let (plain, added, values) = (norm(None), norm(Some(images([5, 3, 4, 4], true))), 5 * 3 * 4 * 4);
        assert_eq!(plain.forward, cost(0, values + 2 * 3, values + 2 * 3));
        assert_eq!(added.forward, plain.forward + cost(0, values, 0));
        assert_eq!(added.backward, plain.backward + cost(0, values, values));
    }

    #[test]
    fn costs_are_taken_once() {
        let work = || drop(matmul(images([2, 2], false), images([2, 2], false)));
        let (first, rest) = record_costs(|| {
            work();
            let first = take_costs();
            work();
            work();
            first
        });
        assert_eq!(first.forward + first.forward, rest.forward);
        assert_eq!(take_costs(), Costs::default(), "nobody records");
    }
}
