//! What a generator is: the file `generator.toml` beside, or naming, a weights file.

mod features;
mod find;
mod layer;
mod options;
mod onnx;
mod parse;
mod schema;

pub use features::Features;
pub use find::{DEFAULT_FOLDER, find_manifest, list_manifests};
pub use layer::Layer;
pub(crate) use options::OptionKey;
pub use options::{Noise, Options};
pub use onnx::{ClassEncoding, OnnxInputs};
pub use schema::{Condition, Distribution, Latent, Manifest, Output};
