//! Measuring the arms: frozen encoders, the same images, the same probes.

use std::collections::BTreeMap;
use std::time::Instant;

use zview_data::ImageSet;
use zview_encoder::load_encoder;
use zview_features::{FeatureError, nearest_neighbours};
use zview_probe::{EncodedSets, Evaluation, EvaluationConfig, ProbeError, encode, evaluate_features};
use zview_runtime::device::ChosenDevice;

use crate::StudyError;
use crate::arms::Arm;
use crate::results::{ArmResult, Difference, LinearAccuracy};
use crate::training::Training;
use zview_probe::suite::intervals::TestIntervals;

/// Labels per class of the few-shot protocol.
pub const LABELS_PER_CLASS: usize = 10;
/// Draws of the labelled images.
pub const DRAWS: usize = 5;
/// Differences have random streams of their own: the probe's protocols use numbers below this.
const FIRST_DIFFERENCE: u64 = 1_000;

/// How every arm is probed. `zview probe RUN --seed SEED --labels-per-class 10 --draws 5` does the same.
#[must_use]
pub fn evaluation_config(seed: u64, train_pool: usize) -> EvaluationConfig {
    let mut config = EvaluationConfig { train_pool: Some(train_pool), ..EvaluationConfig::default() };
    config.few_shot.labels_per_class = Some(vec![LABELS_PER_CLASS]);
    config.few_shot.draws = DRAWS;
    config.linear.seed = seed;
    config.few_shot.seed = seed;
    config.knn.seed = seed;
    config
}

/// What all arms are measured on.
#[derive(Debug, Clone, Copy)]
pub struct ProbeSets<'a> {
    /// Labelled images that the probes learn from.
    pub train: &'a ImageSet,
    /// Held-out labelled images.
    pub test: &'a ImageSet,
    /// Test images whose neighbours are looked up.
    pub queries: &'a [usize],
    /// Neighbours of each.
    pub neighbours: usize,
}

/// A probed arm: its scores, and the nearest training images of each query, nearest first.
#[derive(Debug)]
pub struct ProbedArm {
    /// Scores, without differences to other arms.
    pub result: ArmResult,
    /// Indices of training images, (queries, neighbours).
    pub nearest: Vec<Vec<usize>>,
}

/// Probes the encoder that training `arm` left.
///
/// # Errors
/// [`StudyError::Encoder`], [`StudyError::Probe`].
pub fn probe(
    arm: &Arm,
    training: Training,
    sets: &ProbeSets<'_>,
    config: &EvaluationConfig,
    intervals: &TestIntervals<'_>,
    device: &ChosenDevice,
) -> Result<ProbedArm, StudyError> {
    let failed = |error: ProbeError| StudyError::Probe { arm: arm.name.clone(), source: Box::new(error) };
    let started = Instant::now();
    let encoder = load_encoder(&training.run, &device.device)
        .map_err(|error| StudyError::Encoder { arm: arm.name.clone(), source: Box::new(error) })?;
    let encoded = encode(&encoder, sets.train, sets.test, config.train_pool, config.batch).map_err(failed)?;
    let evaluation =
        evaluate_features(&encoded.train, &encoded.test, config, encoded.extractor_sha256.clone())
            .map_err(failed)?;
    let nearest = nearest_to_queries(&encoded, sets).map_err(failed)?;
    let Evaluation { linear: Some(mut linear), knn, few_shot, .. } = evaluation else {
        let setting = ProbeError::Features(FeatureError::Setting {
            key: "protocols",
            expected: "one of them linear",
            got: format!("{:?}", config.protocols),
        });
        return Err(failed(setting));
    };
    let interval = intervals.accuracy(&linear.correct, 0);
    (linear.low, linear.high) = (interval.low, interval.high);
    let mut knn = knn.unwrap_or_default();
    for (&k, score) in &mut knn {
        let interval = intervals.accuracy(&score.correct, k as u64);
        (score.low, score.high) = (interval.low, interval.high);
    }
    let result = ArmResult {
        name: arm.name.clone(),
        taught_by: arm.taught_by.clone(),
        linear: LinearAccuracy { mean: linear.top1, seeds: vec![linear.top1], probe: linear },
        knn,
        few_shot: few_shot.unwrap_or_default(),
        minus: BTreeMap::new(),
        probe_seconds: started.elapsed().as_secs_f64(),
        training,
    };
    Ok(ProbedArm { result, nearest })
}

fn nearest_to_queries(encoded: &EncodedSets, sets: &ProbeSets<'_>) -> Result<Vec<Vec<usize>>, ProbeError> {
    if sets.queries.is_empty() {
        return Ok(Vec::new());
    }
    let queries = encoded.test.select(sets.queries);
    let nearest = nearest_neighbours(&encoded.train, &queries, sets.neighbours)?;
    let images = |row: Vec<zview_features::Neighbour>| {
        row.into_iter().map(|neighbour| encoded.pool[neighbour.image]).collect()
    };
    Ok(nearest.into_iter().map(images).collect())
}

/// Fills in every arm's difference to every other, on the same test images.
pub fn compare(arms: &mut [ArmResult], intervals: &TestIntervals<'_>) {
    let judged: Vec<(String, Vec<bool>)> =
        arms.iter().map(|arm| (arm.name.clone(), arm.linear.probe.correct.clone())).collect();
    let mut use_number = FIRST_DIFFERENCE;
    for arm in arms {
        for (other, correct) in judged.iter().filter(|(other, _)| *other != arm.name) {
            use_number += 1;
            let share = |correct: &[bool]| {
                correct.iter().filter(|&&right| right).count() as f64 / correct.len() as f64
            };
            if let Some(interval) = intervals.difference(&arm.linear.probe.correct, correct, use_number) {
                let difference = share(&arm.linear.probe.correct) - share(correct);
                let difference = Difference { difference, low: interval.low, high: interval.high };
                arm.minus.insert(other.clone(), difference);
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::arms::{RANDOM, REAL, SYNTHETIC_GAUSSIAN, SYNTHETIC_TX};
    use crate::results::{Comparison, Standing};
    use zview_data::ImageShape;
    use zview_encoder::ViewFormat;
    use zview_probe::{FewShotScore, KnnScore, LinearScore, Predictions};

    /// An arm that is right on its first `right` of 1,000 test images.
    pub(crate) fn result(name: &str, right: usize) -> ArmResult {
        let correct: Vec<bool> = (0..1_000).map(|image| image < right).collect();
        let top1 = right as f64 / 1_000.0;
        let probe = LinearScore {
            top1,
            top5: Some(1.0),
            low: top1 - 0.02,
            high: top1 + 0.02,
            penalty: 0.1,
            validation: Vec::new(),
            per_class: Vec::new(),
            n_train: 5_000,
            n_test: 1_000,
            converged: true,
            correct: correct.clone(),
            predictions: Predictions::default(),
        };
        let few = FewShotScore {
            labels: 26 * LABELS_PER_CLASS,
            mean: top1 - 0.1,
            low: Some(top1 - 0.15),
            high: Some(top1 - 0.05),
            draws: vec![top1 - 0.1; DRAWS],
            penalties: vec![1e-3; DRAWS],
            converged: true,
            right_draws: Vec::new(),
        };
        let trained = name != RANDOM;
        ArmResult {
            name: name.to_owned(),
            taught_by: format!("images <of> {name}"),
            linear: LinearAccuracy { mean: top1, seeds: vec![top1], probe },
            knn: [(20, KnnScore { top1, low: top1 - 0.03, high: top1 + 0.03, correct })].into(),
            few_shot: [(LABELS_PER_CLASS, few)].into(),
            minus: BTreeMap::new(),
            probe_seconds: 1.0,
            training: Training {
                run: PathBuf::from("runs/demo").join(name),
                steps: if trained { 40 } else { 0 },
                loss: trained.then_some(2.5),
                views_per_second: if trained { 800.0 } else { 0.0 },
                seconds: if trained { 12.0 } else { 0.0 },
                device: "CPU (2 threads)".to_owned(),
                encoder_parameters: 1_000,
                kept: false,
                interrupted: false,
                losses: if trained { (0..40).map(|step| 5.0 - step as f32 / 20.0).collect() } else { vec![] },
            },
        }
    }

    /// A comparison with these numbers of right answers out of 1,000.
    pub(crate) fn comparison(random: usize, real: usize, tx: usize, gaussian: usize) -> Comparison {
        let mut arms = vec![
            result(RANDOM, random),
            result(REAL, real),
            result(SYNTHETIC_TX, tx),
            result(SYNTHETIC_GAUSSIAN, gaussian),
        ];
        let intervals = TestIntervals::new(None, 1_000, 0).unwrap();
        compare(&mut arms, &intervals);
        let intervals = intervals.resampling().clone();
        let data = "letters".to_owned();
        let judged_at = ViewFormat::of(ImageShape { channels: 1, height: 28, width: 28 });
        let (n_train, n_test) = (5_000, 1_000);
        Comparison { arms, intervals, data, classes: 26, judged_at, n_train, n_test, seed: 0 }
    }

    #[test]
    fn every_arm_is_compared_with_every_other() {
        let comparison = comparison(500, 800, 800, 850);
        let gain = comparison.difference(SYNTHETIC_GAUSSIAN, REAL).unwrap();
        assert!((gain.difference - 0.05).abs() < 1e-12 && gain.standing() == Standing::Better, "{gain:?}");
        assert_eq!(comparison.difference(RANDOM, REAL).unwrap().standing(), Standing::Worse);
        assert_eq!(comparison.difference(REAL, SYNTHETIC_TX).unwrap().standing(), Standing::NotToldApart);
        assert!(comparison.difference(REAL, REAL).is_none());
        assert_eq!(comparison.arms[0].minus.len(), 3);
    }

    #[test]
    fn the_json_has_each_key_once_and_no_image_by_image_lists() {
        let json = serde_json::to_string(&comparison(500, 800, 800, 850)).unwrap();
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        let arm = &value["arms"][3];
        for pointer in [
            "/name",
            "/linear/mean",
            "/linear/top1",
            "/linear/low",
            "/linear/high",
            "/linear/seeds/0",
            "/knn/20/top1",
            "/few_shot/10/mean",
            "/minus/real/difference",
            "/steps",
            "/seconds",
            "/kept",
        ] {
            assert!(arm.pointer(pointer).is_some(), "{pointer}: {arm}");
        }
        assert!(!json.contains("\"correct\"") && !json.contains("\"losses\""));
        let linear = &json[json.find("\"linear\"").unwrap()..json.find("\"knn\"").unwrap()];
        assert_eq!(linear.matches("\"low\"").count(), 1, "{linear}");
    }
}
