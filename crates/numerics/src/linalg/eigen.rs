//! Eigenvalues and eigenvectors of symmetric matrices.

use faer::diag::DiagMut;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::{MatMut, Par};

use super::LinalgError;
use super::view::scaled;

/// The eigenvalues of a symmetric matrix, largest first, and a unit eigenvector of each.
#[derive(Debug, Clone, PartialEq)]
pub struct SymmetricEigen {
    /// (N), largest first.
    pub values: Vec<f64>,
    /// (N, N): row k is the eigenvector of `values[k]`, its entry of largest magnitude positive.
    pub vectors: Vec<f64>,
}

/// Decomposes the symmetric `matrix` (N, N), of which only the lower triangle is read.
///
/// # Errors
/// A matrix that is empty, not (N, N), or not finite; no convergence.
pub fn symmetric_eigen(matrix: &[f64], n: usize) -> Result<SymmetricEigen, LinalgError> {
    let mut columns = vec![0.0; if matrix.len() == n.saturating_mul(n) { matrix.len() } else { 0 }];
    let values = decompose(matrix, n, Some(&mut columns))?;
    // Column after column, smallest first, becomes row after row, largest first.
    let mut vectors = Vec::with_capacity(columns.len());
    for vector in columns.chunks_exact_mut(n).rev() {
        make_largest_positive(vector);
        vectors.extend_from_slice(vector);
    }
    Ok(SymmetricEigen { values, vectors })
}

/// The eigenvalues (N) alone, largest first; as [`symmetric_eigen`], and sooner.
///
/// # Errors
/// As [`symmetric_eigen`].
pub fn symmetric_eigenvalues(matrix: &[f64], n: usize) -> Result<Vec<f64>, LinalgError> {
    decompose(matrix, n, None)
}

/// An eigenvector has no sign of its own: its entry of largest magnitude (the first of equal ones) is made positive.
pub fn make_largest_positive(vector: &mut [f64]) {
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

/// Eigenvalues, largest first, and into `vectors` (N, N) a vector of each, the smallest first.
fn decompose(matrix: &[f64], n: usize, vectors: Option<&mut [f64]>) -> Result<Vec<f64>, LinalgError> {
    let scaled = scaled(matrix, n, n)?;
    let wanted = if vectors.is_some() { ComputeEigenvectors::Yes } else { ComputeEigenvectors::No };
    let mut values = vec![0.0; n];
    let mut memory = MemBuffer::new(self_adjoint_evd_scratch::<f64>(n, wanted, Par::Seq, Default::default()));
    self_adjoint_evd(
        scaled.matrix.as_ref(),
        DiagMut::from_slice_mut(&mut values),
        vectors.map(|vectors| MatMut::from_column_major_slice_mut(vectors, n, n)),
        Par::Seq,
        MemStack::new(&mut memory),
        Default::default(),
    )
    .map_err(|_| LinalgError::NoConvergence { what: "eigenvalues", rows: n, columns: n })?;
    values.reverse();
    values.iter_mut().for_each(|value| *value *= scaled.scale);
    Ok(values)
}
