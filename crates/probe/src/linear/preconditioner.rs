//! A change of variables in which the logistic loss is well conditioned.
//!
//! Features of an encoder are strongly correlated, and a quasi-Newton method then needs many steps. With the rows
//! x~ = (x, 1) and a symmetric positive definite M_c = L_c L_c^T for each class, the variables V_c = (W_c, b_c) L_c see
//! M_c as the identity. Two choices of M_c:
//! - at W = 0 the Hessian over C classes is (1 / C) X~^T X~ / N + l2 for every class (up to the common shift of all
//!   classes, which does not change the loss): one factor serves all;
//! - near an optimum the diagonal blocks of the Hessian, X~^T diag(p_c (1 - p_c)) X~ / N + l2, estimated on rows drawn
//!   in proportion to how undecided the classifier is of them.
//!
//! The optimum is not changed by this, only the way there.

use rayon::prelude::*;
use zview_numerics::linalg::Cholesky;

use super::logistic::Logistic;
use super::undecided::{Probabilities, undecided_rows};
use zview_features::{Features, pieces};
use zview_numerics::matrix::add_transposed_product;

/// Beyond this many features a matrix of them costs more time and memory than it saves.
const MAX_DIMENSION: usize = 2_048;
/// Bytes that one factor per class may take; beyond that one serves all.
const MAX_FACTOR_BYTES: usize = 256 << 20;
/// Rows drawn for each feature to estimate the Hessian.
const ROWS_PER_FEATURE: usize = 8;
/// Rows widened to f64 at once.
const BLOCK_ROWS: usize = 256;
/// The rows are summed in this many pieces, whatever the number of threads.
const PIECES: usize = 8;
/// Share of the Hessian at W = 0 that is mixed in, for directions that the rows drawn do not show.
const SHARE_OF_SECOND_MOMENTS: f64 = 1e-6;

/// X~^T X~ / N (D + 1, D + 1) of features, or `None` where it would not pay.
pub(crate) fn second_moments(features: &Features) -> Option<Vec<f64>> {
    let (dimension, width) = (features.dimension(), features.dimension() + 1);
    if dimension > MAX_DIMENSION || features.len() < dimension {
        return None;
    }
    let piece_rows = features.len().div_ceil(PIECES).max(BLOCK_ROWS);
    let sums: Vec<Vec<f64>> = pieces(0..features.len(), piece_rows)
        .into_par_iter()
        .map(|piece| {
            let mut sum = vec![0.0; width * width];
            let mut wide = Vec::new();
            for block in pieces(piece, BLOCK_ROWS) {
                wide.clear();
                let rows = features.tile(block.clone());
                rows.chunks_exact(dimension).for_each(|row| extend_with_one(&mut wide, row, 1.0));
                add_transposed_product(&wide, &wide, block.len(), &mut sum);
            }
            sum
        })
        .collect();
    let mut moments = vec![0.0; width * width];
    for piece in &sums {
        moments.iter_mut().zip(piece).for_each(|(sum, value)| *sum += value);
    }
    moments.iter_mut().for_each(|sum| *sum /= features.len() as f64);
    Some(moments)
}

/// `scale` times (x, 1), appended.
fn extend_with_one(wide: &mut Vec<f64>, row: &[f32], scale: f64) {
    wide.extend(row.iter().map(|&value| scale * f64::from(value)));
    wide.push(scale);
}

/// The change of variables: none, one factor for all classes, or one for each.
pub(crate) struct Preconditioner {
    /// D + 1
    width: usize,
    /// The L of all classes, or of each.
    factors: Vec<Cholesky>,
}

impl Preconditioner {
    /// Of the Hessian at W = 0 of `classes` classes; none without `moments`, or where they have no factor.
    pub(crate) fn at_zero(moments: Option<&[f64]>, dimension: usize, classes: usize, l2: f64) -> Self {
        let width = dimension + 1;
        let of_zero =
            |moments: &[f64]| factor(moments.iter().map(|value| value / classes as f64).collect(), width, l2);
        Self { width, factors: moments.and_then(of_zero).into_iter().collect() }
    }

    /// Of the Hessian's diagonal blocks at `model`, of the rows of `features`. `None` where it would not pay, or a block
    /// has no factor.
    pub(crate) fn at(
        model: &Logistic,
        features: &Features,
        moments: Option<&[f64]>,
        l2: f64,
    ) -> Option<Self> {
        let (classes, width) = (features.classes(), features.dimension() + 1);
        let moments = moments.filter(|_| classes * width * width * 8 <= MAX_FACTOR_BYTES)?;
        let total = features.len() as f64;
        let drawn = undecided_rows(&Probabilities::new(model, features), ROWS_PER_FEATURE * width);
        let factors = drawn
            .par_iter()
            .map(|rows| {
                let mut matrix: Vec<f64> =
                    moments.iter().map(|value| SHARE_OF_SECOND_MOMENTS * value / classes as f64).collect();
                let mut scaled = Vec::with_capacity(BLOCK_ROWS * width);
                for block in rows.chunks(BLOCK_ROWS) {
                    scaled.clear();
                    for &(row, curvature) in block {
                        extend_with_one(&mut scaled, &features.row(row), (curvature / total).sqrt());
                    }
                    add_transposed_product(&scaled, &scaled, block.len(), &mut matrix);
                }
                factor(matrix, width, l2)
            })
            .collect::<Option<_>>()?;
        Some(Self { width, factors })
    }

    fn each(&self, rows: &mut [f64], change: impl Fn(&Cholesky, &mut [f64]) + Sync) {
        if let Some(shared) = self.factors.first() {
            let of_class = |class: usize| self.factors.get(class).unwrap_or(shared);
            rows.par_chunks_mut(self.width).enumerate().for_each(|(class, row)| change(of_class(class), row));
        }
    }

    /// V = (W, b) L, for each row of `rows` (C, D + 1).
    pub(crate) fn variables_from_weights(&self, rows: &mut [f64]) {
        self.each(rows, Cholesky::multiply_transposed);
    }

    /// (W, b) = V L^-1, for each row of `rows` (C, D + 1).
    pub(crate) fn weights_from_variables(&self, rows: &mut [f64]) {
        self.each(rows, Cholesky::solve_transposed);
    }

    /// The gradient in V from the one in (W, b), G L^-T, for each row of `rows` (C, D + 1).
    pub(crate) fn gradient_in_variables(&self, rows: &mut [f64]) {
        self.each(rows, Cholesky::solve_lower);
    }
}

/// The factor of `matrix` (D + 1, D + 1) plus `l2` on the weights' diagonal; `None` where it has none, its values being
/// beyond all bounds.
fn factor(mut matrix: Vec<f64>, width: usize, l2: f64) -> Option<Cholesky> {
    let trace: f64 = (0..width).map(|i| matrix[i * width + i]).sum();
    // A little more than l2, so that rounding cannot make a pivot negative.
    let ridge = 1e-9 * (trace / width as f64).max(f64::MIN_POSITIVE);
    (0..width).for_each(|i| matrix[i * width + i] += ridge + if i + 1 < width { l2 } else { 0.0 });
    Cholesky::new(&matrix, width).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_features::made_up::clouds;
    use zview_numerics::matrix::dot;

    #[test]
    fn the_factor_reproduces_the_matrix_and_the_solves_invert_it() {
        let features = clouds(700, 9, 3, 2.0, 5);
        let moments = second_moments(&features).unwrap();
        let mean = |of: &dyn Fn(usize) -> f64| (0..700).map(of).sum::<f64>() / 700.0;
        let expected = mean(&|n| f64::from(features.row(n)[2]) * f64::from(features.row(n)[7]));
        assert!((moments[2 * 10 + 7] - expected).abs() < 1e-12);
        assert!((moments[2 * 10 + 9] - mean(&|n| f64::from(features.row(n)[2]))).abs() < 1e-12);
        assert!((moments[99] - 1.0).abs() < 1e-12);

        let preconditioner = Preconditioner::at_zero(Some(&moments), 9, 3, 0.01);
        let factor = preconditioner.factors[0].lower();
        for i in 0..10 {
            for j in 0..=i {
                let product: f64 = (0..=j).map(|k| factor[i * 10 + k] * factor[j * 10 + k]).sum();
                let penalty = if i == j && i < 9 { 0.01 } else { 0.0 };
                let entry = moments[i * 10 + j] / 3.0 + penalty;
                assert!((product - entry).abs() < 1e-7, "{product} {entry}");
            }
        }
        check_solves(&preconditioner);
        let weights = (0..27).map(|at| (f64::from(at) * 0.7).sin() / 9.0).collect();
        let model = Logistic::from_parts(weights, vec![0.1, -0.4, 0.3]);
        check_solves(&Preconditioner::at(&model, &features, Some(&moments), 0.01).unwrap());
    }

    fn check_solves(preconditioner: &Preconditioner) {
        let weights: Vec<f64> = (0..30).map(|i| f64::from(i) - 5.0).collect();
        let mut there_and_back = weights.clone();
        preconditioner.variables_from_weights(&mut there_and_back);
        assert!((there_and_back[0] - weights[0]).abs() > 1e-3);
        preconditioner.weights_from_variables(&mut there_and_back);
        assert!(weights.iter().zip(&there_and_back).all(|(a, b)| (a - b).abs() < 1e-9));
        // (dW, G) = (dV, G_V) for any change dW: the gradient transforms as it must.
        let gradient: Vec<f64> = (0..30).map(|i| f64::from(i).sin()).collect();
        let (mut variables, mut in_variables) = (weights.clone(), gradient.clone());
        preconditioner.variables_from_weights(&mut variables);
        preconditioner.gradient_in_variables(&mut in_variables);
        assert!((dot(&weights, &gradient) - dot(&variables, &in_variables)).abs() < 1e-9);
    }

    #[test]
    fn a_singular_matrix_still_has_a_factor() {
        let preconditioner = Preconditioner::at_zero(Some(&[1.0; 9]), 2, 2, 0.0);
        let mut row = vec![1.0, 2.0, 3.0];
        preconditioner.weights_from_variables(&mut row);
        assert!(row.iter().all(|value| value.is_finite()));
    }

    #[test]
    fn moments_without_a_factor_leave_the_variables_as_they_are() {
        let preconditioner = Preconditioner::at_zero(Some(&[f64::INFINITY; 9]), 2, 2, 0.1);
        let mut row = vec![1.0, 2.0, 3.0];
        preconditioner.weights_from_variables(&mut row);
        preconditioner.gradient_in_variables(&mut row);
        assert_eq!(row, [1.0, 2.0, 3.0]);
    }
}
