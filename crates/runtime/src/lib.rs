//! What every part of zview stands on: devices, random streams, run folders, hashes,
//! configuration files, progress and stop signals.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod allocator;
pub mod atomic;
mod cache_folder;
pub mod config;
pub mod device;
pub mod hash;
pub mod progress;
pub mod run_folder;
pub mod seed;
pub mod stop;

pub use cache_folder::cache_folder;
