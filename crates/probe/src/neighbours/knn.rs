//! k nearest neighbours by cosine similarity.
//!
//! The weighted vote is that of Wu et al., Unsupervised Feature Learning via Non-Parametric Instance
//! Discrimination, CVPR 2018, section 3.4: exp(similarity / T).

use std::collections::BTreeMap;

use burn::tensor::Device;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use zview_numerics::statistics::{Interval, accuracy_interval};

use crate::ProbeError;
use zview_features::{FeatureError, Features, Neighbour, Problems, Settings, nearest, nearest_on};

/// The numbers of neighbours where none are given: DINO's.
const DEFAULT_K: [usize; 4] = [10, 20, 100, 200];

/// How neighbours vote.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vote {
    /// One vote each.
    Majority,
    /// exp(similarity / T) votes each, T being this temperature.
    Weighted(f32),
}

/// How neighbours are used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KnnConfig {
    /// Numbers of neighbours, one result for each. Where none are given, those of 10, 20, 100 and 200
    /// that are not more than the training images; of fewer than 10 images, all of them.
    pub k: Option<Vec<usize>>,
    /// How they vote.
    pub vote: Vote,
    /// Seed of the confidence intervals.
    pub seed: u64,
}

impl Default for KnnConfig {
    fn default() -> Self {
        Self { k: None, vote: Vote::Weighted(0.07), seed: 0 }
    }
}

impl Settings for KnnConfig {
    fn problems(&self) -> Vec<String> {
        let ks = self.k.as_deref();
        let holds = ks.is_none_or(|ks| !ks.is_empty() && !ks.contains(&0));
        let problems = Problems::default().require(
            holds,
            "k",
            "one number of 1 or more, or several",
            ks.unwrap_or_default(),
        );
        match self.vote {
            Vote::Weighted(temperature) => problems.positive("vote.weighted", temperature),
            Vote::Majority => problems,
        }
        .list()
    }
}

/// Accuracy with one number of neighbours; fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KnnScore {
    /// Share of test images that are right.
    pub top1: f64,
    /// Lower end of the 95 % interval, over test images.
    pub low: f64,
    /// Upper end of that interval.
    pub high: f64,
    /// Whether each test image is right, (N), for paired comparisons.
    #[serde(skip)]
    pub correct: Vec<bool>,
}

/// Classifies `test` by the nearest of `train`, keyed by k, on the processor.
///
/// Equally near neighbours rank by their index, equal votes by class: always the lower first. All
/// k come from one pass, with a tile of similarities in memory per thread. A class without training
/// images is never answered; one without test images has no part in the accuracy.
///
/// # Errors
/// A k that is 0 or more than there are training images, a temperature that is not positive, a single
/// class, sets that do not fit together.
pub fn knn(
    train: &Features,
    test: &Features,
    config: &KnnConfig,
) -> Result<BTreeMap<usize, KnnScore>, ProbeError> {
    let ks = checked(train, test, config)?;
    let largest_k = ks.iter().copied().max().unwrap_or(1);
    Ok(scores(train, test, config, &ks, &nearest(train, test, largest_k)))
}

/// As [`knn`], with similarities computed and the nearest chosen on `device`: the same neighbours but
/// for those whose similarities differ by rounding. On the CPU it is [`knn`].
///
/// # Errors
/// As [`knn`], and a device that fails.
pub fn knn_on(
    device: &Device,
    train: &Features,
    test: &Features,
    config: &KnnConfig,
) -> Result<BTreeMap<usize, KnnScore>, ProbeError> {
    let ks = checked(train, test, config)?;
    let largest_k = ks.iter().copied().max().unwrap_or(1);
    Ok(scores(train, test, config, &ks, &nearest_on(device, train, test, largest_k)?))
}

/// The numbers of neighbours to use, at least one, all between 1 and the number of training images.
fn checked(train: &Features, test: &Features, config: &KnnConfig) -> Result<Vec<usize>, ProbeError> {
    Features::check_classified(train, test)?;
    config.check()?;
    let Some(ks) = &config.k else {
        let (fitting, dropped): (Vec<_>, Vec<_>) = DEFAULT_K.into_iter().partition(|&k| k <= train.len());
        if !dropped.is_empty() {
            tracing::info!(?dropped, images = train.len(), "more neighbours than training images: left out");
        }
        return Ok(if fitting.is_empty() { vec![train.len()] } else { fitting });
    };
    match ks.iter().max().filter(|&&k| k > train.len()) {
        Some(&k) => Err(ProbeError::Features(FeatureError::Neighbours { k, images: train.len() })),
        None => Ok(ks.clone()),
    }
}

/// Accuracies of each of `ks`, of which the largest is that of `neighbours` (N, k).
fn scores(
    train: &Features,
    test: &Features,
    config: &KnnConfig,
    ks: &[usize],
    neighbours: &[Neighbour],
) -> BTreeMap<usize, KnnScore> {
    let largest_k = neighbours.len() / test.len();
    let score = |&k: &usize| {
        let correct: Vec<bool> = neighbours
            .par_chunks(largest_k)
            .zip(test.labels())
            .map(|(nearest, &label)| vote(&nearest[..k], train, config.vote) == label)
            .collect();
        let right = correct.iter().filter(|&&right| right).count();
        let Interval { low, high } = accuracy_interval(right, test.len());
        (k, KnnScore { top1: right as f64 / test.len() as f64, low, high, correct })
    };
    ks.iter().map(score).collect()
}

/// The class with the most votes; of equal ones the lower. `nearest` is not empty.
fn vote(nearest: &[Neighbour], train: &Features, vote: Vote) -> u32 {
    let mut votes: BTreeMap<u32, f64> = BTreeMap::new();
    for neighbour in nearest {
        let weight = match vote {
            Vote::Majority => 1.0,
            // Relative to the nearest, which changes no order and cannot overflow.
            Vote::Weighted(temperature) => {
                (f64::from(neighbour.similarity - nearest[0].similarity) / f64::from(temperature)).exp()
            }
        };
        *votes.entry(train.labels()[neighbour.image]).or_default() += weight;
    }
    let mut winner = (0, f64::NEG_INFINITY);
    for (class, total) in votes {
        if total > winner.1 {
            winner = (class, total);
        }
    }
    winner.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_features::made_up::{clouds, numbered};
    use zview_runtime::device::on_test_devices;

    #[test]
    fn equal_votes_go_to_the_lower_class() {
        // Images 0 and 2 lie on the same ray as the test image; 1 and 3 at right angles.
        let values = vec![1., 0., 0., 1., 2., 0., 0., 3.];
        let train = Features::new(values, 2, vec![1, 0, 0, 0], numbered(2)).unwrap();
        let test = Features::new(vec![5., 0.], 2, vec![1], numbered(2)).unwrap();
        let config = KnnConfig { k: Some(vec![1, 2, 4]), vote: Vote::Majority, seed: 0 };
        let scores = knn(&train, &test, &config).unwrap();
        // k = 1: class 1; k = 2: one vote each, class 0 wins the tie; k = 4: class 0.
        assert_eq!([1, 2, 4].map(|k| scores[&k].top1), [1.0, 0.0, 0.0]);
    }

    #[test]
    fn near_neighbours_outvote_many_far_ones_only_when_weighted() {
        let values = vec![1., 0.01, 0.1, 1., 0.1, 1., 0.1, 1.];
        let train = Features::new(values, 2, vec![1, 0, 0, 0], numbered(2)).unwrap();
        let test = Features::new(vec![1., 0.], 2, vec![1], numbered(2)).unwrap();
        let top1 =
            |vote| knn(&train, &test, &KnnConfig { k: Some(vec![4]), vote, seed: 0 }).unwrap()[&4].top1;
        assert_eq!(top1(Vote::Majority), 0.0);
        assert_eq!(top1(Vote::Weighted(0.07)), 1.0);
        assert_eq!(top1(Vote::Weighted(100.0)), 0.0);
        assert_eq!(top1(Vote::Weighted(1e-30)), 1.0);
    }

    #[test]
    fn clouds_are_recognised_and_a_zero_row_does_no_harm() {
        let (train, test) = (clouds(300, 8, 3, 3.0, 0), clouds(300, 8, 3, 3.0, 1));
        assert!(knn(&train, &test, &KnnConfig::default()).unwrap()[&20].top1 > 0.98);
        let zero = Features::new(vec![0.0; 8], 8, vec![0], numbered(3)).unwrap();
        assert_eq!(
            knn(&train, &zero, &KnnConfig { k: Some(vec![1]), ..Default::default() }).unwrap()[&1].top1,
            1.0
        );
    }

    #[test]
    fn settings_that_cannot_work_are_named() {
        let train = clouds(10, 2, 2, 1.0, 0);
        let error = |config: KnnConfig| knn(&train, &train, &config).unwrap_err().to_string();
        assert!(error(KnnConfig { k: Some(vec![5, 11]), ..Default::default() }).contains("at most 10"));
        assert!(error(KnnConfig { k: Some(vec![0]), ..Default::default() }).contains("k: expected "));
        assert!(error(KnnConfig { k: Some(vec![]), ..Default::default() }).contains("k: expected "));
        let cold = KnnConfig { k: Some(vec![1]), vote: Vote::Weighted(0.0), seed: 0 };
        assert!(error(cold).contains("vote.weighted: expected "));
    }

    #[test]
    fn the_default_numbers_are_those_that_fit() {
        let ks = |images: usize| {
            let train = clouds(images, 2, 2, 1.0, 0);
            knn(&train, &train, &KnnConfig::default()).unwrap().into_keys().collect::<Vec<_>>()
        };
        assert_eq!(ks(250), [10, 20, 100, 200]);
        assert_eq!(ks(199), [10, 20, 100]);
        assert_eq!(ks(10), [10]);
        assert_eq!(ks(4), [4]);
    }

    #[test]
    fn every_device_gives_the_same_answers() {
        let (train, test) = (clouds(300, 8, 3, 1.0, 0), clouds(100, 8, 3, 1.0, 1));
        let config = KnnConfig::default();
        let expected = knn(&train, &test, &config).unwrap();
        on_test_devices(|name, device| {
            let scores = knn_on(device, &train, &test, &config).unwrap();
            for (k, score) in &scores {
                let same = score.correct.iter().zip(&expected[k].correct).filter(|(a, b)| a == b).count();
                // Rounding may decide a vote that is as good as equal.
                assert!(same >= 99, "{name}, k = {k}: {same}");
            }
            assert!(
                knn_on(device, &train, &test, &KnnConfig { k: Some(vec![0]), ..config.clone() }).is_err()
            );
        });
    }

    #[test]
    fn classes_without_images_and_a_single_class() {
        // Class 1 has no training image and class 2 no test image.
        let train = Features::new(vec![1., 0., 0., 1.], 2, vec![0, 2], numbered(3)).unwrap();
        let test = Features::new(vec![1., 0.1, 1., 0.2], 2, vec![0, 1], numbered(3)).unwrap();
        let scores = knn(&train, &test, &KnnConfig { k: Some(vec![1]), ..Default::default() }).unwrap();
        assert_eq!(scores[&1].correct, [true, false]);
        let single = Features::new(vec![1., 0.], 2, vec![0], numbered(1)).unwrap();
        let error = knn(&single, &single, &KnnConfig::default()).unwrap_err();
        assert!(matches!(&error, ProbeError::Features(FeatureError::OneClass { .. })), "{error}");
    }
}
