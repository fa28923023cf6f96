//! Convolution of 32-bit images in main memory, and its gradients.

mod band;
mod correlate;
mod gather;
mod geometry;
mod gradient_tile;
mod interleave;
mod job;
mod planes;
mod spread;
mod tile;
mod weight_gradient;
mod weights;

#[cfg(test)]
mod tests;

pub(crate) use correlate::{convolve, convolve_input_gradient};
#[cfg(feature = "wgpu")]
pub(crate) use geometry::Correlation;
pub(crate) use geometry::Geometry;
pub(crate) use weight_gradient::convolve_weight_gradient;
