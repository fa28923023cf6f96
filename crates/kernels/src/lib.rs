//! zview: the tensor operations that the framework does slowly on the CPU.
//!
//! Each function takes and returns the framework's tensors, on any device and with or without recorded
//! gradients. 32-bit tensors in main memory go through this crate's kernels; all others through the framework's
//! own operations. Results on the CPU are the same bits for any number of threads.

#![allow(
    clippy::needless_range_loop,
    reason = "tiles of registers are indexed by pixel, tap and vector at once"
)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod autodiff;
mod backend;
mod convolution;
mod flex;
mod memory;
mod normalization;
mod operations;
mod recording;
mod simd;

pub use operations::{BatchNormOutput, batch_norm, conv_transpose2d, conv2d, scale_shift};
pub use recording::{LayerCall, record_layer, record_layers};
