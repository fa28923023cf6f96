//! Points in feature space: how images become them, and everything that can be asked about them, whoever asks.
//!
//! [`Features`] are a matrix on the host or in a mapped file, with labels where there are any; a [`FeatureExtractor`] makes them, and a
//! [`FeatureCache`] keeps them. [`nearest_neighbours`] and the modules [`spectrum`], [`clusters`] and [`views`] ask about
//! them; nothing here knows a protocol.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod clusters;
pub mod made_up;
pub mod spectrum;
pub mod views;

mod cache;
mod error;
mod extract;
mod mapped_rows;
mod nearest;
mod nearest_on_device;
mod pixel_scale;
mod pretrained;
mod row_file;
mod rows;
mod rows_file;
mod settings;
mod split;

pub use cache::FeatureCache;
pub use error::FeatureError;
pub use extract::{FeatureExtractor, extract, extract_some, training_pool};
pub use nearest::{Neighbour, nearest, nearest_neighbours};
pub use nearest_on_device::{nearest_neighbours_on, nearest_on};
pub use pixel_scale::{PixelScale, ScaledPixels};
pub use row_file::RowWriter;
pub use rows::{Features, TILE_ROWS, pieces};
pub use rows_file::rows_as_safetensors;
pub use settings::{Problems, Settings};
pub use split::{Split, split_by_class, stratified_split};
