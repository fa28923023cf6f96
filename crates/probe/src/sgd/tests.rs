use burn::tensor::Device;
use zview_data::{ImageSet, ImageShape};
use zview_encoder::{Architecture, Encoder, EncoderConfig, FrozenEncoder};
use zview_runtime::device::on_test_devices;
use zview_runtime::seed::{Purpose, Stream};

use super::*;
use crate::ProbeError;
use crate::linear::{LinearProbeConfig, linear_probe};
use zview_features::made_up::{Pixels, strip};
use zview_features::made_up::{clouds, numbered};
use zview_features::{FeatureError, Features};

fn config() -> SgdProbeConfig {
    SgdProbeConfig { learning_rates: vec![0.01, 0.1, 1.0], epochs: 20, batch: 32, ..Default::default() }
}

#[test]
fn without_augmentation_it_finds_the_optimum_of_the_logistic_regression() {
    let (train, test) = (clouds(300, 8, 4, 0.6, 0), clouds(400, 8, 4, 0.6, 1));
    let fixed = LinearProbeConfig { fixed_penalty: Some(1e-2), ..Default::default() };
    let expected = linear_probe(&train, &test, &fixed).unwrap();
    // Largest difference of the probability that it gives to the right class, and the score.
    let against = |batch, epochs, rate| {
        let config = SgdProbeConfig {
            learning_rates: vec![rate],
            batch,
            epochs,
            weight_decay: 1e-2,
            ..Default::default()
        };
        let score = sgd_probe_on_features(&Device::flex(), &train, &test, &config).unwrap();
        let pairs = score.predictions.label_probability.iter().zip(&expected.predictions.label_probability);
        (pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max), score)
    };
    // All images in one batch: no noise.
    let (worst, score) = against(300, 400, 0.5);
    assert!(worst < 1e-4, "{worst:e}");
    assert_eq!((score.top1, score.per_class), (expected.top1, expected.per_class.clone()));
    let (worst, score) = against(64, 100, 0.1);
    assert!(worst < 0.02 && (score.top1 - expected.top1).abs() <= 0.01, "{worst:e}");
}

#[test]
fn the_rate_is_chosen_on_training_images_and_test_labels_have_no_part_in_it() {
    let (train, test) = (clouds(200, 20, 4, 0.4, 0), clouds(400, 20, 4, 0.4, 1));
    let run = |test: &Features| sgd_probe_on_features(&Device::flex(), &train, test, &config()).unwrap();
    let honest = run(&test);
    let mut labels = test.labels().to_vec();
    Stream::new(0, Purpose::Check, 0, 0).shuffle(&mut labels);
    let score = run(&Features::new(test.whole().unwrap().into_owned(), 20, labels, numbered(4)).unwrap());
    assert_eq!((score.learning_rate, &score.rates), (honest.learning_rate, &honest.rates));
    assert!((score.top1 - 0.25).abs() < 0.08 && honest.top1 > 0.4, "{} {}", score.top1, honest.top1);
    let best = honest.rates.iter().filter_map(|rate| rate.validation_top1).fold(0.0, f64::max);
    let chosen = honest.rates.iter().find(|rate| rate.learning_rate == honest.learning_rate).unwrap();
    assert_eq!(chosen.validation_top1, Some(best));
    assert_eq!(chosen.validation_by_epoch.len(), 20);
    assert_eq!(chosen.validation_by_epoch.last().copied(), chosen.validation_top1);
    assert_eq!((honest.n_train, honest.n_validation, honest.n_test), (200, 20, 400));
    assert_eq!(honest.correct.iter().filter(|&&right| right).count(), (honest.top1 * 400.0).round() as usize);
    assert!(honest.low <= honest.top1 && honest.top1 <= honest.high && honest.top5.is_none());
}

#[test]
fn a_rate_that_diverges_is_reported_and_never_chosen() {
    let (train, test) = (clouds(120, 6, 3, 1.0, 0), clouds(120, 6, 3, 1.0, 1));
    let learning_rates = vec![1e300, 0.1, 3e38];
    for refit in [false, true] {
        let config = SgdProbeConfig { learning_rates: learning_rates.clone(), refit, epochs: 5, ..config() };
        on_test_devices(|name, device| {
            let score = sgd_probe_on_features(device, &train, &test, &config).unwrap();
            assert_eq!((score.learning_rate, score.refitted), (0.1, refit), "{name}");
            let diverged: Vec<bool> = score.rates.iter().map(|rate| rate.diverged).collect();
            assert_eq!(diverged, [false, true, true], "{name}: from the smallest rate");
            assert!(score.rates[1].validation_top1.is_none() && score.top1 > 0.7, "{name}: {}", score.top1);
            let json = serde_json::to_string(&score).unwrap();
            assert!(!json.contains("NaN") && !json.contains("correct"), "{json}");
        });
    }
    for rates in [vec![1e300], vec![1e300, 3e38]] {
        let config = SgdProbeConfig { learning_rates: rates, ..config() };
        let error = sgd_probe_on_features(&Device::flex(), &train, &test, &config).unwrap_err();
        assert!(matches!(error, ProbeError::EveryRateDiverged { .. }), "{error}");
    }
}

#[test]
fn every_device_comes_to_the_same_result() {
    let (train, test) = (clouds(150, 6, 3, 1.0, 0), clouds(150, 6, 3, 1.0, 1));
    let config = SgdProbeConfig { epochs: 5, ..config() };
    let expected = sgd_probe_on_features(&Device::flex(), &train, &test, &config).unwrap();
    on_test_devices(|name, device| {
        let score = sgd_probe_on_features(device, &train, &test, &config).unwrap();
        assert_eq!(score.learning_rate, expected.learning_rate, "{name}");
        let pairs = score.predictions.confidence.iter().zip(&expected.predictions.confidence);
        let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-3, "{name}: {worst:e}");
    });
}

/// Images of 1x8 pixels with one bright pixel, at `place(class)`, among noise.
fn spots(images: usize, classes: usize, draw: u64, place: fn(usize) -> usize) -> ImageSet {
    let mut stream = Stream::new(2, Purpose::Check, 102, draw);
    let shape = ImageShape { channels: 1, height: 1, width: 8 };
    let mut pixels = Vec::new();
    for image in 0..images {
        let bright = place(image % classes);
        pixels.extend((0..8).map(|x| stream.below(40) as u8 + if x == bright { 200 } else { 0 }));
    }
    let labels = (0..images).map(|image| (image % classes) as u32).collect();
    ImageSet::new("spots", shape, pixels, Some(labels), numbered(classes)).unwrap()
}

#[test]
fn augmented_training_images_teach_what_the_others_do_not() {
    // In test images the spots are on the other side: only mirrored training images show them there.
    let (train, test) = (spots(60, 3, 0, |class| class), spots(60, 3, 1, |class| 7 - class));
    on_test_devices(|name, device| {
        let encoder = Pixels { device: device.clone(), ..Pixels::new(8) };
        let run = |flip| {
            let config = SgdProbeConfig { flip, crop_scale: [1.0, 1.0], ..config() };
            sgd_probe(&encoder, &train, &test, Some(60), &config).unwrap()
        };
        let (with, without) = (run(true), run(false));
        assert!(with.augmented && !without.augmented);
        assert!(with.top1 > 0.95 && without.top1 < 0.8, "{name}: {} {}", with.top1, without.top1);
        assert_eq!(with.extractor_sha256.as_deref(), Some("same"));
        if name == "cpu" {
            let again = run(true);
            assert_eq!((again.predictions, again.rates), (with.predictions, with.rates));
        }
    });
}

#[test]
fn images_are_encoded_once_for_all_rates_and_once_without_augmentation() {
    let (train, test) = (spots(40, 2, 0, |class| class), spots(20, 2, 1, |class| class));
    let calls = |rates: &[f64], flip| {
        let encoder = Pixels::new(8);
        let config = SgdProbeConfig {
            learning_rates: rates.to_vec(),
            epochs: 3,
            batch: 10,
            flip,
            refit: false,
            crop_scale: [1.0, 1.0],
            ..Default::default()
        };
        sgd_probe(&encoder, &train, &test, None, &config).unwrap();
        encoder.calls.get()
    };
    // Whole images: 4 batches of training and 2 of test images; 36 images thrice in batches of 10: 11 steps.
    assert_eq!(calls(&[0.1], true), 6 + 11);
    assert_eq!(calls(&[0.01, 0.1, 1.0], true), 6 + 11);
    assert_eq!(calls(&[0.01, 0.1, 1.0], false), 6);
}

#[test]
fn sets_and_encoders_that_cannot_be_probed_are_named() {
    let run = |encoder: &Pixels, train: &ImageSet, test: &ImageSet| {
        let config = SgdProbeConfig { epochs: 1, ..config() };
        sgd_probe(encoder, train, test, None, &config).unwrap_err()
    };
    let set = |classes| spots(24, classes, 0, |class| class);
    let encoder = Pixels::new(8);
    let changing = Pixels { changing: true, ..Pixels::new(8) };
    assert!(matches!(run(&changing, &set(3), &set(3)), ProbeError::StateChanged { .. }));
    assert!(matches!(run(&encoder, &set(1), &set(1)), ProbeError::Features(FeatureError::OneClass { .. })));
    assert!(matches!(
        run(&encoder, &set(3), &set(2)),
        ProbeError::Features(FeatureError::Classes { index: 2, .. })
    ));
    assert!(matches!(
        run(&encoder, &set(3), &set(3).first(0)),
        ProbeError::Features(FeatureError::Empty { .. })
    ));
    assert!(matches!(run(&encoder, &set(3).select(&[0, 1, 3]), &set(3)), ProbeError::ClassMissing { .. }));
    assert!(matches!(run(&encoder, &set(3).first(3), &set(3)), ProbeError::NothingHeldOut { images: 3 }));
    let mut unlabelled = set(3);
    unlabelled.labels = None;
    assert!(matches!(
        run(&encoder, &unlabelled, &set(3)),
        ProbeError::Features(FeatureError::Unlabelled { .. })
    ));
    assert!(matches!(run(&encoder, &strip(9, 3), &set(3)), ProbeError::Features(FeatureError::Shape { .. })));
    let damaged = Pixels { divisor: 0.0, ..Pixels::new(8) };
    assert!(matches!(run(&damaged, &set(3), &set(3)), ProbeError::Features(FeatureError::NotFinite { .. })));
}

#[test]
fn a_class_without_test_images_has_no_accuracy_of_its_own() {
    let (train, test) = (clouds(60, 4, 3, 4.0, 0), clouds(60, 4, 3, 4.0, 1));
    let without = test.select(&(0..60).filter(|image| image % 3 != 1).collect::<Vec<_>>());
    let score = sgd_probe_on_features(&Device::flex(), &train, &without, &config()).unwrap();
    assert!(score.per_class[1].is_none() && score.per_class[0].is_some() && score.top1 > 0.9);
}

#[test]
fn a_frozen_network_with_batch_norm_is_what_it_was() {
    let (train, test) = (spots(24, 3, 0, |class| class), spots(12, 3, 1, |class| class));
    let config = EncoderConfig { arch: Architecture::Resnet18, width: 4, ..Default::default() };
    let random = &mut Stream::new(0, Purpose::Weights, 0, 0);
    let encoder = Encoder::new(&config, train.shape, random, &Device::flex()).unwrap();
    let frozen = FrozenEncoder::new(&encoder, &Device::flex());
    let before = frozen.state_sha256().unwrap();
    let run = |config: &SgdProbeConfig| sgd_probe(&frozen, &train, &test, None, config).unwrap();
    let config = SgdProbeConfig { epochs: 2, batch: 8, ..config_of_one_rate() };
    let score = run(&config);
    assert_eq!(frozen.state_sha256().unwrap(), before);
    assert_eq!(score.extractor_sha256, Some(before));
    assert_eq!(score.feature_dimension, frozen.feature_dimension());
    // Crops of another size than the images, and test images resized to it.
    assert_eq!(run(&SgdProbeConfig { size: Some(6), ..config }).n_test, 12);
}

fn config_of_one_rate() -> SgdProbeConfig {
    SgdProbeConfig { learning_rates: vec![0.1], ..Default::default() }
}
