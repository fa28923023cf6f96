//! Principal components of features.

use zview_numerics::linalg::{make_largest_positive, symmetric_eigen};

use crate::ProbeError;
use zview_features::{FeatureError, Features, TILE_ROWS};
use zview_numerics::matrix::{add_transposed_product, dot, multiply_transposed};

/// Variances below this share of the largest are rounding.
const VARIANCE_SHARE_MIN: f64 = 1e-12;

/// The directions in which features vary most, in double precision and without approximation.
///
/// Source: Hotelling 1933. As scikit-learn's `PCA(svd_solver="full")`, sign included: each axis' entry of largest
/// magnitude is positive.
#[derive(Debug, Clone, PartialEq)]
pub struct PrincipalComponents {
    /// Means of the features, (D).
    pub mean: Vec<f64>,
    /// Unit axes, (K, D) row by row, those of largest variance first.
    pub axes: Vec<f64>,
    /// Variance along each axis (divisor N - 1), (K).
    pub variances: Vec<f64>,
    /// The sum of the variances of all D features.
    pub total_variance: f64,
}

impl PrincipalComponents {
    /// The `count` components of largest variance; fewer where the features vary in fewer directions.
    ///
    /// # Errors
    /// [`FeatureError::Empty`] without images, [`FeatureError::Decomposition`], [`FeatureError::Memory`].
    pub fn fit(features: &Features, count: usize) -> Result<Self, ProbeError> {
        let (images, dimension) = (features.len(), features.dimension());
        if images == 0 {
            return Err(ProbeError::Features(FeatureError::Empty {
                set: "the set to find principal components of".to_owned(),
            }));
        }
        let mean = means(features);
        let centred = centre(features, &mean)?;
        let divisor = images.saturating_sub(1).max(1) as f64;
        let total_variance = dot(&centred, &centred) / divisor;
        // The smaller of covariance (D, D) and Gram matrix (N, N); both have the same eigenvalues.
        let by_gram = images < dimension;
        let size = images.min(dimension);
        let mut products = vec![0.0; size * size];
        if by_gram {
            multiply_transposed(&centred, &centred, dimension, &mut products);
        } else {
            add_transposed_product(&centred, &centred, images, &mut products);
        }
        let eigen = symmetric_eigen(&products, size).map_err(|source| {
            ProbeError::Features(FeatureError::Decomposition { what: "features' covariance", source })
        })?;
        let largest = eigen.values.first().copied().unwrap_or(0.0);
        let kept = eigen
            .values
            .iter()
            .take(count)
            .take_while(|&&value| value > 0.0 && value > VARIANCE_SHARE_MIN * largest)
            .count();
        let mut axes = eigen.vectors[..kept * size].to_vec();
        if by_gram {
            // An eigenvector u of X Xᵀ gives the axis Xᵀ u.
            let weights = axes;
            axes = vec![0.0; kept * dimension];
            for (weights, axis) in weights.chunks_exact(size).zip(axes.chunks_exact_mut(dimension)) {
                add_transposed_product(weights, &centred, images, axis);
                let length = dot(axis, axis).sqrt();
                axis.iter_mut().for_each(|value| *value /= length);
                make_largest_positive(axis);
            }
        }
        let variances = eigen.values[..kept].iter().map(|value| value / divisor).collect();
        Ok(Self { mean, axes, variances, total_variance })
    }

    /// K, how many components there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.variances.len()
    }

    /// Whether the features do not vary at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.variances.is_empty()
    }

    /// The share of the total variance along each axis, (K), 0 to 1.
    #[must_use]
    pub fn variance_shares(&self) -> Vec<f64> {
        self.variances.iter().map(|variance| variance / self.total_variance).collect()
    }

    /// Coordinates of each image along the axes, (N, K) row by row.
    ///
    /// # Errors
    /// [`FeatureError::Size`] for features of another dimension, [`FeatureError::Memory`].
    pub fn project(&self, features: &Features) -> Result<Vec<f64>, ProbeError> {
        let dimension = self.mean.len();
        if features.dimension() != dimension {
            return Err(ProbeError::Features(FeatureError::Size {
                what: "feature dimensions",
                expected: dimension,
                got: features.dimension(),
            }));
        }
        let mut coordinates = vec![0.0; features.len() * self.len()];
        if !coordinates.is_empty() {
            multiply_transposed(&centre(features, &self.mean)?, &self.axes, dimension, &mut coordinates);
        }
        Ok(coordinates)
    }
}

fn means(features: &Features) -> Vec<f64> {
    let mut mean = vec![0.0; features.dimension()];
    for tile in features.tiles(TILE_ROWS) {
        for row in tile.chunks_exact(features.dimension()) {
            mean.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
        }
    }
    mean.iter_mut().for_each(|sum| *sum /= features.len() as f64);
    mean
}

/// Features less their means, (N, D).
fn centre(features: &Features, mean: &[f64]) -> Result<Vec<f64>, FeatureError> {
    let values = features.whole()?;
    let rows = values.chunks_exact(features.dimension());
    Ok(rows.flat_map(|row| row.iter().zip(mean).map(|(&value, mean)| f64::from(value) - mean)).collect())
}
