//! Convolution and gradients against a direct sum in double precision, with every instruction set.

use super::{Geometry, convolve, convolve_input_gradient, convolve_weight_gradient};
use crate::memory::with_scratch;
use crate::simd::InstructionSet;

/// Repeatable values between -0.5 and 0.5.
fn values(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u32 << 24) as f32 - 0.5
    };
    (0..len).map(|_| next()).collect()
}

struct Reference {
    output: Vec<f64>,
    input_gradient: Vec<f64>,
    weight_gradient: Vec<f64>,
}

fn reference(geometry: &Geometry, input: &[f32], weight: &[f32], gradient: &[f32]) -> Reference {
    let Geometry { batch, in_channels, out_channels, input: [height, width], .. } = *geometry;
    let Geometry { output: [rows, columns], kernel: [kernel_y, kernel_x], stride, padding, .. } = *geometry;
    let mut reference = Reference {
        output: vec![0.0; gradient.len()],
        input_gradient: vec![0.0; input.len()],
        weight_gradient: vec![0.0; weight.len()],
    };
    for target in 0..batch * out_channels * rows * columns {
        let (column, row) = (target % columns, target / columns % rows);
        let (out_channel, image) =
            (target / columns / rows % out_channels, target / columns / rows / out_channels);
        for tap in 0..in_channels * kernel_y * kernel_x {
            let (kx, ky, channel) = (tap % kernel_x, tap / kernel_x % kernel_y, tap / kernel_x / kernel_y);
            let (y, x) = (row * stride[0] + ky, column * stride[1] + kx);
            if y < padding[0] || x < padding[1] || y >= height + padding[0] || x >= width + padding[1] {
                continue;
            }
            let source = ((image * in_channels + channel) * height + y - padding[0]) * width + x - padding[1];
            let factor = out_channel * in_channels * kernel_y * kernel_x + tap;
            let (value, weight) = (f64::from(input[source]), f64::from(weight[factor]));
            reference.output[target] += value * weight;
            reference.input_gradient[source] += f64::from(gradient[target]) * weight;
            reference.weight_gradient[factor] += f64::from(gradient[target]) * value;
        }
    }
    reference
}

#[track_caller]
fn assert_close(actual: &[f32], expected: &[f64], case: &str) {
    assert_eq!(actual.len(), expected.len(), "{case}");
    let largest = expected.iter().fold(1e-30, |largest: f64, value| largest.max(value.abs()));
    for (actual, expected) in actual.iter().zip(expected) {
        let error = (f64::from(*actual) - expected).abs() / largest;
        assert!(error <= 5e-6, "{case}: {actual} where {expected} is due, {error:e} of the largest");
    }
}

/// What was left in the working space may be anything, as after a run that diverged; products with gradients of zero
/// must not meet it.
fn spoil_scratch() {
    rayon::broadcast(|_| with_scratch(1 << 16, |scratch| scratch.fill(f32::NAN)));
    with_scratch(1 << 16, |scratch| scratch.fill(f32::NAN));
}

fn compare(geometry: Geometry) {
    let [rows, columns] = geometry.output;
    let pixels = geometry.input[0] * geometry.input[1];
    let input = values(geometry.batch * geometry.in_channels * pixels, 1);
    let weight =
        values(geometry.out_channels * geometry.in_channels * geometry.kernel[0] * geometry.kernel[1], 2);
    let gradient = values(geometry.batch * geometry.out_channels * rows * columns, 3);
    let expected = reference(&geometry, &input, &weight, &gradient);
    for set in InstructionSet::available() {
        let case = format!("{set:?} {geometry:?}");
        spoil_scratch();
        assert_close(&convolve(set, &geometry, &input, &weight), &expected.output, &case);
        let input_gradient = convolve_input_gradient(set, &geometry, &gradient, &weight);
        assert_close(&input_gradient, &expected.input_gradient, &case);
        let weight_gradient = convolve_weight_gradient(set, &geometry, &input, &gradient);
        assert_close(&weight_gradient, &expected.weight_gradient, &case);
    }
}

fn geometry(
    [batch, in_channels, out_channels, height, width]: [usize; 5],
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
) -> Option<Geometry> {
    let size = |size: usize, axis: usize| {
        Some((size + 2 * padding[axis]).checked_sub(kernel[axis])? / stride[axis] + 1)
    };
    let output = [size(height, 0)?, size(width, 1)?];
    Some(Geometry {
        batch,
        in_channels,
        out_channels,
        input: [height, width],
        output,
        kernel,
        stride,
        padding,
    })
}

const SIZES: [[usize; 5]; 9] = [
    [1, 1, 1, 1, 1],
    [2, 1, 16, 28, 28],
    [3, 3, 8, 9, 7],
    [2, 16, 20, 14, 14],
    [2, 20, 33, 7, 7],
    [1, 33, 16, 5, 13],
    [5, 8, 32, 4, 4],
    [2, 16, 48, 15, 31],
    [1, 3, 3, 33, 40],
];

#[test]
fn agrees_with_a_direct_sum() {
    for size in SIZES {
        for (kernel, padding) in [(1, 0), (1, 1), (2, 1), (3, 0), (3, 1), (3, 3), (7, 2), (7, 3)] {
            for stride in [1, 2, 3] {
                if let Some(geometry) = geometry(size, [kernel; 2], [stride; 2], [padding; 2]) {
                    compare(geometry);
                }
            }
        }
    }
}

#[test]
fn axes_may_differ() {
    for size in SIZES {
        for (kernel, stride, padding) in
            [([1, 3], [2, 1], [0, 2]), ([3, 2], [1, 3], [1, 0]), ([5, 1], [4, 2], [3, 1])]
        {
            if let Some(geometry) = geometry(size, kernel, stride, padding) {
                compare(geometry);
            }
        }
    }
}

#[test]
fn large_images_are_cut_into_bands() {
    // More channels and rows than the working copy of one band holds.
    for (kernel, stride) in [(3, 1), (3, 2)] {
        let geometry = geometry([1, 40, 17, 70, 66], [kernel; 2], [stride; 2], [1, 1]);
        compare(geometry.unwrap());
    }
}

#[test]
fn stale_working_space_does_not_leak_into_a_result() {
    let geometry = geometry([1, 3, 3, 9, 9], [3, 3], [1, 1], [1, 1]).unwrap();
    let set = InstructionSet::widest();
    let poison = vec![f32::NAN; 3 * 9 * 9];
    let _ = convolve_weight_gradient(set, &geometry, &poison, &poison);
    let _ = convolve(set, &geometry, &poison, &values(81, 5));
    compare(geometry);
}
