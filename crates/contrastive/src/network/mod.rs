//! What every network here is made of: named tensors, layers, and their files.

mod batch_norm;
mod convolution;
mod linear;
mod state;
mod state_file;

pub use batch_norm::BatchNorm;
pub use convolution::Convolution;
pub use linear::Linear;
pub use state::{Mode, Network, StateVisitor, count_parameters, freeze, track_gradients};
pub use state_file::{NamedTensors, StateError, read_network, write_tensors};
