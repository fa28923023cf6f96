//! Dense linear algebra in double precision on row-major slices; the one place that knows the library behind it (faer).
//!
//! Everything is computed on the calling thread, so results are the same bits for any number of threads. The library
//! chooses vector registers and block sizes by the processor that it finds: on another processor the last bits may
//! differ, as those of the tensor framework's products do.

mod cholesky;
mod eigen;
mod error;
mod singular_values;
mod view;

pub use cholesky::Cholesky;
pub use eigen::{SymmetricEigen, make_largest_positive, symmetric_eigen, symmetric_eigenvalues};
pub use error::LinalgError;
pub use singular_values::singular_values;

#[cfg(test)]
mod tests;
