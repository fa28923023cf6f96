//! Times a training step of a ResNet-18 body of width 16 on 256 grey views of 28 x 28: with this crate's
//! operations, with the framework's own, and the parts of the former.
//!
//! `cargo run --release -p zview-kernels --example step [-- repetitions [kernels|framework]]`

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor, TensorData, activation, module};
use zview_kernels::{batch_norm, conv2d};

const BATCH: usize = 256;
const SIZE: usize = 28;
const WIDTH: usize = 16;

/// A convolution and the normalisation after it.
struct Layer {
    weight: Tensor<4>,
    scale: Tensor<1>,
    bias: Tensor<1>,
    stride: usize,
}

/// Two layers and, where the size changes, a third for the shortcut.
struct Block {
    first: Layer,
    second: Layer,
    shortcut: Option<Layer>,
}

struct Network {
    stem: Layer,
    blocks: Vec<Block>,
}

impl Layer {
    fn new(channels: usize, out_channels: usize, kernel: usize, stride: usize, device: &Device) -> Self {
        let shape = [out_channels, channels, kernel, kernel];
        let std = (2.0 / (channels * kernel * kernel) as f32).sqrt();
        let weight = (0..shape.iter().product()).map(|index: usize| {
            let phase = (index as f32 * 0.618_034).fract() - 0.5;
            phase * 3.46 * std
        });
        Self {
            weight: Tensor::from_data(TensorData::new(weight.collect::<Vec<f32>>(), shape), device)
                .require_grad(),
            scale: Tensor::ones([out_channels], device).require_grad(),
            bias: Tensor::zeros([out_channels], device).require_grad(),
            stride,
        }
    }

    fn padding(&self) -> usize {
        self.weight.dims()[2] / 2
    }
}

impl Network {
    fn new(device: &Device) -> Self {
        let mut channels = WIDTH;
        let mut blocks = Vec::new();
        for stage in 0..4 {
            for block in 0..2 {
                let out_channels = WIDTH << stage;
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                blocks.push(Block {
                    first: Layer::new(channels, out_channels, 3, stride, device),
                    second: Layer::new(out_channels, out_channels, 3, 1, device),
                    shortcut: (stride != 1).then(|| Layer::new(channels, out_channels, 1, stride, device)),
                });
                channels = out_channels;
            }
        }
        Self { stem: Layer::new(1, WIDTH, 3, 1, device), blocks }
    }

    fn forward(&self, operations: &Operations, images: Tensor<4>) -> Tensor<4> {
        let mut x = operations.layer(&self.stem, images, None, true);
        for block in &self.blocks {
            let inner = operations.layer(&block.first, x.clone(), None, true);
            let shortcut = match &block.shortcut {
                Some(shortcut) => operations.layer(shortcut, x, None, false),
                None => x,
            };
            x = operations.layer(&block.second, inner, Some(shortcut), true);
        }
        x.mean_dims(&[2, 3])
    }
}

/// Whose operations run.
enum Operations {
    Kernels,
    Framework,
}

impl Operations {
    fn layer(&self, layer: &Layer, input: Tensor<4>, residual: Option<Tensor<4>>, relu: bool) -> Tensor<4> {
        let (stride, padding) = ([layer.stride; 2], [layer.padding(); 2]);
        let (scale, bias) = (layer.scale.clone(), layer.bias.clone());
        match self {
            Self::Kernels => {
                let convolved = conv2d(input, layer.weight.clone(), stride, padding);
                batch_norm(convolved, residual, scale, bias, 1e-5, relu).output
            }
            Self::Framework => {
                let options = ConvOptions::new(stride, padding, [1, 1], 1);
                let x = module::conv2d(input, layer.weight.clone(), None, options);
                let channels = x.dims()[1];
                let mean = x.clone().mean_dims(&[0, 2, 3]);
                let centred = x - mean;
                let variance = centred.clone().square().mean_dims(&[0, 2, 3]);
                let normalized = centred / (variance + 1e-5).sqrt() * scale.reshape([1, channels, 1, 1]);
                let mut output = normalized + bias.reshape([1, channels, 1, 1]);
                if let Some(residual) = residual {
                    output = output + residual;
                }
                if relu { activation::relu(output) } else { output }
            }
        }
    }
}

fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn images(shape: [usize; 4], device: &Device) -> Tensor<4> {
    let values = (0..shape.iter().product()).map(|index: usize| (index as f32 * 0.754_877).fract() - 0.5);
    Tensor::from_data(TensorData::new(values.collect::<Vec<f32>>(), shape), device)
}

/// Best time of forward and backward pass of one layer, in seconds.
fn time_layer(channels: usize, out_channels: usize, size: usize, kernel: usize, stride: usize) -> [f64; 4] {
    let device = Device::flex().autodiff();
    let layer = Layer::new(channels, out_channels, kernel, stride, &device);
    let input = images([BATCH, channels, size, size], &device);
    let mut best = [f64::INFINITY; 4];
    for _ in 0..5 {
        let input = input.clone().detach().require_grad();
        let mut output = None;
        let forward = seconds(|| {
            output = Some(conv2d(input, layer.weight.clone(), [layer.stride; 2], [layer.padding(); 2]));
        });
        let Some(output) = output else { continue };
        let inner = output.clone().detach().require_grad();
        let backward = seconds(|| drop(output.sum().backward()));
        let mut normalized = None;
        let norm_forward = seconds(|| {
            normalized =
                Some(batch_norm(inner, None, layer.scale.clone(), layer.bias.clone(), 1e-5, true).output);
        });
        let norm_backward = seconds(|| drop(normalized.map(|output| output.sum().backward())));
        for (best, now) in best.iter_mut().zip([forward, backward, norm_forward, norm_backward]) {
            *best = best.min(now);
        }
    }
    best
}

fn main() {
    let repetitions = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(5);
    let only = std::env::args().nth(2);
    let device = Device::flex().autodiff();
    let network = Network::new(&device);
    let views = images([BATCH, 1, SIZE, SIZE], &device);
    let mut times: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    let mut losses = BTreeMap::new();
    for repetition in 0..=repetitions {
        for (name, operations) in [("kernels", Operations::Kernels), ("framework", Operations::Framework)] {
            if only.as_ref().is_some_and(|only| only != name) {
                continue;
            }
            let start = Instant::now();
            let loss = network.forward(&operations, views.clone()).square().mean();
            let _gradients = loss.backward();
            // The first step of each allocates.
            if repetition > 0 {
                times.entry(name).or_default().push(start.elapsed());
            }
            losses.insert(name, loss.into_scalar::<f32>());
        }
    }
    for (name, times) in &mut times {
        times.sort();
        let rate = |time: Duration| BATCH as f64 / time.as_secs_f64();
        let (best, median) = (rate(times[0]), rate(times[times.len() / 2]));
        println!("{name:10} best {best:6.0} median {median:6.0} views/s, loss {:.6}", losses[name]);
    }
    if only.is_some() {
        return;
    }
    println!("layer (256 images)          conv forward, backward GFLOP/s   norm forward, backward ms");
    for (channels, out_channels, size, kernel, stride) in [
        (1, 16, 28, 3, 1),
        (16, 16, 28, 3, 1),
        (16, 32, 28, 3, 2),
        (16, 32, 28, 1, 2),
        (32, 32, 14, 3, 1),
        (64, 64, 7, 3, 1),
        (128, 128, 4, 3, 1),
    ] {
        let [forward, backward, norm_forward, norm_backward] =
            time_layer(channels, out_channels, size, kernel, stride);
        let pixels = (size as f64 / stride as f64).ceil().powi(2) * BATCH as f64;
        let flops = 2e-9 * pixels * (channels * out_channels * kernel * kernel) as f64;
        println!(
            "{channels:4} -> {out_channels:4} {size:3} x {size:<3} k{kernel} s{stride} {:16.0} {:8.0} {:19.2} {:8.2}",
            flops / forward,
            2.0 * flops / backward,
            norm_forward * 1e3,
            norm_backward * 1e3
        );
    }
}
