//! t-SNE by the library `bhtsne`, without its randomness.
//!
//! The library draws its start and its search tree from the system; here it is given both: the start is the PCA
//! map, as in scikit-learn and openTSNE, and the nearest neighbours are found by sorting. It runs on one thread,
//! because its sums over threads depend on how work is stolen. The same features so give the same bits.

use bhtsne::Neighbor;
use rayon::prelude::*;

use super::trustworthiness::{nearest_first, squared_distances_of};

/// Barnes-Hut accuracy, as in scikit-learn: a cell of the plane counts as one point from a distance of twice its
/// size on.
const THETA: f64 = 0.5;
/// Standard deviation of the start along its first axis (Kobak and Berens 2019, and scikit-learn).
const START_STD: f64 = 1e-4;
const EXAGGERATION: f64 = 12.0;
const EXAGGERATED_STEPS: usize = 250;

/// A map and how far it is from its aim.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TsneMap {
    /// (N, 2).
    pub(super) points: Vec<[f64; 2]>,
    /// Kullback-Leibler divergence of the map's neighbourhoods from those in the space, nats.
    pub(super) divergence: f64,
}

/// The largest perplexity that `images` allow: a third of the other images.
pub(super) fn largest_perplexity(images: usize) -> f64 {
    (images.saturating_sub(1) / 3) as f64
}

/// A map of the rows of `values` (N, K) that begins at `start` (N, 2).
///
/// `perplexity` is at least 1 and at most [`largest_perplexity`]. A start without extent stays as it is: all
/// rows are the same then.
///
/// Source: van der Maaten 2014, "Accelerating t-SNE using tree-based algorithms", with early exaggeration as
/// scikit-learn. The learning rate is max(N / 4, 200): the library bounds the gains of its steps, and at the usual
/// max(N / 12, 200) 2,000 features end at a divergence 24 % above scikit-learn's instead of 7 %.
pub(super) fn tsne(
    values: &[f64],
    dimension: usize,
    start: &[[f64; 2]],
    perplexity: f64,
    steps: usize,
) -> TsneMap {
    let images = start.len();
    let std = (start.iter().map(|point| point[0].powi(2)).sum::<f64>() / images as f64).sqrt();
    if std == 0.0 {
        return TsneMap { points: start.to_vec(), divergence: 0.0 };
    }
    let start: Vec<f64> = start.iter().flatten().map(|coordinate| coordinate / std * START_STD).collect();
    let neighbours = neighbours(values, dimension, (3.0 * perplexity) as usize);
    let fit = || {
        let rows: Vec<&[f64]> = values.chunks_exact(dimension).collect();
        let mut tsne = bhtsne::tSNE::<f64, &[f64], 2>::new(&rows);
        tsne.perplexity(perplexity)
            .epochs(steps)
            .early_exaggeration(EXAGGERATION)
            .stop_lying_epoch(EXAGGERATED_STEPS)
            .momentum_switch_epoch(EXAGGERATED_STEPS)
            .learning_rate((images as f64 / 4.0).max(200.0))
            .initial_embedding(start.clone())
            .barnes_hut_with_neighbors(THETA, &neighbours);
        let points: Vec<[f64; 2]> =
            tsne.embedding().chunks_exact(2).map(|point| [point[0], point[1]]).collect();
        let divergence = tsne.affinities().map_or(f64::NAN, |affinities| divergence(&affinities, &points));
        TsneMap { points, divergence }
    };
    match rayon::ThreadPoolBuilder::new().num_threads(1).build() {
        Ok(single) => single.install(fit),
        // No thread can be had: the sums may differ in their last bits.
        Err(error) => {
            tracing::warn!(%error, "t-SNE shares its threads, so that its last bits may differ between runs");
            fit()
        }
    }
}

/// Kullback-Leibler divergence of the map from the affinities, summed over all pairs. The library's own figure is
/// several times as large.
fn divergence(affinities: &bhtsne::SparseAffinities<f64>, points: &[[f64; 2]]) -> f64 {
    let similarity = |one: [f64; 2], other: [f64; 2]| {
        1.0 / (1.0 + (one[0] - other[0]).powi(2) + (one[1] - other[1]).powi(2))
    };
    let of_point = |&one: &[f64; 2]| points.iter().map(|&other| similarity(one, other)).sum::<f64>();
    // A point's similarity to itself, 1, is left out.
    let all = points.iter().map(of_point).sum::<f64>() - points.len() as f64;
    let rows = affinities.rows().windows(2).enumerate();
    let total: f64 = affinities.values().iter().sum();
    rows.flat_map(|(one, ends)| (ends[0]..ends[1]).map(move |entry| (one, entry)))
        .filter(|&(_, entry)| affinities.values()[entry] > 0.0)
        .map(|(one, entry)| {
            let wanted = affinities.values()[entry] / total;
            let other = affinities.columns()[entry] as usize;
            wanted * (wanted * all / similarity(points[one], points[other])).ln()
        })
        .sum()
}

/// The `count` nearest other rows of each row, nearest first.
fn neighbours(values: &[f64], dimension: usize, count: usize) -> Vec<Vec<Neighbor<f64>>> {
    let images = values.len() / dimension;
    let squared = squared_distances_of(values, dimension);
    let of_row = |image: usize| {
        let row = &squared[image * images..(image + 1) * images];
        let nearest = nearest_first(image, row).into_iter().take(count);
        nearest.map(|index| Neighbor { index, distance: row[index].sqrt() }).collect()
    };
    (0..images).into_par_iter().map(of_row).collect()
}
