//! The normalisations against the framework's operations and against finite differences.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use burn::tensor::{Device, Tensor, TensorData, activation};
use common::{assert_close, tensor, values};
use zview_kernels::{batch_norm, scale_shift};

const EPSILON: f64 = 1e-5;

fn per_channel(values: Tensor<1>) -> Tensor<4> {
    let [channels] = values.dims();
    values.reshape([1, channels, 1, 1])
}

fn composed(
    input: Tensor<4>,
    residual: Option<Tensor<4>>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    relu: bool,
) -> Tensor<4> {
    let mean = input.clone().mean_dims(&[0, 2, 3]);
    let centred = input - mean;
    let variance = centred.clone().square().mean_dims(&[0, 2, 3]);
    let output = centred / (variance + EPSILON).sqrt() * per_channel(weight) + per_channel(bias);
    let output = match residual {
        Some(residual) => output + residual,
        None => output,
    };
    if relu { activation::relu(output) } else { output }
}

struct Run {
    output: Tensor<4>,
    input: Tensor<4>,
    residual: Option<Tensor<4>>,
    weight: Tensor<1>,
    bias: Tensor<1>,
}

type Operation<'a> = dyn Fn(Tensor<4>, Option<Tensor<4>>, Tensor<1>, Tensor<1>) -> Tensor<4> + 'a;

fn run(shape: [usize; 4], with_residual: bool, device: &Device, operation: &Operation<'_>) -> Run {
    let device = device.clone().autodiff();
    let input = (tensor(shape, 1, &device) * 3.0 + 0.7).detach().require_grad();
    let residual = with_residual.then(|| tensor(shape, 2, &device).require_grad());
    let weight = (tensor([shape[1]], 3, &device) + 1.0).detach().require_grad();
    let bias = tensor([shape[1]], 4, &device).require_grad();
    let output = operation(input.clone(), residual.clone(), weight.clone(), bias.clone());
    let gradients = (output.clone() * tensor(shape, 5, &device)).sum().backward();
    Run {
        output: output.inner(),
        input: input.grad(&gradients).unwrap(),
        residual: residual.map(|residual| residual.grad(&gradients).unwrap()),
        weight: weight.grad(&gradients).unwrap(),
        bias: bias.grad(&gradients).unwrap(),
    }
}

#[track_caller]
fn assert_runs_close(actual: &Run, expected: &Run, case: &str) {
    assert_close(&actual.output, &expected.output, &format!("output of {case}"));
    assert_close(&actual.input, &expected.input, &format!("input gradient of {case}"));
    assert_close(&actual.weight, &expected.weight, &format!("weight gradient of {case}"));
    assert_close(&actual.bias, &expected.bias, &format!("bias gradient of {case}"));
    if let (Some(actual), Some(expected)) = (&actual.residual, &expected.residual) {
        assert_close(actual, expected, &format!("residual gradient of {case}"));
    }
}

const SHAPES: [[usize; 4]; 7] =
    [[2, 3, 5, 7], [8, 16, 28, 28], [3, 1, 4, 4], [40, 20, 7, 7], [5, 33, 1, 1], [1, 8, 9, 9], [2, 2, 4, 4]];

#[test]
fn batch_norm_agrees_with_the_framework() {
    let device = Device::flex();
    for shape in SHAPES {
        for (with_residual, relu) in [(false, false), (false, true), (true, false), (true, true)] {
            let actual = run(shape, with_residual, &device, &|x, r, w, b| {
                batch_norm(x, r, w, b, EPSILON, relu).output
            });
            let expected = run(shape, with_residual, &device, &|x, r, w, b| composed(x, r, w, b, relu));
            assert_runs_close(
                &actual,
                &expected,
                &format!("{shape:?}, residual {with_residual}, relu {relu}"),
            );
        }
    }
}

#[test]
fn scale_shift_agrees_with_the_framework() {
    let device = Device::flex();
    for shape in SHAPES {
        for (with_residual, relu) in [(false, false), (false, true), (true, false), (true, true)] {
            let composed = |x: Tensor<4>, r: Option<Tensor<4>>, w: Tensor<1>, b: Tensor<1>| {
                let output = x * per_channel(w) + per_channel(b);
                let output = r.map(|r| output.clone() + r).unwrap_or(output);
                if relu { activation::relu(output) } else { output }
            };
            let case = format!("{shape:?}, residual {with_residual}, relu {relu}");
            let actual = run(shape, with_residual, &device, &|x, r, w, b| scale_shift(x, r, w, b, relu));
            let expected = run(shape, with_residual, &device, &composed);
            assert_runs_close(&actual, &expected, &case);
            let residual = || with_residual.then(|| tensor(shape, 2, &device));
            let (x, w, b) =
                (tensor(shape, 1, &device), tensor([shape[1]], 3, &device), tensor([shape[1]], 4, &device));
            let plain = scale_shift(x.clone(), residual(), w.clone(), b.clone(), relu);
            assert_close(&plain, &composed(x, residual(), w, b), &case);
        }
    }
}

#[test]
fn statistics_are_those_of_the_batch() {
    // Far from zero, where a sum of squares would cancel.
    let shape = [6, 3, 11, 5];
    let device = Device::flex();
    let input = tensor(shape, 1, &device) * 0.01 + 100.0;
    let ones = Tensor::<1>::ones([3], &device);
    let result = batch_norm(input.clone(), None, ones.clone(), ones, EPSILON, false);
    let numbers: Vec<f32> = input.into_data().try_into_vec::<f32>().unwrap();
    let (mean, variance): (Vec<f32>, Vec<f32>) = (
        result.mean.into_data().try_into_vec::<f32>().unwrap(),
        result.variance.into_data().try_into_vec::<f32>().unwrap(),
    );
    for channel in 0..3 {
        let of_channel: Vec<f64> = numbers
            .chunks_exact(55)
            .skip(channel)
            .step_by(3)
            .flatten()
            .map(|value| f64::from(*value))
            .collect();
        let count = of_channel.len() as f64;
        let expected = of_channel.iter().sum::<f64>() / count;
        let spread = of_channel.iter().map(|value| (value - expected).powi(2)).sum::<f64>() / count;
        assert!((f64::from(mean[channel]) - expected).abs() < 1e-5, "{} {expected}", mean[channel]);
        assert!((f64::from(variance[channel]) / spread - 1.0).abs() < 1e-4, "{} {spread}", variance[channel]);
    }
}

#[test]
fn gradients_agree_with_finite_differences() {
    let shape = [3, 2, 3, 4];
    let len = shape.iter().product();
    let device = Device::flex().autodiff();
    let (weight, bias) = (tensor([2], 3, &device) + 1.0, tensor([2], 4, &device));
    // In double precision, by the definition.
    let factors = values(len, 5);
    let loss = |input: &[f64]| -> f64 {
        let weight: Vec<f32> = weight.clone().into_data().try_into_vec::<f32>().unwrap();
        let mut loss = 0.0;
        for (channel, weight) in weight.iter().enumerate() {
            let at: Vec<usize> = (0..len).filter(|index| index / 12 % 2 == channel).collect();
            let mean = at.iter().map(|&i| input[i]).sum::<f64>() / at.len() as f64;
            let variance = at.iter().map(|&i| (input[i] - mean).powi(2)).sum::<f64>() / at.len() as f64;
            for i in at {
                let normalized = (input[i] - mean) / (variance + EPSILON).sqrt() * f64::from(*weight);
                loss += normalized * f64::from(factors[i]);
            }
        }
        loss
    };
    let numbers = values(len, 1);
    let input = Tensor::<4>::from_data(TensorData::new(numbers.clone(), shape), &device).require_grad();
    let output = batch_norm(input.clone(), None, weight.clone(), bias, EPSILON, false).output;
    let gradients = (output * tensor(shape, 5, &device)).sum().backward();
    let gradient: Vec<f32> = input.grad(&gradients).unwrap().into_data().try_into_vec::<f32>().unwrap();
    let numbers: Vec<f64> = numbers.into_iter().map(f64::from).collect();
    for index in 0..len {
        let moved = |by: f64| {
            let mut moved = numbers.clone();
            moved[index] += by;
            loss(&moved)
        };
        let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        assert!((f64::from(gradient[index]) - expected).abs() < 1e-5, "{} {expected}", gradient[index]);
    }
}

#[test]
fn a_shared_gradient_is_not_overwritten() {
    // The sum hands one gradient to both; each normalisation works on it in place if it may.
    let device = Device::flex().autodiff();
    let shape = [2, 3, 4, 4];
    let ones = || Tensor::<1>::ones([3], &device);
    let zeros = || Tensor::<1>::zeros([3], &device);
    let first = tensor(shape, 1, &device).require_grad();
    let second = tensor(shape, 2, &device).require_grad();
    let separate = |input: &Tensor<4>, relu: bool| {
        let output = batch_norm(input.clone(), None, ones(), zeros(), EPSILON, relu).output;
        input.grad(&(output * tensor(shape, 5, &device)).sum().backward()).unwrap()
    };
    let both = batch_norm(first.clone(), None, ones(), zeros(), EPSILON, true).output
        + batch_norm(second.clone(), None, ones(), zeros(), EPSILON, false).output;
    let gradients = (both * tensor(shape, 5, &device)).sum().backward();
    assert_close(&first.grad(&gradients).unwrap(), &separate(&first, true), "first");
    assert_close(&second.grad(&gradients).unwrap(), &separate(&second, false), "second");
}

#[test]
fn what_is_not_a_number_stays_so() {
    let device = Device::flex();
    let input =
        Tensor::<4>::from_data(TensorData::new(vec![1.0f32, f32::NAN, 2.0, 3.0], [1, 1, 2, 2]), &device);
    let one = Tensor::<1>::ones([1], &device);
    let output: Vec<f32> =
        scale_shift(input, None, one.clone(), one, true).into_data().try_into_vec::<f32>().unwrap();
    assert!(output[1].is_nan() && output[0] == 2.0);
}
