//! How far a 3x3 convolution's weight gradient on a wgpu adapter is from the CPU's, by batch size: this crate's and
//! the framework's own. The framework's is wrong at single sizes on lavapipe (Mesa 22.3.6): 227 and 256 at 32
//! pixels, while 228 and 232 are right.
//!
//! `cargo run --release -p zview-kernels --example weight_gradient [-- side batch...]`

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, DeviceKind, Tensor, TensorData, module};
use zview_kernels::conv2d;

const CHANNELS: usize = 16;

fn adapter() -> Option<Device> {
    [DeviceKind::DiscreteGpu(0), DeviceKind::IntegratedGpu(0), DeviceKind::VirtualGpu(0), DeviceKind::Cpu]
        .into_iter()
        .find_map(|kind| Device::wgpu_options().device_kind(kind).init().ok())
}

/// Repeatable values between -0.5 and 0.5.
fn values(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u32 << 24) as f32 - 0.5
    };
    (0..len).map(next).collect()
}

fn ours(input: Tensor<4>, weight: Tensor<4>) -> Tensor<4> {
    conv2d(input, weight, [1, 1], [1, 1])
}

fn framework(input: Tensor<4>, weight: Tensor<4>) -> Tensor<4> {
    module::conv2d(input, weight, None, ConvOptions::new([1, 1], [1, 1], [1, 1], 1))
}

fn weight_gradient(
    batch: usize,
    side: usize,
    device: &Device,
    convolution: fn(Tensor<4>, Tensor<4>) -> Tensor<4>,
) -> Vec<f32> {
    let device = device.clone().autodiff();
    let tensor = |shape: [usize; 4], seed: u64| {
        let data = TensorData::new(values(shape.iter().product(), seed), shape);
        Tensor::<4>::from_data(data, &device)
    };
    let input = tensor([batch, CHANNELS, side, side], 1).require_grad();
    let weight = tensor([CHANNELS, CHANNELS, 3, 3], 2).require_grad();
    let output = convolution(input, weight.clone());
    let loss = (output * tensor([batch, CHANNELS, side, side], 3)).sum();
    weight.grad(&loss.backward()).unwrap().into_data().try_into_vec().unwrap()
}

fn main() {
    let Some(gpu) = adapter() else {
        println!("no adapter");
        return;
    };
    let mut numbers = std::env::args().skip(1).filter_map(|number| number.parse().ok());
    let side = numbers.next().unwrap_or(32);
    let batches: Vec<usize> = numbers.collect();
    let batches = if batches.is_empty() { vec![64, 128, 227, 228, 232, 256] } else { batches };
    println!("largest difference of the weight gradient, relative to its largest value; {side} pixels");
    for batch in batches {
        let expected = weight_gradient(batch, side, &Device::flex(), ours);
        let largest = expected.iter().fold(f32::MIN_POSITIVE, |largest, value| largest.max(value.abs()));
        let error = |convolution| {
            let got = weight_gradient(batch, side, &gpu, convolution);
            expected.iter().zip(&got).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / largest
        };
        println!("batch {batch:>4}: ours {:.1e}, the framework's {:.1e}", error(ours), error(framework));
    }
}
