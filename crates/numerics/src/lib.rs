//! Numerics on plain numbers: linear algebra of dense matrices, and how sure a figure is. Knows neither tensors nor
//! features.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod linalg;
pub mod matrix;
pub mod statistics;
