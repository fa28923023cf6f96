//! zview: the tensor operations that the framework does slowly.
//!
//! Each function takes and returns the framework's tensors, on any device and with or without recorded
//! gradients. 32-bit tensors in main memory and tensors on graphics adapters go through this crate's kernels; all
//! others through the framework's own operations. Results on the CPU are the same bits for any number of threads.

#![allow(
    clippy::needless_range_loop,
    reason = "tiles of registers are indexed by pixel, tap and vector at once"
)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod autodiff;
mod backend;
mod convolution;
mod cost;
#[cfg(all(feature = "wgpu", not(feature = "fusion")))]
mod cube;
mod flex;
mod memory;
mod normalization;
mod operations;
mod primitives;
mod products;
mod recording;
mod simd;
mod sizes;

pub use cost::{Cost, Costs};
pub use operations::{BatchNormOutput, batch_norm, conv_transpose2d, conv2d, scale_shift};
pub use products::{linear, matmul, pass, sparse_conv_transpose2d, sparse_conv2d};
pub use recording::{LayerCall, record_costs, record_layers, record_pass, take_costs};
