//! k-means clusters of unit-length features.
//!
//! Lloyd 1982, "Least squares quantization in PCM", from k-means++ centres, the best of several starts. Features
//! are divided by their length first: contrastive objectives and the nearest-neighbour protocol compare
//! directions, and a length is mostly a matter of contrast. Centres are plain means, not of length 1.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use zview_runtime::seed::{Purpose, Stream};

use super::points::Points;
use super::seeding::first_centres;
use crate::{FeatureError, Features};

/// Points summed at once: sums do not depend on the number of threads.
const BLOCK: usize = 4_096;

/// How clusters are found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KMeansConfig {
    /// Starts from other first centres; the result with the smallest inertia is kept.
    pub restarts: usize,
    /// Steps of one start at most; it ends before when no image changes its cluster.
    pub max_iterations: usize,
    /// Seed of the first centres.
    pub seed: u64,
}

impl Default for KMeansConfig {
    fn default() -> Self {
        Self { restarts: 10, max_iterations: 100, seed: 0 }
    }
}

/// Clusters of features.
#[derive(Debug, Clone, PartialEq)]
pub struct KMeans {
    /// (K, D) row by row, in the space of unit-length features.
    centres: Vec<f32>,
    dimension: usize,
    /// The cluster of each image it was fitted on, (N).
    pub assignment: Vec<u32>,
    /// Sum of squared distances to the nearest centre.
    pub inertia: f64,
    /// Steps of the start that was kept.
    pub iterations: usize,
}

impl KMeans {
    /// The nearest cluster of each of `features`, (N). Panics on another dimension.
    ///
    /// # Errors
    /// [`FeatureError::Memory`].
    pub fn assign(&self, features: &Features) -> Result<Vec<u32>, FeatureError> {
        assert_eq!(features.dimension(), self.dimension, "clusters of another dimension");
        let centres = Points::new(self.centres.clone(), self.dimension);
        Ok(Points::unit(features)?.nearest(&centres).into_iter().map(|(cluster, _)| cluster).collect())
    }
}

/// Finds `k` clusters of `features`, whose labels are not looked at.
///
/// A cluster that loses all its images gets the image furthest from its centre. Where there are fewer
/// distinct directions than `k`, clusters stay empty.
///
/// # Errors
/// No image, a k that is 0 or more than there are images, no start.
pub fn kmeans(features: &Features, k: usize, config: &KMeansConfig) -> Result<KMeans, FeatureError> {
    if features.is_empty() {
        return Err(FeatureError::Empty { set: "the set to cluster".to_owned() });
    }
    if k == 0 || k > features.len() {
        return Err(FeatureError::Setting {
            key: "clusters",
            expected: "at least 1 and at most the number of images",
            got: format!("{k} of {} images", features.len()),
        });
    }
    let points = Points::unit(features)?;
    let stream = |restart: u64| Stream::new(config.seed, Purpose::Cluster, 0, restart);
    let mut streams: Vec<Stream> = (0..config.restarts as u64).map(stream).collect();
    let found: Vec<KMeans> = first_centres(&points, k, &mut streams)
        .into_par_iter()
        .map(|centres| lloyd(&points, centres, config.max_iterations))
        .collect();
    let best =
        found.into_iter().reduce(|best, other| if other.inertia < best.inertia { other } else { best });
    best.ok_or(FeatureError::Setting { key: "restarts", expected: "at least 1", got: "0".to_owned() })
}

fn lloyd(points: &Points, mut centres: Points, max_iterations: usize) -> KMeans {
    let mut nearest = points.nearest(&centres);
    let mut iterations = 0;
    while iterations < max_iterations {
        iterations += 1;
        centres = means(points, &nearest, &centres);
        let next = points.nearest(&centres);
        let changed = next.iter().zip(&nearest).any(|(next, before)| next.0 != before.0);
        nearest = next;
        if !changed {
            break;
        }
    }
    KMeans {
        inertia: nearest.iter().map(|&(_, distance)| f64::from(distance)).sum(),
        assignment: nearest.iter().map(|&(cluster, _)| cluster).collect(),
        dimension: centres.dimension,
        centres: centres.values,
        iterations,
    }
}

/// The mean of each cluster's points.
fn means(points: &Points, nearest: &[(u32, f32)], before: &Points) -> Points {
    let (k, dimension) = (before.len(), points.dimension);
    let blocks: Vec<(Vec<f64>, Vec<usize>)> = nearest
        .par_chunks(BLOCK)
        .enumerate()
        .map(|(block, nearest)| {
            let (mut sums, mut counts) = (vec![0.0; k * dimension], vec![0; k]);
            for (point, &(cluster, _)) in (block * BLOCK..).zip(nearest) {
                let sum = &mut sums[cluster as usize * dimension..][..dimension];
                sum.iter_mut().zip(points.row(point)).for_each(|(sum, &value)| *sum += f64::from(value));
                counts[cluster as usize] += 1;
            }
            (sums, counts)
        })
        .collect();
    let (mut sums, mut counts) = (vec![0.0; k * dimension], vec![0usize; k]);
    for (block_sums, block_counts) in &blocks {
        sums.iter_mut().zip(block_sums).for_each(|(sum, value)| *sum += value);
        counts.iter_mut().zip(block_counts).for_each(|(count, value)| *count += value);
    }
    let mut values = before.values.clone();
    for ((centre, sum), &count) in
        values.chunks_exact_mut(dimension).zip(sums.chunks_exact(dimension)).zip(&counts)
    {
        if count > 0 {
            centre.iter_mut().zip(sum).for_each(|(centre, sum)| *centre = (sum / count as f64) as f32);
        }
    }
    let empty: Vec<usize> = (0..k).filter(|&cluster| counts[cluster] == 0).collect();
    if !empty.is_empty() {
        let mut far: Vec<usize> = (0..points.len()).filter(|&point| nearest[point].1 > 0.0).collect();
        far.sort_by(|&a, &b| nearest[b].1.total_cmp(&nearest[a].1).then(a.cmp(&b)));
        for (cluster, point) in empty.into_iter().zip(far) {
            values[cluster * dimension..][..dimension].copy_from_slice(points.row(point));
        }
    }
    Points::new(values, dimension)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up::{clouds, numbered};

    #[test]
    fn separate_clouds_are_found_and_new_images_assigned() {
        let (train, test) = (clouds(300, 16, 5, 6.0, 0), clouds(100, 16, 5, 6.0, 1));
        let found = kmeans(&train, 5, &KMeansConfig::default()).unwrap();
        let of_class = |class: usize| found.assignment[class];
        assert!((0..300).all(|image| found.assignment[image] == of_class(image % 5)));
        assert_eq!(found.assign(&train).unwrap(), found.assignment);
        let tests = found.assign(&test).unwrap();
        assert!((0..100).all(|image| tests[image] == of_class(image % 5)));
        assert_eq!(found, kmeans(&train, 5, &KMeansConfig::default()).unwrap());
    }

    #[test]
    fn one_cluster_has_the_variance_as_inertia() {
        let features = clouds(50, 4, 2, 1.0, 0);
        let points = Points::unit(&features).unwrap();
        let mean: Vec<f64> =
            (0..4).map(|d| (0..50).map(|p| f64::from(points.row(p)[d])).sum::<f64>() / 50.0).collect();
        let expected: f64 = (0..50)
            .flat_map(|p| (0..4).map(move |d| (p, d)))
            .map(|(p, d)| (f64::from(points.row(p)[d]) - mean[d]).powi(2))
            .sum();
        let found = kmeans(&features, 1, &KMeansConfig::default()).unwrap();
        assert!((found.inertia / expected - 1.0).abs() < 1e-5, "{} {expected}", found.inertia);
    }

    #[test]
    fn fewer_directions_than_clusters_and_zeros_are_defined() {
        // Two directions and zeros, ten images each.
        let values: Vec<f32> =
            (0..30).flat_map(|at| [[1.0 + at as f32, 0.0], [0.0, 2.0], [0.0, 0.0]][at % 3]).collect();
        let features = Features::new(values, 2, vec![0; 30], numbered(1)).unwrap();
        let found = kmeans(&features, 5, &KMeansConfig::default()).unwrap();
        assert!(found.inertia < 1e-9, "{}", found.inertia);
        let distinct: std::collections::BTreeSet<u32> = found.assignment.iter().copied().collect();
        assert_eq!(distinct.len(), 3);
        assert_eq!(kmeans(&features, 30, &KMeansConfig::default()).unwrap().inertia, found.inertia);
    }

    #[test]
    fn what_cannot_be_clustered_is_named() {
        let features = clouds(5, 2, 2, 1.0, 0);
        let config = KMeansConfig::default();
        let told = |features: &Features, k, config: &KMeansConfig| {
            kmeans(features, k, config).unwrap_err().to_string()
        };
        assert!(told(&features, 0, &config).contains("`clusters`"));
        assert!(told(&features, 6, &config).contains("6 of 5 images"));
        assert!(told(&features.select(&[]), 1, &config).contains("no images"));
        assert!(told(&features, 2, &KMeansConfig { restarts: 0, ..config }).contains("`restarts`"));
    }
}
