//! What a generator is: the file `generator.toml` beside, or naming, a weights file.

mod features;
mod find;
mod latent;
mod mistaken;
mod onnx;
pub(crate) mod options;
mod parse;
mod schema;

pub use crate::architectures::Options;
pub use crate::layers::Layer;
pub use features::Features;
pub use find::{DEFAULT_FOLDER, find_manifest, list_manifests};
pub use latent::{Distribution, Latent, LatentPart};
pub use mistaken::weights_at;
pub use onnx::{ClassEncoding, OnnxInputs};
pub use options::{ArchitectureOptions, NoOptions};
pub(crate) use schema::hash_of;
pub use schema::{Condition, Manifest, Output};
