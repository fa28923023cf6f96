//! Encoders for Python: files that torchvision and timm load strictly, with the lines that load and use them.

mod sequential;
mod timm;
mod torchvision;
mod usage;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zview_network::StateError;
use zview_runtime::atomic::{self, WriteError};
use zview_runtime::hash::sha256_of_bytes;

use super::file::metadata_with_classes;
use super::head::tensors_with_head;
use super::{Architecture, ClassifierHead, Encoder, ViewFormat};

/// The width of torchvision's own ResNets.
const PUBLISHED_WIDTH: usize = 64;
/// The last lines of every model.
const LOAD: &str = "model.load_state_dict(load_file(path), strict=True)\nmodel.eval()\n";

/// Whose names and modules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportFormat {
    /// torchvision's ResNets.
    Torchvision,
    /// timm's ResNets and Vision Transformers.
    Timm,
    /// An `nn.Sequential` of PyTorch alone, for `conv`.
    Sequential,
}

/// Python that runs as it is, in the folder of the command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Program {
    /// Whose modules it takes.
    pub format: ExportFormat,
    /// Defines `model` and loads the file at `path` strictly.
    pub load: String,
    /// All of it: `path`, `model`, and `features(image_file)` with the encoder's size, colours and scale of pixels.
    pub text: String,
}

/// What was written; the result of `zview export`.
#[derive(Debug, Clone, Serialize)]
pub struct Exported {
    /// The file.
    pub file: PathBuf,
    /// Whose names and modules; the first of `programs`.
    pub format: ExportFormat,
    /// The architecture.
    pub arch: Architecture,
    /// Names of the tensors, in the file's order of writing.
    pub keys: Vec<String>,
    /// Of the file, hexadecimal.
    pub sha256: String,
    /// Features of an image.
    pub feature_dimension: usize,
    /// The classes of a fine-tuned network: what `model` gives are their logits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// Subtracted from pixels in 0..1 before the network; also in the file's header, key `zview-encoder`.
    pub pixel_mean: f32,
    /// Divides them after that.
    pub pixel_std: f32,
    /// The images that it was trained on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<ViewFormat>,
    /// Python that defines `model` and loads the file at `path` strictly.
    pub load: String,
    /// Programs that use it, one for each library that has the network.
    pub programs: Vec<Program>,
    /// Where the network is not one of the library's by name: what `load` changes.
    pub differences: Vec<String>,
}

/// An encoder could not be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The library has no such network.
    #[error("{format} network for arch \"{arch}\"; ask for {remedy}")]
    Format {
        /// The library, with its verb.
        format: &'static str,
        /// The encoder's architecture.
        arch: String,
        /// What to ask for.
        remedy: String,
    },
    /// The network has parts that the lines to load it would not make.
    #[error("an encoder with {} cannot be exported; its file already has the names of the library that made it", parts.join(", "))]
    Beyond {
        /// What it has.
        parts: Vec<String>,
    },
    /// The tensors cannot be read or put in a file's form.
    #[error(transparent)]
    State(#[from] StateError),
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl ExportFormat {
    /// What is written for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Torchvision => "torchvision",
            Self::Timm => "timm",
            Self::Sequential => "sequential",
        }
    }

    /// What a program with it needs, in words.
    #[must_use]
    pub fn library(self) -> &'static str {
        match self {
            Self::Torchvision => "torchvision",
            Self::Timm => "timm",
            Self::Sequential => "PyTorch alone",
        }
    }

    fn has_no(self) -> &'static str {
        match self {
            Self::Torchvision => "torchvision has no",
            Self::Timm => "timm has no",
            Self::Sequential => "an nn.Sequential is no",
        }
    }
}

/// Writes `encoder`, with its head if it has one, to `path` as safetensors. The file is the same for every library that has
/// the network; the programs are those of `format`, or of all of them.
///
/// # Errors
/// [`ExportError`].
pub fn export_encoder(
    encoder: &Encoder,
    head: Option<&ClassifierHead>,
    format: Option<ExportFormat>,
    path: &Path,
) -> Result<Exported, ExportError> {
    let config = encoder.config();
    let fitting = config.arch.exports();
    let formats = match format {
        Some(format) if !fitting.contains(&format) => {
            let names: Vec<String> =
                fitting.iter().map(|format| format!("`--format {}`", format.name())).collect();
            let (arch, remedy) = (config.arch.name(), names.join(" or "));
            return Err(ExportError::Format { format: format.has_no(), arch, remedy });
        }
        Some(format) => vec![format],
        None => fitting.to_vec(),
    };
    if let parts @ [_, ..] = encoder.beyond_recipes() {
        return Err(ExportError::Beyond { parts: parts.to_vec() });
    }
    let tensors = tensors_with_head(encoder, head)?;
    let bytes = tensors.to_bytes(metadata_with_classes(encoder, head.map(|head| head.classes.clone())))?;
    atomic::write_file(path, &bytes)?;
    let classes = head.map(|head| head.classes.clone()).unwrap_or_default();
    let (mut programs, mut differences) = (Vec::new(), Vec::new());
    for format in formats {
        let load = match (format, config.vit()) {
            (ExportFormat::Sequential, _) => sequential::load(encoder, classes.len()),
            (ExportFormat::Timm, Some(vit)) => timm::load_vit(encoder, vit, classes.len()),
            (ExportFormat::Timm, None) => timm::load_resnet(encoder, classes.len()),
            (ExportFormat::Torchvision, _) => {
                let (load, changed) = torchvision::load(encoder, classes.len());
                differences = changed;
                load
            }
        };
        let text = usage::program(&load, encoder, path, &classes);
        programs.push(Program { format, load, text });
    }
    Ok(Exported {
        file: path.to_owned(),
        format: programs.first().map_or(ExportFormat::Sequential, |program| program.format),
        arch: config.arch,
        keys: tensors.names().map(str::to_owned).collect(),
        sha256: sha256_of_bytes(&bytes),
        feature_dimension: encoder.feature_dimension(),
        classes,
        pixel_mean: config.pixel_mean,
        pixel_std: config.pixel_std,
        view: encoder.view().cloned(),
        load: programs.first().map(|program| program.load.clone()).unwrap_or_default(),
        programs,
        differences,
    })
}

/// The module in the place of a library's own head: what the file has, or nothing.
fn head_module(encoder: &Encoder, classes: usize) -> String {
    match classes {
        0 => "torch.nn.Identity()".to_owned(),
        classes => format!("torch.nn.Linear({}, {classes})", encoder.feature_dimension()),
    }
}
