//! Studies made of the other crates: arms that differ in what their encoder learns from, compared at
//! equal updates, and the page that shows what came out.
//!
//! [`demo`] is the way in: [`arms`] derives the arms from one recipe, [`training`] trains each in a run
//! folder of its own, [`probing`] measures them on the same held-out images, [`answer`] says in words what
//! the numbers allow, and [`pages`] makes the page.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod answer;
pub mod arms;
pub mod commands;
pub mod comparison;
pub mod demo;
mod error;
pub mod figures;
mod one_arm;
pub mod pages;
pub mod probing;
pub mod results;
pub mod table;
pub mod training;

pub use error::StudyError;
pub use one_arm::one_arm;
