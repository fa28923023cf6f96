//! Layers as plain values: a clone shares nothing that training changes.

mod batch_norm;
mod convolution;
mod init;
mod linear;

pub use batch_norm::BatchNorm;
pub use convolution::Convolution;
pub use init::Init;
pub use linear::Linear;
