//! Encoders in files: safetensors or PyTorch, in torchvision's naming.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use zview_network::weights::StateDict;
use zview_runtime::hash::sha256_of_bytes;
use zview_runtime::seed::{Purpose, Stream};

use super::Encoder;
use super::config::{Architecture, EncoderConfig, Stem};
use zview_network::layers::Init;
use zview_network::{Mode, NamedTensors, StateError, freeze, read_network, write_tensors};

/// The one text in an encoder file's header. (One only: several would be written in a random order.)
const HEADER: &str = "zview-encoder";
const FORMAT: u32 = 1;

/// What an encoder file says of itself that its tensors do not.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: u32,
    pixel_mean: f32,
    pixel_std: f32,
}

/// An encoder file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum PretrainedError {
    /// A tensor is missing or wrong.
    #[error(transparent)]
    State(#[from] StateError),
    /// There is nothing to load.
    #[error("no encoder at {}: expected a run folder with encoder.safetensors, or a .safetensors, .pth or .pt file", path.display())]
    Missing {
        /// What was named.
        path: PathBuf,
    },
    /// The tensors are of no architecture that is known here.
    #[error("{} is not a ResNet-18, -34 or -50 in torchvision's naming: {reason}", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
}

/// Writes the encoder as safetensors in torchvision's naming (there is no `fc`).
///
/// # Errors
/// [`StateError`].
pub fn save_encoder(encoder: &Encoder, path: &Path) -> Result<(), StateError> {
    let config = encoder.config();
    let header = Header { format: FORMAT, pixel_mean: config.pixel_mean, pixel_std: config.pixel_std };
    let text = serde_json::to_string(&header).unwrap_or_default();
    let metadata = HashMap::from([(HEADER.to_owned(), text)]);
    write_tensors(path, &NamedTensors::of_network(encoder, "")?, metadata)
}

/// An encoder that only evaluates.
#[derive(Debug, Clone)]
pub struct FrozenEncoder {
    encoder: Encoder,
    channels: usize,
    device: Device,
}

impl FrozenEncoder {
    /// Freezes a copy of `encoder`, which takes images of `channels` channels.
    #[must_use]
    pub fn new(encoder: &Encoder, channels: usize, device: &Device) -> Self {
        Self { encoder: freeze(encoder), channels, device: device.clone() }
    }

    /// Channels of the images it takes.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// What it was made from.
    #[must_use]
    pub fn config(&self) -> &EncoderConfig {
        self.encoder.config()
    }

    /// The device it computes on.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// How many features an image gets (D).
    #[must_use]
    pub fn feature_dimension(&self) -> usize {
        self.encoder.feature_dimension()
    }

    /// Features (B, D) of images (B, C, H, W) in 0..1, with running statistics.
    #[must_use]
    pub fn features(&self, images: Tensor<4>) -> Tensor<2> {
        // The clone costs one reference count per tensor; evaluation changes nothing in it.
        self.encoder.clone().forward(images, Mode::Evaluate)
    }

    /// SHA-256 over every tensor, to see that nothing changed.
    ///
    /// # Errors
    /// [`StateError`] where the device cannot be read.
    pub fn state_sha256(&self) -> Result<String, StateError> {
        let tensors = NamedTensors::of_network(&self.encoder, "")?;
        Ok(sha256_of_bytes(&tensors.to_bytes(HashMap::new())?))
    }
}

/// Loads an encoder from a run folder, a safetensors file or a PyTorch checkpoint. Architecture, width,
/// stem and channels are read off the tensors' names and shapes.
///
/// # Errors
/// [`PretrainedError`].
pub fn load_encoder(path: &Path, device: &Device) -> Result<FrozenEncoder, PretrainedError> {
    let file = if path.is_dir() { path.join("encoder.safetensors") } else { path.to_owned() };
    if !file.exists() {
        return Err(PretrainedError::Missing { path: file });
    }
    let mut state = StateDict::read(&file, None).map_err(StateError::from)?;
    let (config, channels) =
        recognise(&state).map_err(|reason| PretrainedError::Unknown { path: file.clone(), reason })?;
    let mut unused = Stream::new(0, Purpose::Weights, 0, 0);
    let mut encoder = Encoder::new(&config, channels, &mut unused, device);
    read_network(&mut encoder, "", &mut state)?;
    Ok(FrozenEncoder::new(&encoder, channels, device))
}

/// The configuration whose network has these tensors, and the channels of its images.
fn recognise(state: &StateDict) -> Result<(EncoderConfig, usize), String> {
    let shape = state.shape("conv1.weight").ok_or("there is no `conv1.weight`")?;
    let &[width, channels, kernel, _] = shape else {
        return Err(format!("`conv1.weight` has shape {shape:?}, expected 4 extents"));
    };
    let stem = match kernel {
        3 => Stem::Small,
        7 => Stem::Imagenet,
        other => return Err(format!("`conv1.weight` has kernel {other}, expected 3 or 7")),
    };
    if !(1..=16).contains(&channels) {
        return Err(format!("`conv1.weight` takes {channels} channels, expected 1 to 16"));
    }
    let has = |key: &str| state.shape(key).is_some();
    let arch = match (has("layer1.0.conv3.weight"), has("layer1.2.conv1.weight")) {
        (false, false) => Architecture::Resnet18,
        (false, true) => Architecture::Resnet34,
        (true, true) => Architecture::Resnet50,
        (true, false) => return Err("two bottleneck blocks in `layer1`, expected three".to_owned()),
    };
    if has("layer3.6.conv1.weight") {
        return Err("`layer3` has more than six blocks".to_owned());
    }
    let header = match state.metadata(HEADER) {
        Some(text) => serde_json::from_str(text).map_err(|error| format!("its header `{text}`: {error}"))?,
        // A file of another origin takes pixels as they come.
        None => Header { format: FORMAT, pixel_mean: 0.0, pixel_std: 1.0 },
    };
    if header.format != FORMAT {
        return Err(format!("expected format {FORMAT}, got {}", header.format));
    }
    let Header { pixel_mean, pixel_std, .. } = header;
    let config = EncoderConfig { arch, width, stem, init: Init::Uniform, pixel_mean, pixel_std };
    if let Some(problem) = config.problems().into_iter().next() {
        return Err(problem);
    }
    // The widest tensor must really be there before a network of that width takes memory.
    let widest = format!("layer4.{}.conv2.weight", config.blocks()[3] - 1);
    let expected = [8 * width, 8 * width, 3, 3];
    match state.shape(&widest) {
        Some(shape) if shape == expected => Ok((config, channels)),
        got => Err(format!("`{widest}` has shape {got:?}, expected {expected:?}")),
    }
}
