//! What networks are made of, and what training one needs: layers, named tensors and their files,
//! optimizers, checkpoints, the loop.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr))]

mod any_network;
mod average;
pub mod checkpoint;
mod input;
pub mod layers;
pub mod optimizer;
mod state;
mod state_file;
mod target;
pub mod training;
pub mod weights;

pub use any_network::{AnyNetwork, AnyVisitor};
pub use average::WeightAverage;
pub use input::training_input;
pub use state::{Mode, Network, StateVisitor, count_parameters, freeze, parameter_names, track_gradients};
pub use state_file::{NamedTensors, StateError, TensorSource, read_network, write_tensors};
pub use target::{Target, cosine_to_one};
