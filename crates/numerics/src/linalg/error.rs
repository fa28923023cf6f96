//! What can go wrong in linear algebra.

/// Why a matrix could not be decomposed. Rows and columns are counted from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LinalgError {
    /// A matrix of no values.
    #[error("the matrix is {rows} x {columns}; a decomposition needs one row and one column at least")]
    Empty {
        /// Its rows.
        rows: usize,
        /// Its columns.
        columns: usize,
    },
    /// Values that are no matrix of the size said.
    #[error("a matrix of {rows} x {columns} was expected, got {got} values; give one value for each entry")]
    Size {
        /// Rows expected.
        rows: usize,
        /// Columns expected.
        columns: usize,
        /// Values found.
        got: usize,
    },
    /// A value that is NaN or infinite.
    #[error(
        "the matrix has {value} in row {row}, column {column}; what it was computed from is not finite or too large"
    )]
    NotFinite {
        /// The row.
        row: usize,
        /// The column.
        column: usize,
        /// The value.
        value: f64,
    },
    /// A symmetric matrix that is not positive definite has no Cholesky factor.
    #[error(
        "the {rows} x {rows} matrix is not positive definite (row {row} depends on those before it); add a small multiple of the identity"
    )]
    NotPositiveDefinite {
        /// Rows of the matrix.
        rows: usize,
        /// The row whose pivot is not positive.
        row: usize,
    },
    /// An iteration that found no end.
    #[error(
        "the {what} of a {rows} x {columns} matrix were not found in as many iterations as suffice for any known one; please report the matrix"
    )]
    NoConvergence {
        /// Eigenvalues or singular values.
        what: &'static str,
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        columns: usize,
    },
}
