//! What a generator is: the file `generator.toml` beside, or naming, a weights file.

mod features;
mod find;
mod layer;
mod onnx;
mod options;
mod parse;
mod schema;

pub use features::Features;
pub use find::{DEFAULT_FOLDER, find_manifest, list_manifests};
pub use layer::Layer;
pub use onnx::{ClassEncoding, OnnxInputs};
pub(crate) use options::OptionKey;
pub use options::{Noise, Options};
pub use schema::{Condition, Distribution, Latent, Manifest, Output};
