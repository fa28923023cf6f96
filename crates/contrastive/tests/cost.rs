//! The recorded cost of encoders, projector and objective against an independent count.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use burn::tensor::{Device, Tensor};
use zview_contrastive::mlp::{Mlp, MlpNorm};
use zview_contrastive::objective::NtXent;
use zview_data::ImageShape;
use zview_encoder::{Architecture, Encoder, EncoderConfig, Stem};
use zview_kernels::{Costs, record_costs, take_costs};
use zview_network::{Mode, track_gradients};
use zview_runtime::seed::{Purpose, Stream};

const BATCH: usize = 8;
const OBJECTIVE_FORWARD: u64 = 16_384;

/// A fresh encoder of images (B, C, H, W) that is trained, and what it costs on some.
fn encoded(
    config: &EncoderConfig,
    [batch, channels, height, width]: [usize; 4],
    image_gradient: bool,
) -> (Tensor<2>, Costs) {
    let (shape, device) = (ImageShape { channels, height, width }, Device::flex());
    let mut encoder =
        Encoder::new(config, shape, &mut Stream::new(0, Purpose::Weights, 0, 0), &device).unwrap();
    track_gradients(&mut encoder);
    let images = Tensor::zeros([batch, channels, height, width], &device).autodiff();
    let images = if image_gradient { images.require_grad() } else { images };
    record_costs(|| encoder.forward(images, Mode::Train))
}

/// Against PyTorch 2.4.1: `torch.utils.flop_counter.FlopCounterMode` around the forward and the backward pass of the
/// networks of `scripts/pytorch_baseline.py`; `backward` is of encoder, projector and NT-Xent.
fn check(width: usize, images: [usize; 4], encoder: u64, projector: u64, backward: u64) {
    let config = EncoderConfig { width, ..EncoderConfig::default() };
    let (features, of_encoder) = encoded(&config, images, false);
    assert_eq!(features.dims(), [BATCH, 8 * width]);
    assert_eq!(of_encoder.forward.operations, encoder);

    let random = &mut Stream::new(0, Purpose::Weights, 0, 1);
    let mut mlp = Mlp::new(8 * width, &[128, 128], MlpNorm::None, random, &Device::flex());
    track_gradients(&mut mlp);
    let objective = NtXent::new(BATCH / 2, 2, 0.2, &Device::flex());
    let (of_projector, of_objective) = record_costs(|| {
        let projections = mlp.forward(features);
        let of_projector = take_costs();
        let _ = objective.loss(projections);
        of_projector
    });
    assert_eq!(of_projector.forward.operations, projector);
    assert_eq!(of_objective.forward.operations, OBJECTIVE_FORWARD);
    let sum =
        [of_encoder, of_projector, of_objective].map(|costs| costs.backward.operations).iter().sum::<u64>();
    assert_eq!(sum, backward);
}

#[test]
fn resnet18_of_width_64_at_32_pixels_is_what_pytorch_counts() {
    check(64, [BATCH, 3, 32, 32], 8_886_681_600, 1_310_720, 17_747_705_856);
}

#[test]
fn resnet18_of_width_16_at_28_pixels_is_what_pytorch_counts() {
    check(16, [BATCH, 1, 28, 28], 457_150_464, 524_288, 913_575_936);
}

#[test]
fn resnet50_at_224_pixels_is_what_pytorch_counts() {
    let config =
        EncoderConfig { arch: Architecture::Resnet50, stem: Stem::Imagenet, ..EncoderConfig::default() };
    let (features, costs) = encoded(&config, [2, 3, 224, 224], false);
    assert_eq!(features.dims(), [2, 2048]);
    assert_eq!(costs.forward.operations, 16_348_545_024);
    assert_eq!(costs.backward.operations, 32_225_034_240);
}

#[test]
fn a_small_vision_transformer_is_what_pytorch_counts() {
    // Around timm's network without fused attention.
    let config = EncoderConfig {
        arch: Architecture::Vit,
        width: 192,
        depth: Some(3),
        heads: Some(3),
        patch: Some(4),
        ..EncoderConfig::default()
    };
    let (features, costs) = encoded(&config, [BATCH, 3, 32, 32], false);
    assert_eq!(features.dims(), [BATCH, 192]);
    assert_eq!(costs.forward.operations, 1_467_500_544);
    assert_eq!(costs.backward.operations, 2_925_563_904);
}

#[test]
fn a_gradient_of_the_images_costs_one_more_convolution() {
    // FlopCounterMode: 17_776_017_408 with `requires_grad` on the images.
    let images = [BATCH, 3, 32, 32];
    let [with, without] =
        [true, false].map(|gradient| encoded(&EncoderConfig::default(), images, gradient).1);
    assert_eq!(with.forward, without.forward);
    assert_eq!(with.backward.operations - without.backward.operations, 17_776_017_408 - 17_747_705_856);
    // conv1 reads its weight and the gradient of its output, and writes that of the pixels; then the
    // division by the pixels' standard deviation reads them, and reads and writes their gradient.
    let (weight, output, pixels) = (64 * 3 * 9, BATCH * 64 * 32 * 32, BATCH * 3 * 32 * 32);
    let bytes = with.backward.bytes() - without.backward.bytes();
    assert_eq!(bytes, 4 * (weight + output + pixels + 3 * pixels) as u64);
}
