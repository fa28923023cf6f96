//! How pages, tables, plots, text tables and numbers are written; it knows no results.
//!
//! [`page`] gives an HTML file that needs nothing beside itself. What is on it comes from [`table`], [`plots`],
//! [`figures`], [`legend`], [`pictures`], [`facts`] and [`shell`]; [`numbers`] and [`words`] write what stands in them,
//! and [`text_table`] what a terminal shows.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod error;
pub mod facts;
pub mod figures;
pub mod legend;
pub mod markers;
pub mod neighbours;
pub mod numbers;
pub mod page;
pub mod pictures;
pub mod plots;
pub mod shell;
#[cfg(test)]
mod style_tests;
pub mod table;
pub mod text_table;
pub mod words;

pub use error::ReportError;
