//! A small convolutional encoder for machines without a GPU.
//!
//! Four 3x3 convolutions of width w, 2w, 4w and 8w, each with batch norm and ReLU; all but the first halve the image.
//! Pooled, they give 8w features, as many as a ResNet-18 of width w.

use burn::tensor::{DType, Device, Tensor};
use zview_data::ImageShape;
use zview_kernels::pass;
use zview_network::layers::{BatchNorm, Convolution};
use zview_network::{Mode, Network, StateVisitor};
use zview_runtime::seed::{Purpose, Stream};

use super::architecture::{Architecture, EncoderNetwork, Recognised, UnfitImages};
use super::config::EncoderConfig;
use super::export::ExportFormat;
use super::file::{EncoderTensors, Header, ReadOptions};

const STAGES: usize = 4;

/// Four convolutions and their mean.
#[derive(Debug, Clone)]
pub struct SmallConv {
    stages: Vec<(Convolution, BatchNorm)>,
    features: usize,
}

impl EncoderNetwork for SmallConv {
    const TAKES_ANY_SIZE: bool = true;
    const EXPORTS: &'static [ExportFormat] = &[ExportFormat::Sequential];
    const HAS_STEM: bool = false;
    const HAS_INIT: bool = true;

    fn new(config: &EncoderConfig, images: ImageShape, random: &mut Stream, device: &Device) -> Self {
        let mut inputs = images.channels;
        let stages = (0..STAGES).map(|stage| {
            let (outputs, stride) = (config.width << stage, if stage == 0 { 1 } else { 2 });
            let conv = Convolution::new(inputs, outputs, 3, stride, config.init, random, device);
            inputs = outputs;
            (conv, BatchNorm::new(outputs, device))
        });
        Self { stages: stages.collect(), features: Self::feature_dimension(config) }
    }

    fn forward(&mut self, images: Tensor<4>, mode: Mode) -> Tensor<2> {
        let mut x = images;
        for (conv, norm) in &mut self.stages {
            x = norm.forward(conv.forward(x), None, true, mode);
        }
        let [batch, channels, height, width] = x.dims();
        let x = if x.dtype() == DType::F32 { x } else { x.cast(DType::F32) };
        pass(x, |x| x.reshape([batch, channels, height * width]).mean_dim(2).squeeze_dim(2))
    }

    fn features(&self) -> usize {
        self.features
    }

    fn layer_prefixes(_: &EncoderConfig) -> Vec<Vec<String>> {
        (0..4).map(|stage| vec![format!("stages.{stage}.")]).collect()
    }

    fn feature_dimension(config: &EncoderConfig) -> usize {
        config.width << (STAGES - 1)
    }

    fn problems(config: &EncoderConfig) -> Vec<String> {
        config.unused_vit_settings()
    }

    fn check_images(_: &EncoderConfig, _: ImageShape) -> Result<(), UnfitImages> {
        Ok(())
    }

    fn recognise(
        file: &mut EncoderTensors,
        header: &Header,
        _: &ReadOptions,
        device: &Device,
    ) -> Result<Recognised<Self>, String> {
        let shape = |stage: usize| file.shape(&format!("stages.{stage}.conv.weight"));
        let (width, channels) = match shape(0) {
            Some(&[width, channels, 3, 3]) if (1..=16).contains(&channels) => (width, channels),
            other => {
                return Err(format!(
                    "`stages.0.conv.weight` has shape {other:?}, expected [width, channels, 3, 3]"
                ));
            }
        };
        let config = EncoderConfig {
            arch: Architecture::Conv,
            width,
            pixel_mean: header.pixel_mean,
            pixel_std: header.pixel_std,
            ..EncoderConfig::default()
        };
        // The widest tensor must really be there before a network of that width takes memory.
        let expected = [width.saturating_mul(8), width.saturating_mul(4), 3, 3];
        match shape(STAGES - 1) {
            Some(shape) if shape == expected => {}
            got => {
                return Err(format!("`stages.3.conv.weight` has shape {got:?}, expected {expected:?}"));
            }
        }
        let images = ImageShape { channels, height: 32, width: 32 };
        let network = Self::new(&config, images, &mut Stream::new(0, Purpose::Weights, 0, 0), device);
        let described = format!("zview's conv of width {width}");
        Ok(Recognised {
            network,
            config,
            images,
            beyond: Vec::new(),
            assumed: Vec::new(),
            doubts: Vec::new(),
            changed: None,
            described,
        })
    }
}

impl Network for SmallConv {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        for (index, (conv, norm)) in self.stages.iter_mut().enumerate() {
            conv.visit(&format!("{prefix}stages.{index}.conv"), visitor);
            norm.visit(&format!("{prefix}stages.{index}.norm"), visitor);
        }
    }
}
