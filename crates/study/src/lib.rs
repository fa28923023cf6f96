//! Studies made of the other crates: arms that differ in what their encoder learns from, compared at
//! equal updates, and the page that shows what came out.
//!
//! [`grid`] plans and runs cells of any kind; [`comparison`] trains [`arms`] x seeds, each in a run folder of its own ([`training`]), judges all of them on the same
//! held-out images and says in words what the numbers allow; [`pages`] makes the page.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod arms;
pub mod commands;
pub mod comparison;
mod error;
pub mod grid;
mod one_arm;
pub mod pages;
pub mod training;

pub use error::StudyError;
pub use one_arm::one_arm;
