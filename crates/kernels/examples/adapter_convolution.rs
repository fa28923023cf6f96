//! Times this crate's 3x3 convolution, with both gradients, on a graphics adapter beside the framework's own.
//!
//! `cargo run --release -p zview-kernels --example adapter_convolution [-- batch channels side]`

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::time::Instant;

use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, DeviceKind, Distribution, Tensor, module};
use zview_kernels::conv2d;

const ROUNDS: usize = 5;

fn main() {
    let kinds = [
        DeviceKind::DiscreteGpu(0),
        DeviceKind::IntegratedGpu(0),
        DeviceKind::VirtualGpu(0),
        DeviceKind::Cpu,
    ];
    let adapter = kinds.into_iter().find_map(|kind| Device::wgpu_options().device_kind(kind).init().ok());
    let Some(adapter) = adapter else {
        println!("no adapter");
        return;
    };
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|number| number.parse().ok()).collect();
    let number = |index: usize, otherwise: usize| numbers.get(index).copied().unwrap_or(otherwise);
    let (batch, channels, side) = (number(0, 64), number(1, 16), number(2, 28));
    let tracked = adapter.clone().autodiff();
    let images = || Tensor::<4>::random([batch, channels, side, side], Distribution::Default, &tracked);
    let (input, gradient) = (images().require_grad(), images());
    let weight =
        Tensor::<4>::random([channels, channels, 3, 3], Distribution::Default, &tracked).require_grad();
    let ours = |x: Tensor<4>, w: Tensor<4>| conv2d(x, w, [1, 1], [1, 1]);
    let framework =
        |x: Tensor<4>, w: Tensor<4>| module::conv2d(x, w, None, ConvOptions::new([1, 1], [1, 1], [1, 1], 1));
    let operations = 2.0 * (batch * side * side * channels * channels * 9) as f64;
    type Convolution<'a> = &'a dyn Fn(Tensor<4>, Tensor<4>) -> Tensor<4>;
    for round in 0..3 {
        for (name, convolution) in [("ours", &ours as Convolution<'_>), ("framework", &framework)] {
            let wait = || adapter.sync().unwrap();
            let mut seconds = [0.0; 2];
            for measured in 0..=ROUNDS {
                let started = Instant::now();
                let output = convolution(input.clone(), weight.clone());
                wait();
                let forward = started.elapsed().as_secs_f64();
                let gradients = (output * gradient.clone()).sum().backward();
                wait();
                let backward = started.elapsed().as_secs_f64() - forward;
                drop(gradients);
                if measured > 0 {
                    seconds[0] += forward / ROUNDS as f64;
                    seconds[1] += backward / ROUNDS as f64;
                }
            }
            let rate = |seconds: f64, passes: f64| passes * operations / seconds / 1e9;
            println!(
                "round {round}, {name:<9}: forward {:8.2} ms ({:8.2} GFLOP/s), both gradients {:8.2} ms ({:8.2} GFLOP/s)",
                1e3 * seconds[0],
                rate(seconds[0], 1.0),
                1e3 * seconds[1],
                rate(seconds[1], 2.0),
            );
        }
    }
}
