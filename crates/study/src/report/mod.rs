//! The page: one HTML file that needs nothing beside itself.

mod data_uri;
mod markers;
mod neighbours;
mod notes;
mod page;
mod pictures;
mod plots;
mod results_table;

pub use neighbours::NeighbourFigure;
pub use page::{Page, PageArm};
