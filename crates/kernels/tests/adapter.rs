//! The kernels on a graphics adapter, a software one too, against those on the CPU.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::OnceLock;

use burn::tensor::{DType, Device, DeviceKind, Tensor};
use common::{assert_close, difference, result_and_gradients, tensor};
use zview_kernels::{batch_norm, conv_transpose2d, conv2d, scale_shift};
use zview_runtime::testing;

/// What only rounding explains, relative to the largest value.
const TOLERANCE: f32 = 1e-5;

/// The best adapter, started once for all tests.
fn adapter() -> Option<Device> {
    static ADAPTER: OnceLock<Option<Device>> = OnceLock::new();
    let start = || {
        let kinds = [DeviceKind::DiscreteGpu(0), DeviceKind::IntegratedGpu(0), DeviceKind::VirtualGpu(0)];
        let kinds = kinds.into_iter().chain([DeviceKind::Cpu]);
        kinds.into_iter().find_map(|kind| Device::wgpu_options().device_kind(kind).init().ok())
    };
    testing::adapter(ADAPTER.get_or_init(start).clone())
}

#[track_caller]
fn assert_same(
    input: [usize; 4],
    weight: [usize; 4],
    adapter: &Device,
    operation: &dyn Fn(Tensor<4>, Tensor<4>) -> Tensor<4>,
) {
    let expected = result_and_gradients(input, weight, &Device::flex(), operation);
    let actual = result_and_gradients(input, weight, adapter, operation);
    for ((actual, expected), part) in
        actual.iter().zip(&expected).zip(["output", "input gradient", "weight gradient"])
    {
        let error = difference(actual, expected);
        assert!(error <= TOLERANCE, "{part} of {input:?} with {weight:?}: {error:e}");
    }
}

#[test]
fn convolutions_agree_with_the_cpu() {
    let Some(adapter) = adapter() else { return };
    for (channels, out_channels) in [(1, 16), (3, 8), (16, 20), (33, 70), (20, 33), (130, 5)] {
        for size in [[28, 28], [7, 7], [4, 4], [5, 13]] {
            for (kernel, stride, padding) in
                [(3, 1, 1), (3, 2, 1), (1, 1, 0), (1, 2, 0), (7, 2, 3), (3, 1, 0), (2, 2, 2), (1, 3, 0)]
            {
                if kernel > size[0] + 2 * padding {
                    continue;
                }
                let input = [2, channels, size[0], size[1]];
                let weight = [out_channels, channels, kernel, kernel];
                assert_same(input, weight, &adapter, &|x, w| conv2d(x, w, [stride; 2], [padding; 2]));
            }
        }
    }
}

#[test]
fn transposed_convolutions_agree_with_the_cpu() {
    let Some(adapter) = adapter() else { return };
    for (channels, out_channels) in [(1, 16), (16, 3), (20, 33)] {
        for (kernel, stride, padding, output_padding) in
            [(4, 2, 1, 0), (3, 2, 1, 1), (4, 1, 0, 0), (3, 1, 1, 0), (2, 3, 0, 2), (5, 2, 3, 1), (1, 1, 0, 0)]
        {
            for size in [[4, 4], [7, 5], [13, 14]] {
                let input = [2, channels, size[0], size[1]];
                let weight = [channels, out_channels, kernel, kernel];
                assert_same(input, weight, &adapter, &|x, w| {
                    conv_transpose2d(x, w, [stride; 2], [padding; 2], [output_padding; 2])
                });
            }
        }
    }
}

/// The framework's direct convolution gave weight gradients that were wrong by up to 0.9 of their largest value
/// on lavapipe, at these and no neighbouring batch sizes.
#[test]
fn weight_gradients_of_large_batches_are_right() {
    let Some(adapter) = adapter() else { return };
    for batch in [227, 256] {
        let input = [batch, 16, 32, 32];
        assert_same(input, [16, 16, 3, 3], &adapter, &|x, w| conv2d(x, w, [1, 1], [1, 1]));
    }
}

/// Output, statistics and gradients of a batch normalisation.
fn normalize(shape: [usize; 4], with_residual: bool, relu: bool, device: &Device) -> Vec<Tensor<1>> {
    let device = device.clone().autodiff();
    let input = (tensor(shape, 1, &device) * 3.0 + 0.7).detach().require_grad();
    let residual = with_residual.then(|| tensor(shape, 2, &device).require_grad());
    let weight = (tensor([shape[1]], 3, &device) + 1.0).detach().require_grad();
    let bias = tensor([shape[1]], 4, &device).require_grad();
    let normalized = batch_norm(input.clone(), residual.clone(), weight.clone(), bias.clone(), 1e-5, relu);
    let gradients = (normalized.output.clone() * tensor(shape, 5, &device)).sum().backward();
    let mut parts = vec![
        normalized.output.inner().flatten(0, 3),
        normalized.mean.inner(),
        normalized.variance.inner(),
        input.grad(&gradients).unwrap().flatten(0, 3),
        weight.grad(&gradients).unwrap(),
        bias.grad(&gradients).unwrap(),
    ];
    parts.extend(residual.map(|residual| residual.grad(&gradients).unwrap().flatten(0, 3)));
    parts
}

#[test]
fn normalizations_agree_with_the_cpu() {
    let Some(adapter) = adapter() else { return };
    for shape in [[2, 3, 5, 7], [8, 16, 28, 28], [40, 20, 7, 7], [5, 33, 1, 1], [1, 8, 9, 9], [70, 300, 2, 2]]
    {
        for (with_residual, relu) in [(false, false), (false, true), (true, false), (true, true)] {
            let expected = normalize(shape, with_residual, relu, &Device::flex());
            let actual = normalize(shape, with_residual, relu, &adapter);
            assert_eq!(actual.len(), expected.len());
            for (index, (actual, expected)) in actual.iter().zip(&expected).enumerate() {
                let error = difference(actual, expected);
                let case = format!("part {index} of {shape:?}, residual {with_residual}, relu {relu}");
                assert!(error <= TOLERANCE, "{case}: {error:e}");
            }
            let (x, r) = (tensor(shape, 1, &adapter), with_residual.then(|| tensor(shape, 2, &adapter)));
            let (s, t) = (tensor([shape[1]], 3, &adapter), tensor([shape[1]], 4, &adapter));
            let shifted = scale_shift(x, r, s, t, relu);
            let cpu = Device::flex();
            let (x, r) = (tensor(shape, 1, &cpu), with_residual.then(|| tensor(shape, 2, &cpu)));
            let (s, t) = (tensor([shape[1]], 3, &cpu), tensor([shape[1]], 4, &cpu));
            assert!(difference(&shifted, &scale_shift(x, r, s, t, relu)) <= TOLERANCE);
        }
    }
}

#[test]
fn a_mean_far_from_zero_does_not_spoil_the_variance() {
    let Some(adapter) = adapter() else { return };
    let variance = |device: &Device| {
        let (input, one) = (tensor([16, 4, 20, 20], 1, device) + 100.0, Tensor::ones([4], device));
        batch_norm(input, None, one.clone(), one, 1e-5, false).variance
    };
    assert!(difference(&variance(&adapter), &variance(&Device::flex())) <= 1e-4);
}

/// Images of 16 bits with parameters of 32: results and gradients follow the 32-bit ones within what 16 bits hold.
#[test]
fn images_of_16_bits_follow_those_of_32() {
    let Some(adapter) = adapter() else { return };
    if !adapter.supports_dtype(DType::F16) {
        return testing::did_not_run("this adapter does not compute in f16");
    }
    let run = |dtype: DType| {
        let device = adapter.clone().autodiff();
        let input = tensor([6, 5, 12, 10], 1, &device).require_grad();
        let residual = tensor([6, 20, 6, 5], 2, &device).require_grad();
        let weight = tensor([20, 5, 3, 3], 3, &device).require_grad();
        let scale = (tensor([20], 4, &device) + 1.0).detach().require_grad();
        let bias = tensor([20], 5, &device).require_grad();
        let images = conv2d(input.clone().cast(dtype), weight.clone(), [2, 2], [1, 1]);
        assert_eq!(images.dtype(), dtype);
        let shortcut = Some(residual.clone().cast(dtype));
        let normalized = batch_norm(images, shortcut, scale.clone(), bias.clone(), 1e-5, true);
        assert_eq!((normalized.output.dtype(), normalized.mean.dtype()), (dtype, DType::F32));
        let output = normalized.output.cast(DType::F32);
        let gradients = (output.clone() * tensor([6, 20, 6, 5], 6, &device)).sum().backward();
        let weight = weight.grad(&gradients).unwrap();
        assert_eq!(weight.dtype(), DType::F32, "gradients of parameters keep 32 bits");
        vec![
            output.inner().flatten::<1>(0, 3),
            weight.flatten(0, 3),
            scale.grad(&gradients).unwrap(),
            bias.grad(&gradients).unwrap(),
            residual.grad(&gradients).unwrap().flatten(0, 3),
            input.grad(&gradients).unwrap().flatten(0, 3),
        ]
    };
    for (index, (half, full)) in run(DType::F16).iter().zip(&run(DType::F32)).enumerate() {
        // A value whose sign 16 bits do not settle moves whole gradients: the average is judged.
        let (half, full): (Vec<f32>, Vec<f32>) = (
            half.clone().into_data().try_into_vec().unwrap(),
            full.clone().into_data().try_into_vec().unwrap(),
        );
        let squares = |values: &mut dyn Iterator<Item = f32>| values.map(|x| x * x).sum::<f32>();
        let error =
            squares(&mut half.iter().zip(&full).map(|(a, b)| a - b)) / squares(&mut full.iter().copied());
        assert!(error.sqrt() < 0.02, "part {index}: {}", error.sqrt());
        assert!(error > 0.0, "part {index} was not computed in 16 bits");
    }
}

/// One operation after the other, results read by several.
fn step(device: &Device) -> Vec<Tensor<4>> {
    let device = device.clone().autodiff();
    let input = tensor([2, 3, 6, 5], 1, &device).require_grad();
    let weight = tensor([4, 3, 3, 3], 2, &device).require_grad();
    let scale = (tensor([4], 3, &device) + 1.0).detach().require_grad();
    let bias = tensor([4], 4, &device).require_grad();
    let convolved = conv2d(input.clone(), weight.clone(), [2, 2], [1, 1]);
    let residual = tensor(convolved.dims(), 6, &device).require_grad();
    let normalized =
        batch_norm(convolved.clone(), Some(residual.clone()), scale.clone(), bias.clone(), 1e-5, false);
    let grown =
        conv_transpose2d(normalized.output.clone(), tensor([4, 2, 4, 4], 5, &device), [2, 2], [1, 1], [0, 0]);
    let shifted = scale_shift(convolved.clone(), None, scale.clone(), bias.clone(), true);
    let loss = (grown.clone() * tensor(grown.dims(), 7, &device)).sum() + shifted.clone().square().sum();
    let gradients = loss.backward();
    let channels = |tensor: Tensor<1>| tensor.reshape([1, 4, 1, 1]);
    vec![
        convolved.inner(),
        normalized.output.inner(),
        channels(normalized.mean.inner()),
        channels(normalized.variance.inner()),
        grown.inner(),
        shifted.inner(),
        input.grad(&gradients).unwrap(),
        weight.grad(&gradients).unwrap(),
        residual.grad(&gradients).unwrap(),
        channels(scale.grad(&gradients).unwrap()),
        channels(bias.grad(&gradients).unwrap()),
    ]
}

#[test]
fn a_chain_of_all_operations_agrees_with_the_cpu() {
    let Some(adapter) = adapter() else { return };
    let cpu = Device::flex();
    for (index, (actual, expected)) in step(&adapter).into_iter().zip(step(&cpu)).enumerate() {
        assert_close(&actual, &expected, &format!("result {index}"));
    }
}
