//! Singular values.

use faer::Par;
use faer::diag::DiagMut;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::svd::{ComputeSvdVectors, svd, svd_scratch};

use super::LinalgError;
use super::view::scaled;

/// The min(rows, columns) singular values of `matrix` (rows, columns), largest first; each with an error of about 1e-14
/// times the largest, which the eigenvalues of the squared matrix would not have.
///
/// # Errors
/// A matrix that is empty, of another size, or not finite; no convergence.
pub fn singular_values(matrix: &[f64], rows: usize, columns: usize) -> Result<Vec<f64>, LinalgError> {
    let scaled = scaled(matrix, rows, columns)?;
    let none = ComputeSvdVectors::No;
    let mut values = vec![0.0; rows.min(columns)];
    let mut memory =
        MemBuffer::new(svd_scratch::<f64>(rows, columns, none, none, Par::Seq, Default::default()));
    svd(
        scaled.matrix.as_ref(),
        DiagMut::from_slice_mut(&mut values),
        None,
        None,
        Par::Seq,
        MemStack::new(&mut memory),
        Default::default(),
    )
    .map_err(|_| LinalgError::NoConvergence { what: "singular values", rows, columns })?;
    values.iter_mut().for_each(|value| *value *= scaled.scale);
    Ok(values)
}
