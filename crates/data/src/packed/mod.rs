//! A data set as one file that is mapped into memory, and that Python reads too.
//!
//! The file is safetensors: pixels (N, C, H, W) as bytes, labels (N) as 64-bit integers, names as text and where each ends;
//! the metadata say what it was made from and have the hashes. `layout` says what lies where, `pack` and `parts` write it
//! into a `partial` file, `open` holds a file's header against it and `mapped` reads images out of it.

mod error;
mod layout;
mod mapped;
mod open;
mod pack;
mod partial;
mod parts;
#[cfg(test)]
mod tests;

pub use error::PackError;
pub use layout::MadeFrom;
pub(crate) use mapped::MappedImages;
pub use open::is_packed;
pub(crate) use open::{PackedFile, is_safetensors_start};
pub use pack::{PackOptions, Packed, PackedSplit, pack};
