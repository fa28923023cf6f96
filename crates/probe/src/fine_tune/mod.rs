//! Training the whole network on labels, from a pretrained encoder or from random weights.

mod candidate;
mod classifier;
mod config;
mod fine_tuned;
mod gain;
mod judge;
mod labels;
mod layers;
mod run;
mod score;
mod start;
#[cfg(test)]
mod tests;
mod told;
mod training;

pub use candidate::CandidateScore;
pub use config::{FineTuneConfig, HeadStart, Length};
pub use fine_tuned::FineTuned;
pub use gain::{FineTuneGain, GainOfSeed, fine_tune_gain};
pub use labels::labelled_subset;
pub use layers::{layer_prefixes, layer_rates};
pub use run::{fine_tune, fine_tune_keeping};
pub use score::{FineTuneRun, FineTuneScore};
pub use start::Start;
