//! Cholesky's factorisation of a symmetric positive definite matrix.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{LltError, cholesky_in_place, cholesky_in_place_scratch};
use faer::linalg::triangular_solve::{solve_lower_triangular_in_place, solve_upper_triangular_in_place};
use faer::{Mat, MatMut, Par};

use super::LinalgError;
use super::view::checked;

/// The lower triangular L with L L^T = A.
#[derive(Debug, Clone)]
pub struct Cholesky {
    /// Above the diagonal it is 0.
    lower: Mat<f64>,
}

impl Cholesky {
    /// The factor of the symmetric positive definite `matrix` A (N, N), of which only the lower triangle is read.
    ///
    /// # Errors
    /// A matrix that is empty, not (N, N), not finite, or not positive definite.
    pub fn new(matrix: &[f64], n: usize) -> Result<Self, LinalgError> {
        let matrix = checked(matrix, n, n)?;
        let mut lower =
            Mat::from_fn(n, n, |row, column| if row < column { 0.0 } else { matrix[(row, column)] });
        let mut memory = MemBuffer::new(cholesky_in_place_scratch::<f64>(n, Par::Seq, Default::default()));
        cholesky_in_place(
            lower.as_mut(),
            Default::default(),
            Par::Seq,
            MemStack::new(&mut memory),
            Default::default(),
        )
        .map_err(|LltError::NonPositivePivot { index: row }| LinalgError::NotPositiveDefinite {
            rows: n,
            row,
        })?;
        // A pivot that is not a number is not below 0 either.
        match (0..n).find(|&row| !(lower[(row, row)] > 0.0 && lower[(row, row)].is_finite())) {
            Some(row) => Err(LinalgError::NotPositiveDefinite { rows: n, row }),
            None => {
                // The library leaves the other triangle in disorder.
                (1..n).for_each(|column| lower.col_mut(column).subrows_mut(0, column).fill(0.0));
                Ok(Self { lower })
            }
        }
    }

    /// N, the size of the matrix.
    #[must_use]
    pub fn size(&self) -> usize {
        self.lower.nrows()
    }

    /// L (N, N), row-major.
    #[must_use]
    pub fn lower(&self) -> Vec<f64> {
        let n = self.size();
        (0..n * n).map(|at| self.lower[(at / n, at % n)]).collect()
    }

    /// Replaces each row x of `rows` (B, N) by L^-1 x. Panics, as the others do, where `rows` are not whole rows.
    pub fn solve_lower(&self, rows: &mut [f64]) {
        solve_lower_triangular_in_place(self.lower.as_ref(), self.as_columns(rows), Par::Seq);
    }

    /// Replaces each row x of `rows` (B, N) by L^-T x.
    pub fn solve_transposed(&self, rows: &mut [f64]) {
        solve_upper_triangular_in_place(self.lower.transpose(), self.as_columns(rows), Par::Seq);
    }

    /// Replaces each row x of `rows` (B, N) by A^-1 x.
    pub fn solve(&self, rows: &mut [f64]) {
        self.solve_lower(rows);
        self.solve_transposed(rows);
    }

    /// Replaces each row x of `rows` (B, N) by L^T x.
    pub fn multiply_transposed(&self, rows: &mut [f64]) {
        let mut columns = self.as_columns(rows);
        let product = self.lower.transpose() * columns.as_ref();
        columns.copy_from(product);
    }

    /// `rows` (B, N) as the matrix (N, B) of right-hand sides.
    fn as_columns<'a>(&self, rows: &'a mut [f64]) -> MatMut<'a, f64> {
        let n = self.size();
        assert!(rows.len().is_multiple_of(n), "{} values are no rows of {n}", rows.len());
        let count = rows.len() / n;
        MatMut::from_column_major_slice_mut(rows, n, count)
    }
}
