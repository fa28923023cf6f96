//! What the protocol promises: who sees which images, and what is left untouched.

use zview_encoder::{Pool, load_encoder, save_encoder};
use zview_runtime::hash::sha256_of_file;

use super::*;
use crate::few_labels::{FewShotConfig, few_shot};
use crate::linear::{LinearProbeConfig, PenaltyRule, linear_probe};
use zview_features::extract;

fn device() -> Device {
    Device::flex()
}

/// One token of the whole image.
fn vit() -> EncoderConfig {
    EncoderConfig {
        arch: Architecture::Vit,
        width: 16,
        depth: Some(2),
        heads: Some(2),
        patch: Some(8),
        pool: Some(Pool::Mean),
        ..conv()
    }
}

fn without_seconds(mut score: FineTuneScore) -> FineTuneScore {
    score.seconds = 0.0;
    score.seeds.iter_mut().for_each(|run| run.seconds = 0.0);
    score
}

#[test]
fn both_arms_learn_what_can_be_learnt_and_the_same_seed_gives_the_same_bits() {
    let (train, test) = (corners(80, 4, 0), corners(200, 4, 1));
    let config = FineTuneConfig {
        learning_rates: vec![0.003, 0.01],
        layer_decays: vec![0.7, 1.0],
        seeds: vec![0, 1],
        ..quick()
    };
    let encoder = random_encoder(&conv(), &device());
    let before = encoder.state_sha256().unwrap();
    let tune = |start| fine_tune(start, &train, &test, &config, &device()).unwrap();
    let pretrained = tune(Start::Encoder(&encoder));
    let architecture = conv();
    let scratch = tune(Start::Scratch(&architecture));
    for score in [&pretrained, &scratch] {
        assert!(score.mean > 0.9, "{}: {}", score.start, score.mean);
        assert_eq!((score.n_train, score.n_test, score.steps, score.batch), (80, 200, 30, 16));
        let run = &score.seeds[0];
        assert_eq!((run.validation.len(), run.n_validation, run.correct.len()), (4, 16, 200));
        let best =
            run.validation.iter().filter_map(|candidate| candidate.validation_top1).fold(0.0, f64::max);
        let chosen =
            |c: &&CandidateScore| (c.learning_rate, c.layer_decay) == (run.learning_rate, run.layer_decay);
        assert_eq!(run.validation.iter().find(chosen).unwrap().validation_top1, Some(best));
        assert!(run.low <= run.top1 && run.top1 <= run.high && run.top5.is_none());
    }
    assert_eq!((&*pretrained.start, &*scratch.start), ("pretrained", "scratch"));
    // R13: what training started from is bit for bit what it was.
    assert_eq!(encoder.state_sha256().unwrap(), before);
    assert_eq!((pretrained.encoder_sha256.clone(), &scratch.encoder_sha256), (Some(before), &None));

    let again = tune(Start::Encoder(&encoder));
    assert_eq!(without_seconds(again), without_seconds(pretrained.clone()));
    let gain = fine_tune_gain(&pretrained, &scratch).unwrap();
    assert!((gain.mean - (pretrained.mean - scratch.mean)).abs() < 1e-12);
    assert!(gain.seeds.iter().all(|seed| seed.low <= seed.gain && seed.gain <= seed.high));
    let json = serde_json::to_value(&pretrained).unwrap();
    for pointer in [
        "/mean",
        "/n_test",
        "/seeds/0/low",
        "/seeds/0/validation/3/validation_top1",
        "/seeds/1/learning_rate",
    ] {
        assert!(json.pointer(pointer).is_some_and(|value| !value.is_null()), "{pointer} in {json}");
    }
    assert!(json.pointer("/seeds/0/correct").is_none());
    // Over two seeds there is no interval, of neither arm and not of their difference; over three there is.
    assert_eq!((pretrained.low, pretrained.high, gain.low, gain.high), (None, None, None, None));
    let third = |mut score: FineTuneScore| {
        score.seeds.push(FineTuneRun { seed: 2, ..score.seeds[0].clone() });
        score
    };
    let gain = fine_tune_gain(&third(pretrained), &third(scratch)).unwrap();
    assert!(gain.low <= Some(gain.mean) && Some(gain.mean) <= gain.high && gain.low.is_some());
}

#[test]
fn choices_never_depend_on_the_test_images() {
    let (train, test) = (corners(40, 4, 0), corners(60, 4, 1));
    let config = FineTuneConfig { learning_rates: vec![0.001, 0.01], ..quick() };
    let encoder = random_encoder(&conv(), &device());
    let tune =
        |test: &ImageSet| fine_tune(Start::Encoder(&encoder), &train, test, &config, &device()).unwrap();
    let honest = tune(&test);
    let mut others = corners(60, 4, 9);
    others.labels.as_mut().unwrap().rotate_left(1);
    let other = tune(&others);
    assert_eq!(honest.seeds[0].validation, other.seeds[0].validation);
    assert_eq!(honest.seeds[0].learning_rate, other.seeds[0].learning_rate);
    assert!(other.mean < 0.2 && honest.mean > 0.5, "{} {}", other.mean, honest.mean);
}

#[test]
fn an_encoder_file_is_only_read_and_a_vision_transformer_learns_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("encoder.safetensors");
    save_encoder(random_encoder(&vit(), &device()).encoder(), &path).unwrap();
    let before = sha256_of_file(&path).unwrap();
    let (train, test) = (corners(40, 2, 0), corners(60, 2, 1));
    let config = FineTuneConfig { length: Length::Epochs(40), learning_rates: vec![0.005], ..quick() };
    for named in [folder.path(), &path] {
        let score = fine_tune(Start::Pretrained(named), &train, &test, &config, &device()).unwrap();
        assert!(score.mean > 0.9 && score.low.is_none(), "{}", score.mean);
        assert_eq!(score.steps, 40 * 3, "40 images are 3 batches of 16");
        assert!(score.seeds[0].validation.is_empty(), "there is nothing to choose");
    }
    assert_eq!(sha256_of_file(&path).unwrap(), before);
    assert_eq!(load_encoder(&path, &device()).unwrap().config().width, 16);
}

#[test]
fn a_linear_head_first_begins_where_the_linear_probe_ends() {
    let (train, test) = (corners(80, 4, 0), corners(200, 4, 1));
    // Without batch norm, a rate of nearly nothing changes nothing: what is measured is the head's start.
    let encoder = random_encoder(&vit(), &device());
    let still = FineTuneConfig {
        head: HeadStart::LinearProbe,
        learning_rates: vec![1e-12],
        length: Length::Steps(1),
        ..quick()
    };
    let [train_features, test_features] = [&train, &test].map(|set| extract(&encoder, set, 64).unwrap());
    let probe = linear_probe(&train_features, &test_features, &LinearProbeConfig::default()).unwrap();
    let fitted = crate::linear::LinearProbe::fit(&train_features, &LinearProbeConfig::default()).unwrap();
    let raw = fitted.on_raw_features().predictions(&test_features);
    assert_eq!(raw.classes, probe.predictions.classes);
    let classes = |config: &FineTuneConfig| {
        let score = fine_tune(Start::Encoder(&encoder), &train, &test, config, &device()).unwrap();
        score.seeds[0].predictions.classes.clone()
    };
    assert_eq!(classes(&still), probe.predictions.classes);
    assert_ne!(classes(&FineTuneConfig { head: HeadStart::Zero, ..still }), probe.predictions.classes);
    assert!(probe.top1 > 0.5, "{}", probe.top1);
}

#[test]
fn few_labels_are_those_of_the_few_shot_draw() {
    let train = corners(60, 3, 0);
    let chosen = labelled_subset(&train, Some(4), 5).unwrap();
    let labels = train.labels.as_ref().unwrap();
    let of_class = |class| chosen.iter().filter(|&&image| labels[image] == class).count();
    assert_eq!([0, 1, 2].map(of_class), [4, 4, 4]);
    assert_eq!(chosen, labelled_subset(&train, Some(4), 5).unwrap());
    assert_ne!(chosen, labelled_subset(&train, Some(4), 6).unwrap());
    assert_eq!(labelled_subset(&train, None, 5).unwrap(), (0..60).collect::<Vec<_>>());
    // A linear classifier of the same images has the accuracy of the first draw.
    let encoder = random_encoder(&conv(), &device());
    let pool = extract(&encoder, &train, 64).unwrap();
    let test = extract(&encoder, &corners(100, 3, 1), 64).unwrap();
    let config = FewShotConfig {
        labels_per_class: Some(vec![4]),
        draws: 1,
        penalty: PenaltyRule::Fixed(0.1),
        seed: 5,
        ..FewShotConfig::default()
    };
    let standardiser = crate::linear::Standardiser::fit(&pool);
    let of_subset = standardiser.apply(&pool).select(&chosen);
    let options = crate::linear::LogisticConfig::with_l2(0.1);
    let fit = crate::linear::LogisticProblem::new(&of_subset).unwrap().fit(options, None).unwrap();
    let top1 = fit.model.top_k_correct(&standardiser.apply(&test), 1) as f64 / 100.0;
    let draw = few_shot(&pool, &test, &config).unwrap()[&4].draws[0];
    assert!((draw - top1).abs() < 1e-9, "{draw} {top1}");
}
