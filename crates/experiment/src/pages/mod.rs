//! Pages: HTML files that need nothing beside themselves.

mod comparison_page;
#[cfg(test)]
mod style_tests;

pub use comparison_page::*;
