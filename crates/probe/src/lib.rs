//! How good the features of a frozen encoder are: linear probe, nearest neighbours, few labels,
//! each with its uncertainty.
//!
//! [`suite::evaluate`] judges encoders on data sets by any protocol; what the protocols call works on plain host
//! matrices ([`zview_features::Features`]) and can be used alone.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod calibration;
pub mod confusion;
pub mod corruptions;
pub mod embedding;
mod encoded_sets;
mod error;
pub mod few_labels;
pub mod fine_tune;
pub mod linear;
pub mod maps;
pub mod neighbours;
pub mod outliers;
pub mod overlap;
pub mod sgd;
pub mod suite;

pub use encoded_sets::{EncodedSets, encode, encode_with};
pub use error::ProbeError;
