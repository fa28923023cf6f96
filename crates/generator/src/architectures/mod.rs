//! The networks whose weights are understood, one file each; adding one is a file and a line here.

pub(crate) mod activations;
mod dcgan64;
mod kind;
mod loader;
pub(crate) mod operations;
mod sequential;

pub use kind::{Architecture, IntermediateSpace};

kind::architectures! {
    /// The layer list of the manifest, one after the other.
    Sequential = "sequential" => sequential;
    /// DCGAN for images of 64 x 64, with the keys of pytorch/examples.
    Dcgan64 = "dcgan-64" => dcgan64;
}
