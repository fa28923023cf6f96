//! What every part of zview stands on: devices, random streams, run folders, hashes,
//! configuration files, progress and stop signals.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod atomic;
pub mod autotune;
mod build_features;
pub mod config;
pub mod device;
pub mod hash;
pub mod progress;
pub mod run_folder;
pub mod seed;
pub mod stop;
mod user_cache;

pub use build_features::{build_features, optional_shader_features};
pub use user_cache::user_cache_folder;
