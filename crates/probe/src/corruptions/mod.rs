//! Images made worse in ways that leave their class, and what a classifier still says of them.
//!
//! A corruption is one file here and one line of [`Corruption`]'s table.

mod contrast;
mod gaussian_blur;
mod gaussian_noise;
mod jpeg;
mod kind;
mod occlusion;
mod robustness;
mod set;
mod shift;

pub use kind::{Corruption, SEVERITIES};
pub use robustness::{CorruptionScore, Robustness, RobustnessConfig, robustness};
pub use set::corrupt;
