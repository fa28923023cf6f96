//! Tests of the whole of fine-tuning, and images to learn from.

mod bad_input;
mod golden;
mod recipe;

use burn::tensor::Device;
use zview_data::{ImageSet, ImageShape};
use zview_encoder::augment::AugmentConfig;
use zview_encoder::{Architecture, Encoder, EncoderConfig, FrozenEncoder};
use zview_network::optimizer::OptimizerKind;
use zview_runtime::seed::{Purpose, Stream};

use super::*;

const SHAPE: ImageShape = ImageShape { channels: 1, height: 8, width: 8 };

/// Images of `classes` (at most 4): a bright square in a corner of its own, under noise.
fn corners(images: usize, classes: usize, draw: u64) -> ImageSet {
    let mut stream = Stream::new(3, Purpose::Check, 300, draw);
    let labels: Vec<u32> = (0..images).map(|image| (image % classes) as u32).collect();
    let mut pixels = Vec::new();
    for &label in &labels {
        for place in 0..64u32 {
            let (row, column) = (place / 8, place % 8);
            let inside = (row / 4, column / 4) == (label / 2, label % 2);
            let value = if inside { 0.6 } else { 0.3 } + 0.4 * stream.uniform();
            pixels.push((value * 255.0) as u8);
        }
    }
    let names = (0..classes).map(|class| class.to_string()).collect();
    ImageSet::new("corners", SHAPE, pixels, Some(labels), names).unwrap()
}

fn conv() -> EncoderConfig {
    EncoderConfig { arch: Architecture::Conv, width: 4, ..EncoderConfig::default() }
}

fn random_encoder(config: &EncoderConfig, device: &Device) -> FrozenEncoder {
    let random = &mut Stream::new(77, Purpose::Weights, 0, 0);
    FrozenEncoder::new(&Encoder::new(config, SHAPE, random, device).unwrap(), device)
}

/// A recipe that takes a fraction of a second.
fn quick() -> FineTuneConfig {
    FineTuneConfig {
        length: Length::Steps(30),
        batch: 16,
        learning_rates: vec![0.01],
        layer_decays: vec![0.7],
        augment: AugmentConfig::none(),
        optimizer: OptimizerKind::AdamW,
        ..FineTuneConfig::default()
    }
}
