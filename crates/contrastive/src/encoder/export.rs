//! Encoders for Python: files that torchvision and timm load strictly, with the lines that load them.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zview_network::{NamedTensors, StateError};
use zview_runtime::atomic::{self, WriteError};
use zview_runtime::hash::sha256_of_bytes;

use super::file::metadata;
use super::resnet::blocks;
use super::{Architecture, Encoder, EncoderConfig, Pool, Stem, VitConfig};

/// The width of torchvision's own ResNets.
const PUBLISHED_WIDTH: usize = 64;

/// Whose names and modules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportFormat {
    /// torchvision's ResNets.
    Torchvision,
    /// timm's Vision Transformers.
    Timm,
}

/// What was written; the result of `zview export`.
#[derive(Debug, Clone, Serialize)]
pub struct Exported {
    /// The file.
    pub file: PathBuf,
    /// Whose names and modules.
    pub format: ExportFormat,
    /// The architecture.
    pub arch: Architecture,
    /// Names of the tensors, in the file's order of writing.
    pub keys: Vec<String>,
    /// Of the file, hexadecimal.
    pub sha256: String,
    /// Features of an image.
    pub feature_dimension: usize,
    /// Subtracted from pixels in 0..1 before the network; also in the file's header, key `zview-encoder`.
    pub pixel_mean: f32,
    /// Divides them after that.
    pub pixel_std: f32,
    /// Python that defines `model` and loads the file at `path` strictly.
    pub load: String,
    /// Where the network is not one of the library's by name: what `load` changes.
    pub differences: Vec<String>,
}

/// An encoder could not be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The library has no such network.
    #[error("{format} network for arch \"{arch}\"; {remedy}")]
    Format {
        /// The library, with its verb.
        format: &'static str,
        /// The encoder's architecture.
        arch: String,
        /// What to ask for.
        remedy: &'static str,
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
    /// The library that has networks of this architecture.
    ///
    /// # Errors
    /// [`ExportError::Format`] where none has.
    pub fn of(arch: Architecture) -> Result<Self, ExportError> {
        match arch {
            Architecture::Vit => Ok(Self::Timm),
            arch if arch.is_resnet() => Ok(Self::Torchvision),
            arch => Err(ExportError::Format {
                format: "neither torchvision nor timm has a",
                arch: arch.name(),
                remedy: "the run's encoder.safetensors has its tensors by name (stages.N.conv, stages.N.norm)",
            }),
        }
    }
}

/// Writes `encoder` to `path` as safetensors; `format` must be that of its architecture.
///
/// # Errors
/// [`ExportError`].
pub fn export_encoder(encoder: &Encoder, format: ExportFormat, path: &Path) -> Result<Exported, ExportError> {
    let config = encoder.config();
    let fitting = ExportFormat::of(config.arch)?;
    if format != fitting {
        let (format, remedy) = match fitting {
            ExportFormat::Torchvision => ("timm, as exported here, has no", "ask for `--format torchvision`"),
            ExportFormat::Timm => ("torchvision has no", "ask for `--format timm`"),
        };
        return Err(ExportError::Format { format, arch: config.arch.name(), remedy });
    }
    if let parts @ [_, ..] = encoder.beyond_recipes() {
        return Err(ExportError::Beyond { parts: parts.to_vec() });
    }
    let tensors = NamedTensors::of_network(encoder, "")?;
    let bytes = tensors.to_bytes(metadata(encoder))?;
    atomic::write_file(path, &bytes)?;
    let (load, differences) = match config.vit() {
        Some(vit) => (timm(encoder, vit), Vec::new()),
        None => torchvision(config, encoder.images().channels),
    };
    Ok(Exported {
        file: path.to_owned(),
        format,
        arch: config.arch,
        keys: tensors.names().map(str::to_owned).collect(),
        sha256: sha256_of_bytes(&bytes),
        feature_dimension: encoder.feature_dimension(),
        pixel_mean: config.pixel_mean,
        pixel_std: config.pixel_std,
        load,
        differences,
    })
}

/// The last lines of every program.
const LOAD: &str = "model.load_state_dict(load_file(path), strict=True)\nmodel.eval()\n";

/// The program that loads a ResNet, and what it changes in torchvision's network.
fn torchvision(config: &EncoderConfig, channels: usize) -> (String, Vec<String>) {
    let name = config.arch.name();
    let EncoderConfig { width, stem, .. } = *config;
    let mut lines = vec![
        "import torch, torchvision".to_owned(),
        "from safetensors.torch import load_file".to_owned(),
        format!("model = torchvision.models.{name}()"),
        "model.fc = torch.nn.Identity()".to_owned(),
    ];
    let mut differences = Vec::new();
    if width != PUBLISHED_WIDTH {
        differences.push(format!(
            "width {width}: torchvision's networks have {PUBLISHED_WIDTH}, so norms and blocks are made anew"
        ));
        lines.extend([
            format!("model.inplanes, block = {width}, type(model.layer1[0])"),
            format!("model.bn1 = torch.nn.BatchNorm2d({width})"),
        ]);
        for (layer, count) in blocks(config.arch).into_iter().enumerate() {
            let stride = if layer == 0 { 1 } else { 2 };
            let planes = width << layer;
            lines.push(format!(
                "model.layer{} = model._make_layer(block, {planes}, {count}, stride={stride})",
                layer + 1
            ));
        }
    }
    if stem == Stem::Small {
        differences.push("stem \"small\": conv1 is 3x3 with stride 1, and there is no max-pool".to_owned());
        lines.push(format!("model.conv1 = torch.nn.Conv2d({channels}, {width}, 3, 1, 1, bias=False)"));
        lines.push("model.maxpool = torch.nn.Identity()".to_owned());
    } else if channels != 3 || width != PUBLISHED_WIDTH {
        lines.push(format!("model.conv1 = torch.nn.Conv2d({channels}, {width}, 7, 2, 3, bias=False)"));
    }
    if channels != 3 {
        differences.push(format!("{channels} channel(s): torchvision's conv1 takes 3"));
    }
    (lines.join("\n") + "\n" + LOAD, differences)
}

/// The program that loads a Vision Transformer.
fn timm(encoder: &Encoder, VitConfig { depth, heads, patch, pool }: VitConfig) -> String {
    let images = encoder.images();
    let pool = match pool {
        Pool::ClassToken => "global_pool='token'",
        // timm normalises after averaging unless it is told not to.
        Pool::Mean => "global_pool='avg', fc_norm=False",
    };
    format!(
        "from timm.models.vision_transformer import VisionTransformer\n\
         from safetensors.torch import load_file\n\
         model = VisionTransformer(img_size={}, patch_size={patch}, in_chans={}, num_classes=0, embed_dim={}, \
         depth={depth}, num_heads={heads}, {pool})\n{LOAD}",
        images.height,
        images.channels,
        encoder.config().width
    )
}
