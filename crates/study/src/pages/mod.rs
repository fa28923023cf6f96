//! Pages: HTML files that need nothing beside themselves.

mod comparison_page;
mod evaluation_page;
mod machine;
mod neighbours;
#[cfg(test)]
mod style_tests;

pub use comparison_page::*;
pub use evaluation_page::*;
