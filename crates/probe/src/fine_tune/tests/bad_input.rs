//! Bad input gives an error that names the remedy, or a result that is documented.

use zview_encoder::save_encoder;
use zview_network::{Network, StateVisitor};

use super::*;
use crate::ProbeError;
use burn::tensor::Tensor;
use zview_features::FeatureError;

fn tune(train: &ImageSet, test: &ImageSet, config: &FineTuneConfig) -> Result<FineTuneScore, ProbeError> {
    fine_tune(Start::Scratch(&conv()), train, test, config, &Device::flex())
}

fn message(train: &ImageSet, test: &ImageSet, config: &FineTuneConfig) -> String {
    tune(train, test, config).unwrap_err().to_string()
}

/// Images of `classes`, of which only `present` have any.
fn only(present: &[u32], classes: usize) -> ImageSet {
    let all = corners(40, classes, 0);
    let labels = all.labels.as_ref().unwrap();
    let kept: Vec<usize> = (0..40).filter(|&image| present.contains(&labels[image])).collect();
    all.select(&kept)
}

#[test]
fn sets_that_cannot_be_learnt_from() {
    let (good, config) = (corners(40, 4, 0), quick());
    let one = corners(8, 1, 0);
    let text = message(&one, &one, &config);
    assert!(text.contains("the only class") && text.contains("two classes"), "{text}");
    let text = message(&only(&[0, 2, 3], 4), &good, &config);
    assert!(text.contains("class 1 has none of the 30 training images"), "{text}");
    assert!(message(&good.first(0), &good, &config).contains("no images"));
    assert!(message(&good, &good.first(0), &config).contains("no images"));
    let mut unlabelled = good.clone();
    unlabelled.labels = None;
    assert!(message(&unlabelled, &good, &config).contains("no labels"));
    assert!(message(&good, &unlabelled, &config).contains("no labels"));
    let mut beyond = good.clone();
    beyond.labels.as_mut().unwrap()[7] = 4;
    assert!(message(&beyond, &good, &config).contains("image 7 has label 4"));
    assert!(message(&good, &beyond, &config).contains("image 7 has label 4"));
    let text = message(&good, &corners(9, 3, 0), &config);
    assert!(text.contains("class 3 is 3 in the train set and absent in the test set"), "{text}");
    let few = FineTuneConfig { labels_per_class: Some(11), ..config };
    let text = message(&good, &good, &few);
    assert!(text.contains("class 0 has 10 of the 40") && text.contains("labels_per_class"), "{text}");
    let single = FineTuneConfig { labels_per_class: Some(1), layer_decays: vec![0.5, 1.0], ..quick() };
    let text = message(&good, &good, &single);
    assert!(text.contains("4 images in all") && text.contains("give one of each"), "{text}");
    let wide = ImageSet::new(
        "wide",
        ImageShape { channels: 1, height: 8, width: 16 },
        vec![0; 4 * 128],
        Some(vec![0, 1, 2, 3]),
        good.classes.clone(),
    );
    let text = message(&good, &wide.unwrap(), &quick());
    assert!(text.contains("wide: the test images have shape"), "{text}");
}

#[test]
fn a_class_without_test_images_and_one_label_per_class_are_no_errors() {
    let config = FineTuneConfig { labels_per_class: Some(1), length: Length::Steps(4), ..quick() };
    let score = tune(&corners(40, 4, 0), &only(&[1, 3], 4), &config).unwrap();
    assert_eq!((score.n_train, score.n_test, score.batch), (4, 20, 4));
    assert!(score.seeds[0].predictions.classes.iter().all(|&class| class < 4));
}

#[test]
fn encoders_that_do_not_fit() {
    let (set, config, device) = (corners(40, 4, 0), quick(), Device::flex());
    let folder = tempfile::tempdir().unwrap();
    let missing = fine_tune(Start::Pretrained(folder.path()), &set, &set, &config, &device).unwrap_err();
    assert!(missing.to_string().contains("no encoder at"), "{missing}");

    let colour = ImageShape { channels: 3, ..SHAPE };
    let random = &mut Stream::new(0, Purpose::Weights, 0, 0);
    let colour = FrozenEncoder::new(&Encoder::new(&conv(), colour, random, &device).unwrap(), &device);
    let error = fine_tune(Start::Encoder(&colour), &set, &set, &config, &device).unwrap_err();
    assert!(error.to_string().contains("takes images of 3 channels, got 1"), "{error}");

    struct Spoil;
    impl StateVisitor for Spoil {
        fn parameter<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
            if name.ends_with("stages.2.conv.weight") {
                *tensor = tensor.clone() * f32::NAN;
            }
        }
        fn buffer<const D: usize>(&mut self, _: &str, _: &mut Tensor<D>) {}
        fn counter(&mut self, _: &str, _: &mut u64) {}
    }
    let mut spoilt = random_encoder(&conv(), &device).encoder().clone();
    spoilt.visit("", &mut Spoil);
    let path = folder.path().join("spoilt.safetensors");
    save_encoder(&spoilt, &path).unwrap();
    let error = fine_tune(Start::Pretrained(&path), &set, &set, &config, &device).unwrap_err().to_string();
    assert!(error.contains("`stages.2.conv.weight` holds 1152 values that are not finite"), "{error}");
    let spoilt = FrozenEncoder::new(&spoilt, &device);
    let error = fine_tune(Start::Encoder(&spoilt), &set, &set, &config, &device).unwrap_err().to_string();
    assert!(
        error.contains("`stages.2.conv.weight` has the value NaN") && error.contains("checkpoint"),
        "{error}"
    );

    let odd = EncoderConfig { width: 0, ..conv() };
    let error = fine_tune(Start::Scratch(&odd), &set, &set, &config, &device).unwrap_err().to_string();
    assert!(error.contains("encoder.width"), "{error}");
    let vit = EncoderConfig { arch: Architecture::Vit, width: 16, patch: Some(5), heads: Some(2), ..conv() };
    let error = fine_tune(Start::Scratch(&vit), &set, &set, &config, &device).unwrap_err();
    assert!(matches!(error, ProbeError::Features(FeatureError::Images { .. })), "{error}");
}

#[test]
fn a_rate_that_diverges_is_reported_and_never_chosen() {
    let set = corners(40, 4, 0);
    let diverging = FineTuneConfig {
        optimizer: OptimizerKind::Sgd,
        learning_rates: vec![1e30, 0.03, 1e25],
        layer_decays: vec![1.0],
        ..quick()
    };
    let score = tune(&set, &set, &diverging).unwrap();
    let run = &score.seeds[0];
    assert_eq!(run.learning_rate, 0.03);
    let diverged: Vec<_> = run.validation.iter().map(|c| (c.diverged, c.validation_top1.is_none())).collect();
    assert_eq!(diverged, [(true, true), (false, false), (true, true)]);
    for learning_rates in [vec![1e30], vec![1e30, 1e25]] {
        let text = message(&set, &set, &FineTuneConfig { learning_rates, ..diverging.clone() });
        assert!(text.contains("seed 0") && text.contains("1e30") && text.contains("clip_norm"), "{text}");
    }
}

#[test]
fn settings_that_cannot_work_are_named() {
    let set = corners(8, 2, 0);
    let good = quick();
    let named: Vec<(FineTuneConfig, &str)> = vec![
        (FineTuneConfig { labels_per_class: Some(0), ..good.clone() }, "labels_per_class"),
        (FineTuneConfig { length: Length::Epochs(0), ..good.clone() }, "length"),
        (FineTuneConfig { batch: 0, ..good.clone() }, "batch"),
        (FineTuneConfig { learning_rates: vec![], ..good.clone() }, "learning_rates"),
        (FineTuneConfig { learning_rates: vec![f64::NAN], ..good.clone() }, "learning_rates"),
        (FineTuneConfig { layer_decays: vec![1.1], ..good.clone() }, "layer_decays"),
        (FineTuneConfig { momentum: Some(0.9), ..good.clone() }, "momentum: not used by"),
        (FineTuneConfig { warmup_share: -0.1, ..good.clone() }, "warmup_share"),
        (FineTuneConfig { validation_share: 1.0, ..good.clone() }, "validation_share"),
        (FineTuneConfig { evaluation_batch: 0, ..good.clone() }, "evaluation_batch"),
        (FineTuneConfig { seeds: vec![], ..good.clone() }, "seeds"),
        (FineTuneConfig { seeds: vec![1, 1], ..good.clone() }, "all different"),
        (
            FineTuneConfig {
                augment: AugmentConfig { size: Some(8), ..AugmentConfig::none() },
                ..good.clone()
            },
            "augment.size",
        ),
        (
            FineTuneConfig { augment: AugmentConfig { hue: 9.0, ..AugmentConfig::none() }, ..good },
            "augment.hue",
        ),
    ];
    for (config, expected) in named {
        let text = message(&set, &set, &config);
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn arms_of_different_recipes_are_not_compared() {
    let set = corners(16, 2, 0);
    let of = |seeds| {
        let config = FineTuneConfig { seeds, length: Length::Steps(2), ..quick() };
        tune(&set, &set, &config).unwrap()
    };
    let error = fine_tune_gain(&of(vec![0]), &of(vec![1])).unwrap_err().to_string();
    assert!(error.contains("differ in their seeds: [0]"), "{error}");
    let gain = fine_tune_gain(&of(vec![0]), &of(vec![0])).unwrap();
    assert_eq!((gain.mean, gain.low), (0.0, None));
}
