//! From images to features on the host, and what is done to them before a classifier sees them.

mod cache;
pub(crate) mod extract;
pub(crate) mod matrix;
mod pixel_scale;
mod pretrained;
pub(crate) mod rows;
mod rows_file;
mod split;
mod standardiser;

pub use cache::FeatureCache;
pub(crate) use extract::training_pool;
pub use extract::{FeatureExtractor, extract, extract_some};
pub use pixel_scale::{PixelScale, ScaledPixels};
pub use rows::Features;
pub use rows_file::rows_as_safetensors;
pub(crate) use split::split_by_class;
pub use split::{Split, stratified_split};
pub use standardiser::Standardiser;
