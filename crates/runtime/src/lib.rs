//! What every part of zview stands on: devices, random streams, run folders, hashes,
//! configuration files, progress and stop signals.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout))]

pub mod allocator;
pub mod atomic;
pub mod autotune;
mod build_features;
mod cache_folder;
pub mod config;
mod destination;
pub mod device;
pub mod disk;
pub mod file_kind;
pub mod forecast;
pub mod format;
pub mod hash;
pub mod measurements;
pub mod progress;
pub mod run_folder;
pub mod seed;
pub mod stop;
pub mod tensorboard;
pub mod testing;
pub mod words;

pub use build_features::{build_features, optional_shader_features};
pub use cache_folder::{cache_folder, cache_folder_from};
