//! Black-box tests of the binary: what it does, says and leaves behind, run as a user runs it. One binary, so that it is
//! linked once; a file is a subject, and `cargo test --release -p zview-cli --test black_box resume` runs one. No test
//! may change what belongs to the process, as all of them share it; one that has to is a binary of its own, as
//! `mutations` is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod asked_for;
mod bad_input;
mod bench;
mod compare;
mod compare_metrics;
mod compare_stop;
mod configuration;
mod contrasts;
mod demo;
mod devices;
mod evaluation;
mod export;
mod first_run;
mod foreign_encoders;
mod formats;
mod generator_files;
mod generator_training;
mod gpu_path;
mod image_data;
mod impossible;
mod main_job;
mod markdown;
mod messages;
mod outputs;
mod packing;
mod photographs;
mod resume;
mod runs;
#[cfg(unix)]
mod saving;
mod selfcheck;
mod studies;
mod support;
mod taking_away;
mod view_shards;
mod views;
mod watching;
