//! On wgpu the functions are the framework's own operations: the same values as on the CPU.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use burn::tensor::{Device, DeviceKind, Tensor};
use common::{assert_close, tensor};
use zview_kernels::{batch_norm, conv_transpose2d, conv2d, scale_shift};

fn adapter() -> Option<Device> {
    [DeviceKind::DiscreteGpu(0), DeviceKind::IntegratedGpu(0), DeviceKind::VirtualGpu(0), DeviceKind::Cpu]
        .into_iter()
        .find_map(|kind| Device::wgpu_options().device_kind(kind).init().ok())
}

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
fn values_agree_with_the_cpu() {
    let Some(device) = adapter() else {
        println!("skipped: no wgpu adapter");
        return;
    };
    let cpu = Device::flex();
    for (index, (actual, expected)) in step(&device).into_iter().zip(step(&cpu)).enumerate() {
        let actual = Tensor::from_data(actual.into_data(), &cpu);
        assert_close(&actual, &expected, &format!("result {index}"));
    }
}
