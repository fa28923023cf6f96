//! The collapse watch: what the features of the last batch say about the run, one file per measure.
//!
//! Everything here works on the host in f64 on features that were read together with the losses; nothing reaches
//! back into training. What each number means for a user is in `docs/watching.md`.

mod agreement;
mod collapse;
mod config;
mod measures;
mod online_probe;

pub(crate) use agreement::view_agreement;
pub use collapse::{Collapse, CollapseWatch};
pub use config::WatchConfig;
pub use measures::Measures;
pub use online_probe::OnlineProbe;
