//! Reads the tensors of PyTorch files by name and executes nothing.
//!
//! ```no_run
//! let file = zview_torch_file::TorchFile::open(std::path::Path::new("generator.pth"))?;
//! for tensor in file.tensors() {
//!     println!("{} {:?} {}", tensor.name(), tensor.shape(), tensor.element());
//! }
//! # Ok::<(), zview_torch_file::TorchError>(())
//! ```
//!
//! [`PlainPickle`] reads a pickle that is no PyTorch file: a data set's lists, texts and arrays of bytes.
//!
//! Every layout that `torch.save` has written is read: a zip (since 1.6), a stream of pickles and storages (before),
//! a tar (before 0.2), and plain pickles. Pickles are walked as data (`pickle/`): what they would call is noted and
//! never called. Python objects of any kind may lie beside the tensors.
//!
//! Memory and time are bounded by what a file holds, never by what it claims; the limits stand in `limits.rs`.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod archive;
mod element;
mod error;
mod file;
mod gather;
mod legacy;
mod limits;
mod module;
mod numpy;
mod outline;
mod pickle;
mod plain;
mod rebuild;
mod source;
mod storage;
mod tar;
mod tensor;
mod zip;

pub use element::Element;
pub use error::TorchError;
pub use file::TorchFile;
pub use plain::{Node, PlainPickle};
pub use tensor::{Holder, Tensor};
