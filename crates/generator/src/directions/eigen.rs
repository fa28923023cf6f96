//! Eigenvectors of a symmetric matrix by Jacobi's rotations (Golub and Van Loan, Matrix Computations, 8.5).

/// Sweeps after which rounding decides; convergence takes about ten.
const SWEEPS_MAX: usize = 60;

/// The eigenvalues of a matrix, largest first, and the eigenvector of each.
#[derive(Debug, Clone)]
pub(super) struct Eigen {
    /// (N), largest first.
    pub(super) values: Vec<f64>,
    /// (N, N): row k is the unit eigenvector of `values[k]`, its entry of largest magnitude positive.
    pub(super) vectors: Vec<f64>,
}

/// Decomposes the symmetric `matrix` (N, N), row-major. In double precision; N of a few hundred takes seconds.
pub(super) fn symmetric_eigen(mut matrix: Vec<f64>, n: usize) -> Eigen {
    let mut vectors = vec![0.0; n * n];
    for k in 0..n {
        vectors[k * n + k] = 1.0;
    }
    let norm: f64 = matrix.iter().map(|value| value * value).sum();
    for _ in 0..SWEEPS_MAX {
        let beside: f64 = (0..n)
            .flat_map(|row| (0..row).map(move |column| (row, column)))
            .map(|(row, column)| 2.0 * matrix[row * n + column].powi(2))
            .sum();
        if beside <= norm * f64::EPSILON * f64::EPSILON {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut matrix, &mut vectors, n, p, q);
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| matrix[b * n + b].total_cmp(&matrix[a * n + a]));
    let values = order.iter().map(|&k| matrix[k * n + k]).collect();
    let vectors = order.iter().flat_map(|&k| with_sign(&vectors[k * n..(k + 1) * n])).collect();
    Eigen { values, vectors }
}

/// Turns the axes p < q so that the entry (p, q) becomes 0. Only the lower triangle up to the diagonal is kept.
fn rotate(matrix: &mut [f64], vectors: &mut [f64], n: usize, p: usize, q: usize) {
    let between = matrix[q * n + p];
    if between == 0.0 {
        return;
    }
    let (at_p, at_q) = (matrix[p * n + p], matrix[q * n + q]);
    // The smaller of the two angles: tan = 1 / (theta ± sqrt(theta² + 1)).
    let theta = (at_q - at_p) / (2.0 * between);
    let tan =
        if theta.is_finite() { theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt()) } else { 0.0 };
    let cos = 1.0 / (tan * tan + 1.0).sqrt();
    let sin = tan * cos;
    let at = |row: usize, column: usize| if row >= column { row * n + column } else { column * n + row };
    for k in (0..n).filter(|&k| k != p && k != q) {
        let (of_p, of_q) = (matrix[at(k, p)], matrix[at(k, q)]);
        matrix[at(k, p)] = cos * of_p - sin * of_q;
        matrix[at(k, q)] = sin * of_p + cos * of_q;
    }
    matrix[p * n + p] = at_p - tan * between;
    matrix[q * n + q] = at_q + tan * between;
    matrix[q * n + p] = 0.0;
    let (upper, lower) = vectors.split_at_mut(q * n);
    for (of_p, of_q) in upper[p * n..(p + 1) * n].iter_mut().zip(&mut lower[..n]) {
        (*of_p, *of_q) = (cos * *of_p - sin * *of_q, sin * *of_p + cos * *of_q);
    }
}

/// An eigenvector has no sign of its own: the entry of largest magnitude is made positive.
fn with_sign(vector: &[f64]) -> Vec<f64> {
    let largest = vector.iter().fold(
        0.0f64,
        |largest, &value| {
            if value.abs() > largest.abs() { value } else { largest }
        },
    );
    let sign = if largest < 0.0 { -1.0 } else { 1.0 };
    vector.iter().map(|value| sign * value).collect()
}

#[cfg(test)]
mod tests {
    use zview_runtime::seed::{Purpose, Stream};

    use super::*;

    #[test]
    fn every_vector_solves_the_equation_and_they_are_orthonormal() {
        let n = 70;
        let mut random = Stream::new(0, Purpose::Check, 0, 0);
        let factor: Vec<f64> = (0..n * n).map(|_| f64::from(random.normal())).collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let row = |values: &[f64], k: usize| values[k * n..(k + 1) * n].to_vec();
        let matrix: Vec<f64> =
            (0..n * n).map(|at| dot(&row(&factor, at / n), &row(&factor, at % n))).collect();
        let eigen = symmetric_eigen(matrix.clone(), n);
        assert!(eigen.values.is_sorted_by(|a, b| a >= b));
        for k in 0..n {
            let vector = row(&eigen.vectors, k);
            for at in 0..n {
                let error = dot(&row(&matrix, at), &vector) - eigen.values[k] * vector[at];
                assert!(error.abs() < 1e-11 * eigen.values[0], "{k} {at}: {error:e}");
            }
            for other in 0..n {
                let expected = if other == k { 1.0 } else { 0.0 };
                assert!((dot(&vector, &row(&eigen.vectors, other)) - expected).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn equal_and_zero_eigenvalues_are_no_trouble() {
        let eigen = symmetric_eigen(vec![2.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0], 3);
        assert_eq!(eigen.values, [2.0, 2.0, 0.0]);
        assert_eq!(symmetric_eigen(vec![0.0; 9], 3).values, [0.0; 3]);
        let eigen = symmetric_eigen(vec![0.0, -1.0, -1.0, 0.0], 2);
        assert!((eigen.values[0] - 1.0).abs() < 1e-15 && (eigen.values[1] + 1.0).abs() < 1e-15);
    }
}
