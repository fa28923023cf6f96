//! The main job on one page: views, training on real and on generated images, probe, report.

mod config;
mod run;

pub use config::{DemoConfig, RECIPE_NAME, embedded_recipe};
pub use run::{DemoOutcome, DemoSummary, run_demo};
