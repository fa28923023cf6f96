//! A change of variables in which the logistic loss is well conditioned.
//!
//! Features of an encoder are strongly correlated, and a quasi-Newton method then needs many steps.
//! At W = 0 the Hessian of the mean cross-entropy over C classes is (1 / C) X^T X / N for every
//! class (up to the common shift of all classes, which does not change the loss). So with
//! M = X^T X / (N C) + l2 I = L L^T and V = W L the Hessian in V begins as the identity.
//! The optimum is not changed by this, only the way there.

use rayon::prelude::*;

use crate::Features;
use crate::features::matrix::{add_transposed_product, dot};

/// Beyond this many features the D x D matrix costs more time and memory than it saves.
const MAX_DIMENSION: usize = 2_048;
/// Rows widened to f64 at once.
const BLOCK_ROWS: usize = 256;
/// The rows are summed in this many pieces, whatever the number of threads.
const PIECES: usize = 8;

/// X^T X / N (D, D) of features, or `None` where it would not pay.
pub(crate) fn second_moments(features: &Features) -> Option<Vec<f64>> {
    let dimension = features.dimension();
    if dimension > MAX_DIMENSION || features.len() < dimension {
        return None;
    }
    let piece_rows = features.len().div_ceil(PIECES).max(BLOCK_ROWS);
    let pieces: Vec<Vec<f64>> = features
        .values()
        .par_chunks(piece_rows * dimension)
        .map(|piece| {
            let mut sum = vec![0.0; dimension * dimension];
            let mut wide = Vec::new();
            for block in piece.chunks(BLOCK_ROWS * dimension) {
                wide.clear();
                wide.extend(block.iter().map(|&value| f64::from(value)));
                add_transposed_product(&wide, &wide, block.len() / dimension, &mut sum);
            }
            sum
        })
        .collect();
    let mut moments = vec![0.0; dimension * dimension];
    for piece in &pieces {
        moments.iter_mut().zip(piece).for_each(|(sum, value)| *sum += value);
    }
    moments.iter_mut().for_each(|sum| *sum /= features.len() as f64);
    Some(moments)
}

/// The triangular factor L of M, or nothing (L = I).
pub(crate) struct Preconditioner {
    dimension: usize,
    /// L (D, D), lower triangle, and L transposed, so that both solves read along rows.
    factors: Option<(Vec<f64>, Vec<f64>)>,
}

impl Preconditioner {
    pub(crate) fn new(moments: Option<&[f64]>, dimension: usize, classes: usize, l2: f64) -> Self {
        let factors = moments.map(|moments| {
            let mut matrix: Vec<f64> = moments.iter().map(|value| value / classes as f64).collect();
            let trace: f64 = (0..dimension).map(|i| matrix[i * dimension + i]).sum();
            // A little more than l2, so that rounding cannot make a pivot negative.
            let ridge = l2 + 1e-9 * (trace / dimension as f64).max(f64::MIN_POSITIVE);
            (0..dimension).for_each(|i| matrix[i * dimension + i] += ridge);
            cholesky(&mut matrix, dimension);
            let mut transposed = vec![0.0; matrix.len()];
            for row in 0..dimension {
                for column in 0..=row {
                    transposed[column * dimension + row] = matrix[row * dimension + column];
                }
            }
            (matrix, transposed)
        });
        Self { dimension, factors }
    }

    /// V = W L, for each row of `rows` (C, D).
    pub(crate) fn variables_from_weights(&self, rows: &mut [f64]) {
        let Some((_, transposed)) = &self.factors else { return };
        let d = self.dimension;
        rows.par_chunks_mut(d).for_each(|row| {
            for i in 0..d {
                row[i] = dot(&row[i..], &transposed[i * d + i..(i + 1) * d]);
            }
        });
    }

    /// W = V L^-1, for each row of `rows` (C, D).
    pub(crate) fn weights_from_variables(&self, rows: &mut [f64]) {
        let Some((_, transposed)) = &self.factors else { return };
        let d = self.dimension;
        rows.par_chunks_mut(d).for_each(|row| {
            for i in (0..d).rev() {
                let above = &transposed[i * d..(i + 1) * d];
                row[i] = (row[i] - dot(&row[i + 1..], &above[i + 1..])) / above[i];
            }
        });
    }

    /// The gradient in V from the one in W, G L^-T, for each row of `rows` (C, D).
    pub(crate) fn gradient_in_variables(&self, rows: &mut [f64]) {
        let Some((factor, _)) = &self.factors else { return };
        let d = self.dimension;
        rows.par_chunks_mut(d).for_each(|row| {
            for i in 0..d {
                let before = &factor[i * d..(i + 1) * d];
                row[i] = (row[i] - dot(&row[..i], &before[..i])) / before[i];
            }
        });
    }
}

/// Replaces the lower triangle of a positive definite matrix (D, D) by its Cholesky factor.
pub(crate) fn cholesky(matrix: &mut [f64], dimension: usize) {
    for row in 0..dimension {
        let (before, rest) = matrix.split_at_mut(row * dimension);
        let current = &mut rest[..dimension];
        for column in 0..row {
            let other = &before[column * dimension..(column + 1) * dimension];
            current[column] = (current[column] - dot(&current[..column], &other[..column])) / other[column];
        }
        let pivot = current[row] - dot(&current[..row], &current[..row]);
        current[row] = pivot.max(f64::MIN_POSITIVE).sqrt();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::rows::tests::clouds;

    #[test]
    fn the_factor_reproduces_the_matrix_and_the_solves_invert_it() {
        let features = clouds(700, 9, 3, 2.0, 5);
        let moments = second_moments(&features).unwrap();
        let expected: f64 =
            (0..700).map(|n| f64::from(features.row(n)[2]) * f64::from(features.row(n)[7])).sum::<f64>()
                / 700.0;
        assert!((moments[2 * 9 + 7] - expected).abs() < 1e-12);

        let preconditioner = Preconditioner::new(Some(&moments), 9, 3, 0.01);
        let (factor, _) = preconditioner.factors.as_ref().unwrap();
        for i in 0..9 {
            for j in 0..=i {
                let product: f64 = (0..=j).map(|k| factor[i * 9 + k] * factor[j * 9 + k]).sum();
                let entry = moments[i * 9 + j] / 3.0 + if i == j { 0.01 } else { 0.0 };
                assert!((product - entry).abs() < 1e-7, "{product} {entry}");
            }
        }
        let weights: Vec<f64> = (0..18).map(|i| f64::from(i) - 5.0).collect();
        let mut there_and_back = weights.clone();
        preconditioner.variables_from_weights(&mut there_and_back);
        assert!((there_and_back[0] - weights[0]).abs() > 1e-3);
        preconditioner.weights_from_variables(&mut there_and_back);
        assert!(weights.iter().zip(&there_and_back).all(|(a, b)| (a - b).abs() < 1e-10));
        // (dW, G) = (dV, G_V) for any change dW: the gradient transforms as it must.
        let gradient: Vec<f64> = (0..18).map(|i| f64::from(i).sin()).collect();
        let (mut variables, mut in_variables) = (weights.clone(), gradient.clone());
        preconditioner.variables_from_weights(&mut variables);
        preconditioner.gradient_in_variables(&mut in_variables);
        assert!((dot(&weights, &gradient) - dot(&variables, &in_variables)).abs() < 1e-10);
    }

    #[test]
    fn a_singular_matrix_still_has_a_factor() {
        let preconditioner = Preconditioner::new(Some(&[1.0, 1.0, 1.0, 1.0]), 2, 2, 0.0);
        let mut row = vec![1.0, 2.0];
        preconditioner.weights_from_variables(&mut row);
        assert!(row.iter().all(|value| value.is_finite()));
    }
}
