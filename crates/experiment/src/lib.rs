//! Experiments made of the other crates: what is planned and computed cell by cell, and the page that shows what came out.
//!
//! [`grid`] plans and runs cells of any kind. [`comparison`] is one: arms that differ in what their encoder learns from, x
//! seeds, each in a run folder of its own, at equal updates, judged on the same held-out images, and what the numbers
//! allow in words; [`pages`] makes its page.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod commands;
pub mod comparison;
mod error;
pub mod grid;
pub mod pages;

pub use error::ExperimentError;
