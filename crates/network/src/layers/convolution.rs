//! Convolution without bias, as in every ResNet; grouped in some.

use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor, TensorData};
use zview_kernels::{conv2d, sparse_conv2d};
use zview_runtime::seed::Stream;

use super::Init;
use crate::{Network, StateVisitor};

/// A square convolution without bias.
#[derive(Debug, Clone)]
pub struct Convolution {
    weight: Tensor<4>, // [C_out, C_in / groups, K, K]
    stride: usize,
    padding: usize,
    groups: usize,
}

impl Convolution {
    /// Fresh weights; padding keeps the size at stride 1.
    #[must_use]
    pub fn new(
        channels_in: usize,
        channels_out: usize,
        kernel: usize,
        stride: usize,
        init: Init,
        random: &mut Stream,
        device: &Device,
    ) -> Self {
        let window = kernel * kernel;
        let mut draw: Box<dyn FnMut() -> f32> = match init {
            Init::Uniform => {
                let bound = 1.0 / ((channels_in * window) as f32).sqrt();
                Box::new(move || random.uniform_in(-bound, bound))
            }
            Init::HeNormal => {
                let std = (2.0 / (channels_out * window) as f32).sqrt();
                Box::new(move || std * random.normal())
            }
        };
        let values: Vec<f32> = (0..channels_out * channels_in * window).map(|_| draw()).collect();
        let shape = [channels_out, channels_in, kernel, kernel];
        let weight = Tensor::from_data(TensorData::new(values, shape), device);
        Self { weight, stride, padding: kernel / 2, groups: 1 }
    }

    /// Zeros, to be filled from a file; `shape` is the weight's, (C_out, C_in / groups, K, K).
    #[must_use]
    pub fn zeros(shape: [usize; 4], stride: usize, groups: usize, device: &Device) -> Self {
        Self { weight: Tensor::zeros(shape, device), stride, padding: shape[2] / 2, groups }
    }

    /// (B, C_in, H, W) -> (B, C_out, H / stride, W / stride), rounded up.
    #[must_use]
    pub fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        let (stride, padding) = ([self.stride; 2], [self.padding; 2]);
        if self.groups == 1 {
            return conv2d(images, self.weight.clone(), stride, padding);
        }
        let options = ConvOptions::new(stride, padding, [1, 1], self.groups);
        sparse_conv2d(images, self.weight.clone(), None, options)
    }
}

impl Network for Convolution {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        visitor.parameter(&format!("{prefix}.weight"), &mut self.weight);
    }
}
