//! Helpers of the tests.

#![allow(dead_code, reason = "each test uses some of them")]

use burn::tensor::{Device, Tensor, TensorData};

/// Repeatable values between -0.5 and 0.5.
pub fn values(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u32 << 24) as f32 - 0.5
    };
    (0..len).map(|_| next()).collect()
}

/// A tensor of repeatable values.
pub fn tensor<const D: usize>(shape: [usize; D], seed: u64, device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values(shape.iter().product(), seed), shape), device)
}

/// Largest difference, relative to the largest value of `expected`.
#[track_caller]
pub fn difference<const D: usize>(actual: &Tensor<D>, expected: &Tensor<D>) -> f32 {
    assert_eq!(actual.dims(), expected.dims());
    let actual: Vec<f32> = actual.clone().into_data().try_into_vec::<f32>().unwrap();
    let expected: Vec<f32> = expected.clone().into_data().try_into_vec::<f32>().unwrap();
    let largest = expected.iter().fold(1e-20f32, |largest, value| largest.max(value.abs()));
    let error = |(a, b): (&f32, &f32)| if (a - b).is_nan() { f32::INFINITY } else { (a - b).abs() };
    actual.iter().zip(&expected).map(error).fold(0.0, f32::max) / largest
}

/// Asserts that two tensors agree to `1e-5` of the largest value.
#[track_caller]
pub fn assert_close<const D: usize>(actual: &Tensor<D>, expected: &Tensor<D>, what: &str) {
    let difference = difference(actual, expected);
    assert!(difference <= 1e-5, "{what} differs by {difference:e} of its largest value");
}

/// Result of `operation` on an input and a weight, and the gradients of both.
pub fn result_and_gradients(
    input: [usize; 4],
    weight: [usize; 4],
    device: &Device,
    operation: impl Fn(Tensor<4>, Tensor<4>) -> Tensor<4>,
) -> [Tensor<4>; 3] {
    let device = device.clone().autodiff();
    let input = tensor(input, 1, &device).require_grad();
    let weight = tensor(weight, 2, &device).require_grad();
    let output = operation(input.clone(), weight.clone());
    let gradient = tensor(output.dims(), 3, &device);
    let gradients = (output.clone() * gradient).sum().backward();
    [output.inner(), input.grad(&gradients).unwrap(), weight.grad(&gradients).unwrap()]
}
