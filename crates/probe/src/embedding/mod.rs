//! Taking an encoder's features away, and what a classifier on them says of images.
//!
//! [`embed`] computes the features of one or both splits, as `zview probe` does; [`write_embedded`] puts them in a file, and
//! [`predict`] names classes.

mod csv;
mod encode;
mod npy;
mod predict;
mod safetensors;
mod write;

pub use encode::{Embedded, EmbeddedSplit, embed};
pub use predict::{Predicted, PredictedImage, predict};
pub use write::{EmbeddingFormat, write_embedded};
