//! Shifting and scaling features to mean 0 and standard deviation 1.

use crate::linear::Logistic;
use zview_features::{Features, TILE_ROWS};

/// Mean and standard deviation per dimension, of the features it was fitted to.
#[derive(Debug, Clone, PartialEq)]
pub struct Standardiser {
    mean: Vec<f64>,
    std: Vec<f64>,
}

impl Standardiser {
    /// Means and (population) standard deviations of `features` (N, D), in double precision.
    ///
    /// A dimension that is constant gets standard deviation 1, so that it becomes 0 and not NaN.
    #[must_use]
    pub fn fit(features: &Features) -> Self {
        let dimension = features.dimension();
        let count = features.len().max(1) as f64;
        let mut mean = vec![0.0; dimension];
        for tile in features.tiles(TILE_ROWS) {
            for row in tile.chunks_exact(dimension) {
                mean.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
            }
        }
        mean.iter_mut().for_each(|sum| *sum /= count);
        let mut std = vec![0.0; dimension];
        for tile in features.tiles(TILE_ROWS) {
            for row in tile.chunks_exact(dimension) {
                for ((square, &value), mean) in std.iter_mut().zip(row).zip(&mean) {
                    *square += (f64::from(value) - mean).powi(2);
                }
            }
        }
        for (square, mean) in std.iter_mut().zip(&mean) {
            let deviation = (*square / count).sqrt();
            // Rounding of the mean alone leaves about 1e-16 of its size.
            *square = if deviation > 1e-12 * mean.abs() { deviation } else { 1.0 };
        }
        Self { mean, std }
    }

    /// The mean of each dimension, (D).
    pub(crate) fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// What each dimension is divided by, (D).
    pub(crate) fn std(&self) -> &[f64] {
        &self.std
    }

    /// (x - mean) / std of every row of `features` (N, D). Of a mapped file no value is copied.
    #[must_use]
    pub fn apply(&self, features: &Features) -> Features {
        features.standardised(&self.mean, &self.std)
    }

    /// The classifier of features as they are that does what `model` does with standardised ones.
    pub(crate) fn undone_in(&self, model: &Logistic) -> Logistic {
        let mut weights = model.weights().to_vec();
        let mut bias = model.bias().to_vec();
        for (row, bias) in weights.chunks_exact_mut(self.mean.len()).zip(&mut bias) {
            for ((weight, mean), std) in row.iter_mut().zip(&self.mean).zip(&self.std) {
                *weight /= std;
                *bias -= *weight * mean;
            }
        }
        Logistic::from_parts(weights, bias)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_features::made_up::{clouds, numbered};

    #[test]
    fn standardised_features_have_mean_0_and_deviation_1() {
        let features = clouds(500, 3, 2, 5.0, 0);
        let standardised = Standardiser::fit(&features).apply(&features);
        let again = Standardiser::fit(&standardised);
        assert!(again.mean.iter().all(|mean| mean.abs() < 1e-6), "{again:?}");
        assert!(again.std.iter().all(|std| (std - 1.0).abs() < 1e-6), "{again:?}");
    }

    #[test]
    fn a_constant_dimension_becomes_zero() {
        let values = vec![0.1, 1.0, 0.1, 2.0, 0.1, 4.0];
        let features = Features::new(values, 2, vec![0, 0, 0], numbered(1)).unwrap();
        let standardised = Standardiser::fit(&features).apply(&features);
        assert!((0..3).all(|image| standardised.row(image)[0].abs() < 1e-6));
    }

    #[test]
    fn a_large_offset_loses_nothing() {
        let values = vec![1e6, 1e6 + 1.0, 1e6 + 2.0];
        let features = Features::new(values, 1, vec![0, 0, 0], numbered(1)).unwrap();
        let standardised = Standardiser::fit(&features).apply(&features);
        assert!((standardised.row(2)[0] - 1.5f32.sqrt()).abs() < 1e-6);
    }
}
