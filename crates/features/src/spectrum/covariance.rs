//! Covariance matrices of features, in double precision.

use rayon::prelude::*;
use zview_numerics::linalg::symmetric_eigenvalues;

use crate::{FeatureError, Features, TILE_ROWS, pieces};
use zview_numerics::matrix::{add_transposed_product, multiply_transposed};

/// Rows widened to f64 and multiplied at once.
const BLOCK_ROWS: usize = 256;
/// The rows are summed in this many pieces, whatever the number of threads.
const PIECES: usize = 8;

/// The mean of the rows of `features`, (D).
#[must_use]
pub fn mean_row(features: &Features) -> Vec<f64> {
    let mut mean = vec![0.0; features.dimension()];
    for tile in features.tiles(TILE_ROWS) {
        for row in tile.chunks_exact(features.dimension()) {
            mean.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
        }
    }
    mean.iter_mut().for_each(|sum| *sum /= features.len().max(1) as f64);
    mean
}

/// The mean over the images n of (x_n - c_n) (x_n - c_n)^T, (D, D), c_n being `centre(n)`, (D).
#[must_use]
pub fn covariance<'a>(features: &Features, centre: impl Fn(usize) -> &'a [f64] + Sync) -> Vec<f64> {
    let dimension = features.dimension();
    let piece_rows = features.len().div_ceil(PIECES).max(BLOCK_ROWS);
    let sums: Vec<Vec<f64>> = pieces(0..features.len(), piece_rows)
        .into_par_iter()
        .map(|piece| {
            let mut sum = vec![0.0; dimension * dimension];
            for block in pieces(piece, BLOCK_ROWS) {
                let wide = centred(&features.tile(block.clone()), dimension, block.start, &centre);
                add_transposed_product(&wide, &wide, block.len(), &mut sum);
            }
            sum
        })
        .collect();
    let mut total = vec![0.0; dimension * dimension];
    for piece in &sums {
        total.iter_mut().zip(piece).for_each(|(sum, value)| *sum += value);
    }
    total.iter_mut().for_each(|sum| *sum /= features.len().max(1) as f64);
    total
}

/// The eigenvalues of [`covariance`] about one `centre` (D) that can be other than 0, largest first: min(N, D).
///
/// Of fewer images than dimensions the (N, N) matrix of inner products has the same ones and is smaller.
pub(crate) fn covariance_eigenvalues(features: &Features, centre: &[f64]) -> Result<Vec<f64>, FeatureError> {
    let (images, dimension) = (features.len(), features.dimension());
    let (matrix, size) = if images < dimension {
        let rows = centred(&features.whole()?, dimension, 0, &|_| centre);
        let mut products = vec![0.0; images * images];
        multiply_transposed(&rows, &rows, dimension, &mut products);
        products.iter_mut().for_each(|product| *product /= images as f64);
        (products, images)
    } else {
        (covariance(features, |_| centre), dimension)
    };
    let mut values = symmetric_eigenvalues(&matrix, size)
        .map_err(|source| FeatureError::Decomposition { what: "features' covariance", source })?;
    // None is negative but by rounding.
    values.iter_mut().for_each(|value| *value = value.max(0.0));
    Ok(values)
}

fn centred<'a>(
    rows: &[f32],
    dimension: usize,
    first_image: usize,
    centre: &(impl Fn(usize) -> &'a [f64] + Sync),
) -> Vec<f64> {
    let mut wide = Vec::with_capacity(rows.len());
    for (row, image) in rows.chunks_exact(dimension).zip(first_image..) {
        wide.extend(row.iter().zip(centre(image)).map(|(&value, centre)| f64::from(value) - centre));
    }
    wide
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up::clouds;

    #[test]
    fn the_covariance_is_that_of_its_formula_in_blocks_too() {
        let features = clouds(2_300, 5, 3, 2.0, 7);
        let mean = mean_row(&features);
        let total = covariance(&features, |_| &mean);
        let centres = [vec![0.5; 5], vec![-1.0; 5]];
        let by_parity = covariance(&features, |image| &centres[image % 2]);
        for i in 0..5 {
            for j in 0..5 {
                let of = |centre: &dyn Fn(usize, usize) -> f64| {
                    let term = |image: usize| {
                        let row = features.row(image);
                        (f64::from(row[i]) - centre(image, i)) * (f64::from(row[j]) - centre(image, j))
                    };
                    (0..2_300).map(term).sum::<f64>() / 2_300.0
                };
                assert!((total[i * 5 + j] - of(&|_, d| mean[d])).abs() < 1e-11);
                assert!((by_parity[i * 5 + j] - of(&|image, d| centres[image % 2][d])).abs() < 1e-11);
            }
        }
    }

    #[test]
    fn few_images_have_the_eigenvalues_of_their_covariance() {
        let features = clouds(6, 9, 2, 1.0, 0);
        let mean = mean_row(&features);
        let few = covariance_eigenvalues(&features, &mean).unwrap();
        let all = symmetric_eigenvalues(&covariance(&features, |_| &mean), 9).unwrap();
        assert_eq!(few.len(), 6);
        for (few, all) in few.iter().zip(&all) {
            assert!((few - all).abs() < 1e-12, "{few} {all}");
        }
    }
}
