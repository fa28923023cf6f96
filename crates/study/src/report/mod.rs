//! Pages: HTML files that need nothing beside themselves.

mod data_uri;
mod demo_page;
mod evaluation_page;
mod markers;
mod neighbours;
mod plots;
mod words;

pub use demo_page::{Page, PageArm};
pub use evaluation_page::*;
pub use neighbours::NeighbourFigure;

const STYLE: &str = include_str!("style.css");
