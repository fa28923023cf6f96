//! The sections of a manifest.

use std::path::{Path, PathBuf};

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use zview_network::weights::WeightsError;
use zview_runtime::hash::{sha256_of_bytes, sha256_of_file};

use super::{Latent, Layer, OnnxInputs, Options};
use crate::architectures::ArchitectureKind;

/// `sha256` of a manifest whose weights' hash is not known yet.
pub(super) const COMPUTE: &str = "compute";

/// SHA-256 of the file at `path`.
pub(crate) fn hash_of(path: &Path) -> Result<String, WeightsError> {
    sha256_of_file(path).map_err(|source| WeightsError::Read { path: path.to_owned(), source })
}

/// One generator: where its weights are, what network they belong to, what goes in and comes out.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Manifest {
    /// The manifest file itself; relative paths count from its folder.
    #[serde(skip)]
    pub path: PathBuf,
    /// The bytes of the weights, where they are part of the program.
    #[serde(skip)]
    pub embedded_weights: Option<&'static [u8]>,
    /// Short name, as in the file's own name.
    pub name: String,
    /// Where the weights come from: repository, path and commit, or a paper.
    pub source: String,
    /// The licence of the weights.
    pub licence: String,
    /// The weights file, relative to the manifest.
    pub weights: PathBuf,
    /// SHA-256 of the weights file, 64 hexadecimal digits; or "compute", as long as it is not known.
    pub sha256: String,
    /// Which network the weights belong to.
    pub architecture: ArchitectureKind,
    /// The key of the state dict within a PyTorch file that nests it ("state_dict", "g_ema").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_dict: Option<String>,
    /// Beginnings of the names of tensors that other networks in the file have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// What goes in.
    pub latent: Latent,
    /// Present if the generator is conditioned on a class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
    /// What comes out.
    pub output: Output,
    /// Choices that some architectures offer.
    #[serde(default, skip_serializing_if = "Options::is_empty")]
    pub options: Options,
    /// Names within the file; for `architecture = "onnx"` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onnx: Option<OnnxInputs>,
    /// The network, first layer first; for `architecture = "sequential"` only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Layer>,
}

/// What `[options]` may say is the architecture's.
impl<'de> Deserialize<'de> for Manifest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut manifest = Self::deserialize(deserializer)?;
        manifest.options.settle(manifest.architecture).map_err(D::Error::custom)?;
        Ok(manifest)
    }
}

impl Serialize for Manifest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

/// What a conditional generator is conditioned on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The number of classes; a condition is one of 0..classes.
    pub classes: usize,
    /// What each class is called, by its number; empty where nobody says it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

/// The images that a generator makes.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// C, 1 for grey or 3 for red, green, blue.
    pub channels: usize,
    /// H, in pixels.
    pub height: usize,
    /// W, in pixels.
    pub width: usize,
    /// The raw values that stand for black and white (for a colour: none and full).
    pub range: [f32; 2],
}

impl Manifest {
    /// The weights file, found from the manifest's own folder.
    #[must_use]
    pub fn weights_path(&self) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(&self.weights)
    }

    /// The hash that the weights are to have, in lower case; `None` where the manifest says "compute".
    #[must_use]
    pub fn pinned_sha256(&self) -> Option<String> {
        (self.sha256 != COMPUTE).then(|| self.sha256.to_ascii_lowercase())
    }

    /// SHA-256 of the weights as the manifest says it or, where it says "compute", of the file.
    ///
    /// # Errors
    /// [`WeightsError::Read`].
    pub fn weights_sha256(&self) -> Result<String, WeightsError> {
        let path = self.weights_path();
        self.pinned_sha256().map_or_else(|| hash_of(&path), Ok)
    }

    /// SHA-256 of what the manifest says of the network, what goes in and what comes out: it changes with everything
    /// that changes an image, and not with names, licences, places and the weights themselves.
    #[must_use]
    pub fn content_sha256(&self) -> String {
        let mut said = self.clone();
        (said.name, said.source, said.licence) = Default::default();
        (said.weights, said.sha256) = Default::default();
        if let Some(condition) = &mut said.condition {
            condition.names.clear();
        }
        // A manifest has no maps with other keys than strings: it can always be written.
        sha256_of_bytes(&serde_json::to_vec(&said).unwrap_or_default())
    }

    /// What each class is called; empty where the manifest does not say it.
    #[must_use]
    pub fn class_names(&self) -> &[String] {
        self.condition.as_ref().map_or(&[], |condition| &condition.names)
    }

    /// The number of classes, or `None` for an unconditional generator.
    #[must_use]
    pub fn classes(&self) -> Option<usize> {
        self.condition.as_ref().map(|condition| condition.classes)
    }
}
