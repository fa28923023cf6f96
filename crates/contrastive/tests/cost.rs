//! The cost of encoders, projector and objective against an independent count.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use burn::tensor::Device;
use zview_contrastive::mlp::{Mlp, MlpNorm};
use zview_contrastive::objective::NtXent;
use zview_data::ImageShape;
use zview_encoder::{Architecture, Encoder, EncoderConfig, Stem};
use zview_network::TrainingCost;
use zview_runtime::seed::{Purpose, Stream};

/// One network in PyTorch 2.4.1: `torch.utils.flop_counter.FlopCounterMode` (convolutions and matrix
/// products only) around the forward and the backward pass of the networks of
/// `scripts/pytorch_baseline.py`, and the elements that forward hooks saw at the element-wise parts.
struct Counted {
    encoder_forward: u64,
    /// Encoder, projector and NT-Xent; the images need no gradient.
    backward: u64,
    norm_elements: u64,
    norm_channels: u64,
    relu_elements: u64,
    shortcut_elements: u64,
    block_inputs: u64,
    pooled: u64,
}

const BATCH: usize = 8;
const PROJECTOR_FORWARD: [u64; 2] = [1_310_720, 524_288];
const OBJECTIVE_FORWARD: u64 = 16_384;

fn encoder(config: &EncoderConfig, channels: usize) -> Encoder {
    let images = ImageShape { channels, height: 32, width: 32 };
    Encoder::new(config, images, &mut Stream::new(0, Purpose::Weights, 0, 0), &Device::flex()).unwrap()
}

fn check(width: usize, images: [usize; 4], projector_forward: u64, counted: &Counted) {
    let config = EncoderConfig { width, ..EncoderConfig::default() };
    let encoder = encoder(&config, images[1]);
    let mut total = TrainingCost::default();
    let features = encoder.cost(images, false, &mut total);
    assert_eq!(features, [BATCH, 8 * width]);

    let pixels = images.iter().product::<usize>() as u64;
    let element_wise = 2 * pixels
        + 6 * (counted.norm_elements + counted.norm_channels)
        + counted.shortcut_elements
        + counted.relu_elements
        + counted.pooled;
    assert_eq!(total.forward.operations, counted.encoder_forward + element_wise);
    let element_wise_backward =
        10 * counted.norm_elements + counted.relu_elements + counted.block_inputs + counted.pooled;

    let random = &mut Stream::new(0, Purpose::Weights, 0, 1);
    let projector = Mlp::new(features[1], &[128, 128], MlpNorm::None, random, &Device::flex());
    let before = total.forward.operations;
    let projections = projector.cost(features, &mut total);
    let row = (BATCH * 128) as u64; // two biases and a ReLU
    assert_eq!(total.forward.operations - before, projector_forward + 3 * row);

    let objective = NtXent::new(BATCH / 2, 2, 0.2, &Device::flex());
    let before = total.forward.operations;
    objective.cost(projections, &mut total);
    let (values, pairs) = (row, (BATCH * BATCH) as u64);
    assert_eq!(total.forward.operations - before, OBJECTIVE_FORWARD + 3 * values + 9 * pairs);
    assert_eq!(
        total.backward.operations,
        counted.backward + element_wise_backward + 3 * row + 6 * values + 5 * pairs
    );
    // What people quote as the arithmetic of a network is nearly all of it.
    let share = counted.encoder_forward as f64 / before as f64;
    assert!((0.97..1.0).contains(&share), "{share}");
}

#[test]
fn resnet18_of_width_64_at_32_pixels_is_what_pytorch_counts() {
    check(
        64,
        [BATCH, 3, 32, 32],
        PROJECTOR_FORWARD[0],
        &Counted {
            encoder_forward: 8_886_681_600,
            backward: 17_747_705_856,
            norm_elements: 4_915_200,
            norm_channels: 4_800,
            relu_elements: 4_456_448,
            shortcut_elements: 1_966_080,
            block_inputs: 2_424_832,
            pooled: 65_536,
        },
    );
}

#[test]
fn resnet18_of_width_16_at_28_pixels_is_what_pytorch_counts() {
    check(
        16,
        [BATCH, 1, 28, 28],
        PROJECTOR_FORWARD[1],
        &Counted {
            encoder_forward: 457_150_464,
            backward: 913_575_936,
            norm_elements: 960_000,
            norm_channels: 1_200,
            relu_elements: 868_352,
            shortcut_elements: 384_000,
            block_inputs: 467_968,
            pooled: 16_384,
        },
    );
}

#[test]
fn resnet50_at_224_pixels_is_what_pytorch_counts() {
    // FlopCounterMode around torchvision's layer list without norms, two images.
    let (forward, backward) = (16_348_545_024.0, 32_225_034_240.0);
    let config =
        EncoderConfig { arch: Architecture::Resnet50, stem: Stem::Imagenet, ..EncoderConfig::default() };
    let mut total = TrainingCost::default();
    assert_eq!(encoder(&config, 3).cost([2, 3, 224, 224], false, &mut total), [2, 2048]);
    for (got, products) in [(total.forward, forward), (total.backward, backward)] {
        let ratio = got.operations as f64 / products;
        assert!((1.0..1.03).contains(&ratio), "{ratio}"); // the rest is element-wise
    }
}

#[test]
fn a_gradient_of_the_images_costs_one_more_convolution() {
    // FlopCounterMode: 17_776_017_408 with `requires_grad` on the images.
    let encoder = encoder(&EncoderConfig::default(), 3);
    let backward = |input_gradient| {
        let mut total = TrainingCost::default();
        let _ = encoder.cost([BATCH, 3, 32, 32], input_gradient, &mut total);
        total.backward
    };
    let more = backward(true).operations - backward(false).operations;
    let pixels = (BATCH * 3 * 32 * 32) as u64;
    assert_eq!(more, 17_776_017_408 - 17_747_705_856 + pixels);
    // conv1 reads its weight and the gradient of its output, and writes that of the pixels; then the
    // division by the pixels' standard deviation reads and writes them.
    let (weight, output) = (64 * 3 * 9, (BATCH * 64 * 32 * 32) as u64);
    let bytes = 4 * (weight + output + pixels + 2 * pixels);
    assert_eq!(backward(true).bytes - backward(false).bytes, bytes);
}
