//! k nearest neighbours by cosine similarity.
//!
//! The weighted vote is that of Wu et al., Unsupervised Feature Learning via Non-Parametric Instance
//! Discrimination, CVPR 2018, section 3.4: exp(similarity / T).

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::features::matrix::multiply_transposed;
use crate::{Features, Interval, ProbeError, accuracy_interval};

/// Test rows and training rows of one tile of similarities: 2 MB.
const TEST_TILE: usize = 256;
const TRAIN_TILE: usize = 2_048;

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
    /// Numbers of neighbours, one result for each.
    pub k: Vec<usize>,
    /// How they vote.
    pub vote: Vote,
    /// Seed of the confidence intervals.
    pub seed: u64,
}

impl Default for KnnConfig {
    fn default() -> Self {
        Self { k: vec![20], vote: Vote::Weighted(0.07), seed: 0 }
    }
}

/// Accuracy with one number of neighbours; fractions.
#[derive(Debug, Clone, PartialEq, Serialize)]
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

/// Classifies `test` by the nearest of `train`, keyed by k.
///
/// Equally near neighbours rank by their index, equal votes by class: always the lower first. All
/// k come from one pass, with a tile of similarities in memory per thread.
///
/// # Errors
/// A k that is 0 or more than there are training images, a temperature that is not positive, sets
/// that do not fit together.
pub fn knn(
    train: &Features,
    test: &Features,
    config: &KnnConfig,
) -> Result<BTreeMap<usize, KnnScore>, ProbeError> {
    Features::check_train_and_test(train, test)?;
    let setting = |key, expected, got| Err(ProbeError::Setting { key, expected, got });
    if let Vote::Weighted(temperature) = config.vote
        && !(temperature > 0.0 && temperature.is_finite())
    {
        return setting("temperature", "positive and finite", temperature.to_string());
    }
    let Some(&largest_k) = config.k.iter().max() else {
        return setting("k", "a list of at least one number", "none".to_owned());
    };
    if config.k.contains(&0) {
        return setting("k", "at least 1", "0".to_owned());
    }
    if largest_k > train.len() {
        return Err(ProbeError::Neighbours { k: largest_k, images: train.len() });
    }
    let neighbours = nearest(train, test, largest_k);
    let score = |&k: &usize| {
        let correct: Vec<bool> = neighbours
            .par_chunks(largest_k)
            .zip(test.labels())
            .map(|(nearest, &label)| vote(&nearest[..k], train, config.vote) == label)
            .collect();
        let right = correct.iter().filter(|&&right| right).count();
        // Use number 0 belongs to the linear probe; k is never 0.
        let Interval { low, high } = accuracy_interval(right, test.len(), config.seed, k as u64);
        (k, KnnScore { top1: right as f64 / test.len() as f64, low, high, correct })
    };
    Ok(config.k.iter().map(score).collect())
}

/// A training image and its cosine similarity to a test image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// Cosine of the angle between the two features, -1 to 1.
    pub similarity: f32,
    /// Which row of the training features.
    pub image: usize,
}

/// The `k` nearest of `train` (all, if there are fewer) for each of `test`, nearest first.
///
/// # Errors
/// Sets that are empty or do not fit together.
pub fn nearest_neighbours(
    train: &Features,
    test: &Features,
    k: usize,
) -> Result<Vec<Vec<Neighbour>>, ProbeError> {
    Features::check_train_and_test(train, test)?;
    let k = k.clamp(1, train.len());
    Ok(nearest(train, test, k).chunks(k).map(<[Neighbour]>::to_vec).collect())
}

/// The `k` nearest training images of every test image, nearest first: (N, k) row by row.
fn nearest(train: &Features, test: &Features, k: usize) -> Vec<Neighbour> {
    let dimension = train.dimension();
    let (train, test) = (unit_rows(train), unit_rows(test));
    test.par_chunks(TEST_TILE * dimension)
        .flat_map_iter(|test_rows| {
            let rows = test_rows.len() / dimension;
            let mut nearest: Vec<Vec<Neighbour>> = vec![Vec::with_capacity(k + 1); rows];
            let mut similarities = vec![0.0; rows * TRAIN_TILE.min(train.len() / dimension)];
            for (tile, train_rows) in train.chunks(TRAIN_TILE * dimension).enumerate() {
                let columns = train_rows.len() / dimension;
                let similarities = &mut similarities[..rows * columns];
                multiply_transposed(test_rows, train_rows, dimension, similarities);
                for (kept, row) in nearest.iter_mut().zip(similarities.chunks_exact(columns)) {
                    keep_nearest(kept, row, tile * TRAIN_TILE, k);
                }
            }
            nearest.into_iter().flatten()
        })
        .collect()
}

/// Takes the images of a tile, in ascending order, into the sorted list of the `k` nearest. Only a
/// strictly nearer image moves ahead of an earlier one.
fn keep_nearest(kept: &mut Vec<Neighbour>, similarities: &[f32], first_image: usize, k: usize) {
    let mut threshold = if kept.len() < k { f32::NEG_INFINITY } else { kept[k - 1].similarity };
    for (column, &similarity) in similarities.iter().enumerate() {
        if similarity <= threshold {
            continue;
        }
        let position = kept.partition_point(|neighbour| neighbour.similarity >= similarity);
        kept.insert(position, Neighbour { similarity, image: first_image + column });
        kept.truncate(k);
        if kept.len() == k {
            threshold = kept[k - 1].similarity;
        }
    }
}

/// Rows divided by their length; a row of zeros stays, and is equally far from everything.
fn unit_rows(features: &Features) -> Vec<f32> {
    let mut values = Vec::with_capacity(features.values().len());
    for row in features.values().chunks_exact(features.dimension()) {
        let length = row.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
        let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
        values.extend(row.iter().map(|&value| (f64::from(value) * scale) as f32));
    }
    values
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
    use crate::features::rows::tests::{clouds, numbered};

    /// Sorts all training images by similarity; sums in the same precision, so it may differ from
    /// the tiled form only where two similarities agree to the last bits.
    fn brute_force(train: &Features, test: &Features, k: usize) -> Vec<Vec<usize>> {
        let (train_rows, test_rows) = (unit_rows(train), unit_rows(test));
        let d = train.dimension();
        test_rows
            .chunks_exact(d)
            .map(|row| {
                let similarity = |image: usize| -> f64 {
                    let other = &train_rows[image * d..(image + 1) * d];
                    row.iter().zip(other).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
                };
                let mut images: Vec<usize> = (0..train.len()).collect();
                images.sort_by(|&a, &b| similarity(b).total_cmp(&similarity(a)).then(a.cmp(&b)));
                images.truncate(k);
                images
            })
            .collect()
    }

    #[test]
    fn tiles_find_the_neighbours_that_sorting_finds() {
        // More than one tile in both directions, with a partial one at each end.
        let (train, test) = (clouds(TRAIN_TILE + 37, 5, 4, 1.0, 0), clouds(TEST_TILE + 3, 5, 4, 1.0, 1));
        let found = nearest(&train, &test, 7);
        let expected = brute_force(&train, &test, 7);
        let mut different = 0;
        for (row, expected) in found.chunks_exact(7).zip(&expected) {
            assert!(row.is_sorted_by(|a, b| a.similarity >= b.similarity));
            different += row.iter().zip(expected).filter(|(a, b)| a.image != **b).count();
        }
        // Of 1,813 neighbours, only those within f32 rounding of another may be swapped.
        assert!(different <= 20, "{different}");
    }

    #[test]
    fn ties_go_to_the_lower_index_and_class() {
        // Images 0 and 2 lie on the same ray as the test image; 1 and 3 at right angles.
        let values = vec![1., 0., 0., 1., 2., 0., 0., 3.];
        let train = Features::new(values, 2, vec![1, 0, 0, 0], numbered(2)).unwrap();
        let test = Features::new(vec![5., 0.], 2, vec![1], numbered(2)).unwrap();
        let images: Vec<usize> = nearest(&train, &test, 4).iter().map(|neighbour| neighbour.image).collect();
        assert_eq!(images, [0, 2, 1, 3]);
        let config = KnnConfig { k: vec![1, 2, 4], vote: Vote::Majority, seed: 0 };
        let scores = knn(&train, &test, &config).unwrap();
        // k = 1: class 1; k = 2: one vote each, class 0 wins the tie; k = 4: class 0.
        assert_eq!([1, 2, 4].map(|k| scores[&k].top1), [1.0, 0.0, 0.0]);
    }

    #[test]
    fn near_neighbours_outvote_many_far_ones_only_when_weighted() {
        let values = vec![1., 0.01, 0.1, 1., 0.1, 1., 0.1, 1.];
        let train = Features::new(values, 2, vec![1, 0, 0, 0], numbered(2)).unwrap();
        let test = Features::new(vec![1., 0.], 2, vec![1], numbered(2)).unwrap();
        let top1 = |vote| knn(&train, &test, &KnnConfig { k: vec![4], vote, seed: 0 }).unwrap()[&4].top1;
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
            knn(&train, &zero, &KnnConfig { k: vec![1], ..Default::default() }).unwrap()[&1].top1,
            1.0
        );
    }

    #[test]
    fn settings_that_cannot_work_are_named() {
        let train = clouds(10, 2, 2, 1.0, 0);
        let error = |config: KnnConfig| knn(&train, &train, &config).unwrap_err().to_string();
        assert!(error(KnnConfig::default()).contains("at most 10"));
        assert!(error(KnnConfig { k: vec![0], ..Default::default() }).contains("`k`"));
        assert!(error(KnnConfig { k: vec![], ..Default::default() }).contains("`k`"));
        let cold = KnnConfig { k: vec![1], vote: Vote::Weighted(0.0), seed: 0 };
        assert!(error(cold).contains("temperature"));
    }
}
