//! Distance to the nearest class, in units of the features' spread within classes.
//!
//! Lee et al. 2018, "A Simple Unified Framework for Detecting Out-of-Distribution Samples and Adversarial
//! Attacks", <https://arxiv.org/abs/1807.03888>, equations 1 and 2: one mean for each class, one covariance
//! shared by all. The covariance is shrunk towards a multiple of the identity, without which features that
//! hardly vary would decide everything.

use rayon::prelude::*;
use zview_numerics::linalg::Cholesky;

use super::shrinkage::ledoit_wolf_shrinkage;
use crate::ProbeError;
use zview_features::spectrum::{covariance, mean_row};
use zview_features::{FeatureError, Features, pieces};
use zview_numerics::matrix::{dot, multiply_transposed};

/// Added to the diagonal, as a share of its mean, so that rounding cannot make a pivot negative.
const RIDGE: f64 = 1e-9;
/// Images whose distances are computed at once.
const BLOCK_ROWS: usize = 128;

/// Squared distances, and how the covariance was shrunk.
#[derive(Debug, Clone, PartialEq)]
pub struct MahalanobisDistance {
    /// The smallest (x - mean)^T Sigma^-1 (x - mean) over the classes, one list for each set asked about.
    pub squared_distances: Vec<Vec<f64>>,
    /// The share of the identity in the covariance, 0 to 1.
    pub shrinkage: f64,
}

/// Distances of every image of each of `sets`, as fitted on `train`. `shrinkage` is the share of the
/// identity, by Ledoit and Wolf if `None`. A class without training images has no mean and is not counted. If
/// every class has a single point, distances are Euclidean.
///
/// # Errors
/// No training image, a set of another dimension, a shrinkage that is not from 0 to 1,
/// [`FeatureError::Decomposition`].
pub fn mahalanobis_distance(
    train: &Features,
    sets: &[&Features],
    shrinkage: Option<f64>,
) -> Result<MahalanobisDistance, ProbeError> {
    let dimension = train.dimension();
    if train.is_empty() {
        return Err(ProbeError::Features(FeatureError::Empty { set: "the train set".to_owned() }));
    }
    if let Some(set) = sets.iter().find(|set| set.dimension() != dimension) {
        let what = "dimension of the features";
        return Err(ProbeError::Features(FeatureError::Size {
            what,
            expected: dimension,
            got: set.dimension(),
        }));
    }
    if let Some(wrong) = shrinkage.filter(|share| !(0.0..=1.0).contains(share)) {
        let got = wrong.to_string();
        return Err(ProbeError::Features(FeatureError::Setting {
            key: "shrinkage",
            expected: "from 0 to 1",
            got,
        }));
    }
    let means = class_means(train);
    let mean_of = |image: usize| means[train.labels()[image] as usize].as_slice();
    let mut matrix = covariance(train, mean_of);
    let shrinkage = shrinkage.unwrap_or_else(|| {
        let squared_length = |image: usize| -> f64 {
            let row = train.row(image);
            row.iter()
                .zip(mean_of(image))
                .map(|(&x, mean)| (f64::from(x) - mean) * (f64::from(x) - mean))
                .sum()
        };
        ledoit_wolf_shrinkage((0..train.len()).map(squared_length), &matrix, dimension)
    });
    shrink(&mut matrix, dimension, shrinkage);
    let factor = Cholesky::new(&matrix, dimension).map_err(|source| {
        ProbeError::Features(FeatureError::Decomposition { what: "covariance within classes", source })
    })?;

    // With Sigma = L L^T a squared distance is |L^-1 (x - centre) - L^-1 (mean - centre)|^2; about a common centre
    // lengths are no larger than distances.
    let centre = mean_row(train);
    let whiten = |rows: &mut dyn Iterator<Item = f64>| -> Vec<f64> {
        let mut rows: Vec<f64> =
            rows.zip(centre.iter().cycle()).map(|(value, centre)| value - centre).collect();
        factor.solve_lower(&mut rows);
        rows
    };
    let present = train.images_by_class().into_iter().zip(&means).filter(|(images, _)| !images.is_empty());
    let whitened_means = whiten(&mut present.flat_map(|(_, mean)| mean.iter().copied()));
    let distances = |set: &&Features| -> Vec<f64> {
        let blocks = pieces(0..set.len(), BLOCK_ROWS).into_par_iter();
        blocks
            .flat_map_iter(|rows| {
                let rows = set.tile(rows);
                let whitened = whiten(&mut rows.iter().map(|&value| f64::from(value)));
                nearest_squared(&whitened, &whitened_means, dimension)
            })
            .collect()
    };
    Ok(MahalanobisDistance { squared_distances: sets.iter().map(distances).collect(), shrinkage })
}

/// The smallest squared distance of each of `rows` (B, D) to one of `means` (C, D), (B).
fn nearest_squared(rows: &[f64], means: &[f64], dimension: usize) -> Vec<f64> {
    let square = |row: &[f64]| dot(row, row);
    let mean_squares: Vec<f64> = means.chunks_exact(dimension).map(square).collect();
    let mut products = vec![0.0; rows.len() / dimension * mean_squares.len()];
    multiply_transposed(rows, means, dimension, &mut products);
    let nearest = |(row, products): (&[f64], &[f64])| {
        let relative = products.iter().zip(&mean_squares).map(|(product, square)| square - 2.0 * product);
        (square(row) + relative.fold(f64::INFINITY, f64::min)).max(0.0)
    };
    rows.chunks_exact(dimension).zip(products.chunks_exact(mean_squares.len())).map(nearest).collect()
}

/// The mean of each class's rows, (C) of (D); zeros for a class without images.
fn class_means(features: &Features) -> Vec<Vec<f64>> {
    let mut means = vec![vec![0.0; features.dimension()]; features.classes()];
    for (class, images) in features.images_by_class().iter().enumerate() {
        for &image in images {
            means[class]
                .iter_mut()
                .zip(features.row(image).iter())
                .for_each(|(sum, &value)| *sum += f64::from(value));
        }
        means[class].iter_mut().for_each(|sum| *sum /= images.len().max(1) as f64);
    }
    means
}

fn shrink(matrix: &mut [f64], dimension: usize, share: f64) {
    let mu = (0..dimension).map(|d| matrix[d * dimension + d]).sum::<f64>() / dimension as f64;
    matrix.iter_mut().for_each(|value| *value *= 1.0 - share);
    // Without any spread there is no scale but that of the features themselves.
    let added = if mu > 0.0 { (share + RIDGE) * mu } else { 1.0 };
    (0..dimension).for_each(|d| matrix[d * dimension + d] += added);
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_features::made_up::{clouds, numbered};

    #[test]
    fn distances_are_those_of_whitened_features() {
        // Two classes at (0, 0) and (10, 0), standard deviations 1 and 2 within both.
        let mut values = Vec::new();
        for centre in [0.0f32, 10.0] {
            for (x, y) in [(1.0, 2.0), (1.0, -2.0), (-1.0, 2.0), (-1.0, -2.0)] {
                values.extend([centre + x, y]);
            }
        }
        let train = Features::new(values, 2, vec![0, 0, 0, 0, 2, 2, 2, 2], numbered(3)).unwrap();
        let asked = Features::new(vec![3.0, 0.0, 10.0, 8.0, 6.0, 2.0], 2, vec![1; 3], numbered(3)).unwrap();
        let told = mahalanobis_distance(&train, &[&asked], Some(0.0)).unwrap();
        for (got, expected) in told.squared_distances[0].iter().zip([9.0, 16.0, 17.0]) {
            assert!((got - expected).abs() < 1e-6, "{told:?}");
        }
        // All identity: the mean variance is 2.5.
        let round = mahalanobis_distance(&train, &[&asked], Some(1.0)).unwrap();
        assert!((round.squared_distances[0][0] - 9.0 / 2.5).abs() < 1e-6);
    }

    #[test]
    fn degenerate_features_stay_finite() {
        let point = Features::new(vec![1.0; 8], 4, vec![0, 0], numbered(1)).unwrap();
        let asked = Features::new(vec![1.0, 1.0, 1.0, 3.0], 4, vec![0], numbered(1)).unwrap();
        let told = mahalanobis_distance(&point, &[&asked, &point], None).unwrap();
        assert_eq!((told.squared_distances[0][0], told.squared_distances[1][0]), (4.0, 0.0));
        // Fewer images than dimensions, one dimension dead.
        let train = clouds(6, 9, 2, 1.0, 0);
        let values = train.whole().unwrap();
        let values = values.iter().enumerate().map(|(at, v)| if at % 9 == 4 { 0.0 } else { *v });
        let train = Features::new(values.collect(), 9, train.labels().to_vec(), numbered(2)).unwrap();
        for shrinkage in [None, Some(0.0)] {
            let told = mahalanobis_distance(&train, &[&clouds(50, 9, 2, 1.0, 1)], shrinkage).unwrap();
            assert!(told.squared_distances[0].iter().all(|distance| distance.is_finite()), "{told:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let train = clouds(10, 3, 2, 1.0, 0);
        let told = |train: &Features, asked: &Features, shrinkage| {
            mahalanobis_distance(train, &[asked], shrinkage).unwrap_err().to_string()
        };
        assert!(told(&train.select(&[]), &train, None).contains("no images"));
        assert!(told(&train, &clouds(4, 2, 2, 1.0, 0), None).contains("expected 3, got 2"));
        assert!(told(&train, &train, Some(1.5)).contains("shrinkage"));
        assert!(told(&train, &train, Some(f64::NAN)).contains("shrinkage"));
    }
}
