//! How far a map can be trusted.

use rayon::prelude::*;

use crate::ProbeError;
use zview_features::{FeatureError, Features};
use zview_numerics::matrix::multiply_transposed;

/// The share of neighbourhoods on a map that are neighbourhoods in feature space too, 0 to 1: 1 less a penalty
/// for each of the `k` nearest points on the map that ranks beyond the k nearest in feature space, by its rank.
/// A map that has nothing to do with the features has about 0.5.
///
/// Distances are Euclidean; of equally near points the one of lower index is nearer.
///
/// Source: Venna and Kaski 2001, "Neighborhood preservation in nonlinear projection methods", equation 1; as
/// scikit-learn's `manifold.trustworthiness`.
///
/// # Errors
/// [`FeatureError::Size`] unless there is a point for each image, [`FeatureError::Setting`] unless `k` is at least
/// 1 and less than half the number of images.
pub fn trustworthiness(features: &Features, points: &[[f64; 2]], k: usize) -> Result<f64, ProbeError> {
    let n = features.len();
    if points.len() != n {
        return Err(ProbeError::Features(FeatureError::Size {
            what: "points of a map",
            expected: n,
            got: points.len(),
        }));
    }
    if k == 0 || 2 * k >= n {
        let expected = "at least 1 and less than half the number of images";
        return Err(ProbeError::Features(FeatureError::Setting { key: "k", expected, got: k.to_string() }));
    }
    let squared = squared_distances(features)?;
    let penalties: Vec<usize> = (0..n)
        .into_par_iter()
        .map(|image| {
            let on_map: Vec<f64> = points
                .iter()
                .map(|point| (point[0] - points[image][0]).powi(2) + (point[1] - points[image][1]).powi(2))
                .collect();
            let mut rank = vec![0; n];
            let in_space = nearest_first(image, &squared[image * n..(image + 1) * n]);
            for (position, &other) in in_space.iter().enumerate() {
                rank[other] = position + 1;
            }
            nearest_first(image, &on_map)[..k].iter().map(|&other| rank[other].saturating_sub(k)).sum()
        })
        .collect();
    let penalty = penalties.iter().sum::<usize>() as f64;
    Ok(1.0 - penalty * 2.0 / (n as f64 * k as f64 * (2.0 * n as f64 - 3.0 * k as f64 - 1.0)))
}

/// All images but `image`, nearest first.
pub(super) fn nearest_first(image: usize, distances: &[f64]) -> Vec<usize> {
    let mut others: Vec<usize> = (0..distances.len()).filter(|&other| other != image).collect();
    others.sort_unstable_by(|&a, &b| distances[a].total_cmp(&distances[b]).then(a.cmp(&b)));
    others
}

/// (N, N), of rows less the first row: subtracting the same from all changes no distance and keeps digits.
fn squared_distances(features: &Features) -> Result<Vec<f64>, FeatureError> {
    let first = features.row(0);
    let whole = features.whole()?;
    let rows = whole.chunks_exact(features.dimension());
    let values: Vec<f64> = rows
        .flat_map(|row| {
            row.iter().zip(first.iter()).map(|(&value, &first)| f64::from(value) - f64::from(first))
        })
        .collect();
    Ok(squared_distances_of(&values, features.dimension()))
}

/// (N, N) squared Euclidean distances between the rows of `values` (N, D).
pub(super) fn squared_distances_of(values: &[f64], dimension: usize) -> Vec<f64> {
    let n = values.len() / dimension;
    let mut squared = vec![0.0; n * n];
    multiply_transposed(values, values, dimension, &mut squared);
    let lengths: Vec<f64> = (0..n).map(|image| squared[image * n + image]).collect();
    squared.par_chunks_exact_mut(n).zip(&lengths).for_each(|(row, &length)| {
        for (value, &other) in row.iter_mut().zip(&lengths) {
            *value = (length + other - 2.0 * *value).max(0.0);
        }
    });
    squared
}
