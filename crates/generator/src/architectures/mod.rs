//! The networks whose weights are understood, one file each; adding one is a file and a line here.

pub(crate) mod activations;
mod kind;
mod onnx;
pub(crate) mod operations;
mod sequential;

pub use kind::{Architecture, IntermediateSpace};

kind::architectures! {
    /// The layer list of the manifest, one after the other.
    Sequential = "sequential" => sequential;
    /// A network exported to ONNX.
    Onnx = "onnx" => onnx;
}
