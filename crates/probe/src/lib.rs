//! How good the features of a frozen encoder are: linear probe, nearest neighbours, few labels,
//! each with its uncertainty.
//!
//! [`suite::evaluate`] judges encoders on data sets by any protocol; what the protocols call works on plain host
//! matrices ([`zview_features::Features`]) and can be used alone.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod calibration;
mod confusion;
mod corruptions;
pub mod embedding;
mod encoded_sets;
mod error;
mod few_labels;
mod fine_tune;
mod linear;
mod maps;
mod neighbours;
mod outliers;
mod overlap;
mod sgd;
pub mod suite;

pub use calibration::*;
pub use confusion::*;
pub use corruptions::*;
pub use encoded_sets::{EncodedSets, encode, encode_with};
pub use error::ProbeError;
pub use few_labels::*;
pub use fine_tune::*;
pub use linear::*;
pub use maps::*;
pub use neighbours::*;
pub use outliers::*;
pub use overlap::*;
pub use sgd::*;
