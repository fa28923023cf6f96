//! The leading eigenvectors of a symmetric matrix, in double precision.
//!
//! Householder reflections make the matrix tridiagonal, which keeps its eigenvalues; [`super::tridiagonal`]
//! solves that, and the reflections are undone (Golub and Van Loan, Matrix Computations, 8.3 and 8.4). Rows are
//! split among threads, each row's sums by itself, so that the number of threads changes no bit.

use rayon::prelude::*;

use super::tridiagonal::Tridiagonal;
use crate::features::matrix::{add_scaled, dot};

/// Rows that a thread takes at once.
const ROWS: usize = 64;

/// Eigenvalues of a matrix, largest first, and a unit eigenvector of each.
#[derive(Debug, Clone)]
pub(super) struct Eigen {
    /// (K), largest first.
    pub(super) values: Vec<f64>,
    /// (K, N) row by row; each vector's entry of largest magnitude is positive.
    pub(super) vectors: Vec<f64>,
}

/// The `count` (at most N) largest eigenvalues of the symmetric `matrix` (N, N) and their vectors.
pub(super) fn leading_eigen(matrix: Vec<f64>, n: usize, count: usize) -> Eigen {
    let count = count.min(n);
    let (tridiagonal, reflections) = tridiagonalise(matrix, n);
    let values = tridiagonal.largest_eigenvalues(count);
    let mut vectors = tridiagonal.eigenvectors(&values);
    if n > 0 {
        vectors.par_chunks_mut(n).for_each(|vector| {
            for (first, direction) in reflections.iter().enumerate().rev() {
                let part = &mut vector[first + 1..];
                let length = dot(direction, part);
                add_scaled(part, -2.0 * length, direction);
            }
            make_largest_positive(vector);
        });
    }
    Eigen { values, vectors }
}

/// An eigenvector has no sign of its own: its entry of largest magnitude (the first of equal ones) is made
/// positive.
pub(super) fn make_largest_positive(vector: &mut [f64]) {
    let mut largest: f64 = 0.0;
    for &value in vector.iter() {
        if value.abs() > largest.abs() {
            largest = value;
        }
    }
    if largest < 0.0 {
        vector.iter_mut().for_each(|value| *value = -*value);
    }
}

/// The tridiagonal form, and for each column k but the last two the unit vector v on the entries after k such
/// that I - 2 v vᵀ reflects the column onto its first two entries.
fn tridiagonalise(mut matrix: Vec<f64>, n: usize) -> (Tridiagonal, Vec<Vec<f64>>) {
    let mut tridiagonal = Tridiagonal { diagonal: vec![0.0; n], beside: vec![0.0; n.saturating_sub(1)] };
    let mut reflections: Vec<Vec<f64>> = Vec::with_capacity(n.saturating_sub(2));
    // The update A -= 2 (v wᵀ + w vᵀ) of the last reflection, not yet made, over rows and columns from k on.
    let mut pending: Option<(Vec<f64>, Vec<f64>)> = None;
    for k in 0..n {
        if let Some((v, w)) = &pending {
            update_row(&mut matrix[k * n + k..(k + 1) * n], (v[0], w[0]), v, w);
        }
        tridiagonal.diagonal[k] = matrix[k * n + k];
        if k + 1 == n {
            break;
        }
        let mut direction = matrix[k * n + k + 1..(k + 1) * n].to_vec();
        tridiagonal.beside[k] = reflect(&mut direction);
        let mut product = vec![0.0; direction.len()];
        // One pass over the remaining rows makes the pending update and multiplies by the new direction.
        matrix[(k + 1) * n..]
            .par_chunks_mut(n)
            .zip(product.par_iter_mut())
            .enumerate()
            .with_min_len(ROWS)
            .for_each(|(row, (values, product))| {
                let values = &mut values[k + 1..];
                if let Some((v, w)) = &pending {
                    update_row(values, (v[row + 1], w[row + 1]), &v[1..], &w[1..]);
                }
                *product = dot(values, &direction);
            });
        let along = dot(&direction, &product);
        add_scaled(&mut product, -along, &direction);
        if k + 2 < n {
            reflections.push(direction.clone());
        }
        pending = Some((direction, product));
    }
    (tridiagonal, reflections)
}

/// `values` -= 2 (v_row w + w_row v).
fn update_row(values: &mut [f64], (v_row, w_row): (f64, f64), v: &[f64], w: &[f64]) {
    for ((value, v), w) in values.iter_mut().zip(v).zip(w) {
        *value -= 2.0 * (v_row * w + w_row * v);
    }
}

/// Makes `column` the unit vector v whose reflection takes it onto its first entry, and gives what that entry
/// becomes. A column with nothing below its first entry stays as it is, and v is 0.
fn reflect(column: &mut [f64]) -> f64 {
    let (first, largest) = (column[0], column.iter().fold(0.0f64, |largest, value| largest.max(value.abs())));
    if column[1..].iter().all(|&value| value == 0.0) {
        column.fill(0.0);
        return first;
    }
    // Scaled so that squares neither overflow nor vanish.
    column.iter_mut().for_each(|value| *value /= largest);
    let length = dot(column, column).sqrt();
    // The sign that adds rather than cancels.
    let onto = -length.copysign(column[0]);
    column[0] -= onto;
    let length = dot(column, column).sqrt();
    column.iter_mut().for_each(|value| *value /= length);
    onto * largest
}

#[cfg(test)]
mod tests {
    use zview_runtime::seed::{Purpose, Stream};

    use super::*;
    use crate::features::matrix::multiply_transposed;

    /// A random symmetric matrix of the rank given, (N, N).
    fn gram(n: usize, rank: usize) -> Vec<f64> {
        let mut random = Stream::new(0, Purpose::Check, 0, 0);
        let factor: Vec<f64> = (0..n * rank).map(|_| f64::from(random.normal())).collect();
        let mut matrix = vec![0.0; n * n];
        multiply_transposed(&factor, &factor, rank, &mut matrix);
        matrix
    }

    fn check(matrix: &[f64], n: usize, count: usize) -> Eigen {
        let eigen = leading_eigen(matrix.to_vec(), n, count);
        assert!(eigen.values.is_sorted_by(|a, b| a >= b));
        let largest = eigen.values.iter().fold(1e-300f64, |largest, value| largest.max(value.abs()));
        for (k, vector) in eigen.vectors.chunks_exact(n).enumerate() {
            for (at, row) in matrix.chunks_exact(n).enumerate() {
                let error = dot(row, vector) - eigen.values[k] * vector[at];
                assert!(error.abs() < 1e-12 * largest, "{k} {at}: {error:e}");
            }
            for (other, direction) in eigen.vectors.chunks_exact(n).enumerate() {
                let expected = if other == k { 1.0 } else { 0.0 };
                assert!((dot(vector, direction) - expected).abs() < 1e-12, "{k} {other}");
            }
        }
        eigen
    }

    #[test]
    fn every_vector_solves_the_equation_and_they_are_orthonormal() {
        check(&gram(150, 200), 150, 60);
        check(&gram(3, 5), 3, 3);
        // More vectors than the rank has: those of the eigenvalue 0 are right too.
        let eigen = check(&gram(40, 10), 40, 15);
        assert!(eigen.values[9] > 1.0 && eigen.values[10].abs() < 1e-12 * eigen.values[0]);
    }

    #[test]
    fn equal_eigenvalues_get_different_vectors() {
        let n = 30;
        // I + 1 1ᵀ: one eigenvalue of 31, the others all 1.
        let matrix: Vec<f64> = (0..n * n).map(|at| if at / n == at % n { 2.0 } else { 1.0 }).collect();
        let eigen = check(&matrix, n, 12);
        assert!((eigen.values[0] - 31.0).abs() < 1e-12 && (eigen.values[11] - 1.0).abs() < 1e-12);
        // Diagonal matrices have nothing to reflect; zero has no scale.
        let identity: Vec<f64> = (0..n * n).map(|at| f64::from(u8::from(at / n == at % n))).collect();
        check(&identity, n, n);
        assert_eq!(check(&[0.0; 16], 4, 4).values, [0.0; 4]);
        assert_eq!(check(&[-3.0], 1, 1).values, [-3.0]);
    }

    #[test]
    fn scale_does_not_matter() {
        for scale in [1e-150, 1e150] {
            let matrix: Vec<f64> = gram(12, 20).iter().map(|value| value * scale).collect();
            check(&matrix, 12, 5);
        }
    }
}
