//! Batch normalisation of 32-bit images in main memory, and its gradients.

mod apply;
mod batch;
mod gradient;
mod planes;
mod statistics;

pub(crate) use apply::{Affine, apply};
pub(crate) use batch::{BatchNorm, Forward, Normalized};
pub(crate) use planes::ImageSize;
pub(crate) use statistics::Statistics;
