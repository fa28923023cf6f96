//! Pages: HTML files that need nothing beside themselves.

mod comparison_page;
mod data_uri;
mod demo_page;
mod evaluation_page;
mod machine;
mod markers;
mod neighbours;
mod plots;
mod shell;
#[cfg(test)]
mod style_tests;
mod words;

pub use comparison_page::*;
pub use demo_page::{Page, PageArm};
pub use evaluation_page::*;
pub use neighbours::NeighbourFigure;

const STYLE: &str = include_str!("style.css");
const EVALUATION_STYLE: &str = include_str!("evaluation_page/style.css");
