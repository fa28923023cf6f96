//! Encoders in files: safetensors or PyTorch, in torchvision's or timm's naming.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use zview_network::weights::StateDict;
use zview_network::{NamedTensors, StateError, read_network, write_tensors};
use zview_runtime::seed::{Purpose, Stream};

use super::architecture::{RECOGNISERS, Recognised};
use super::header::{self, Header};
use super::{Encoder, FrozenEncoder, UnfitImages};

/// An encoder file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum PretrainedError {
    /// A tensor is missing or wrong.
    #[error(transparent)]
    State(#[from] StateError),
    /// The architecture cannot take the recipe's images.
    #[error(transparent)]
    Images(#[from] UnfitImages),
    /// There is nothing to load.
    #[error("no encoder at {}: expected a run folder with encoder.safetensors, or a .safetensors, .pth or .pt file", path.display())]
    Missing {
        /// What was named.
        path: PathBuf,
    },
    /// The tensors are of no architecture that is known here.
    #[error("{} is neither a ResNet-18, -34 or -50 in torchvision's naming, nor a Vision Transformer in timm's, nor a conv encoder of zview's: {reason}", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// The encoder is another one than the recipe's.
    #[error("{} does not fit the recipe: {}", path.display(), differences.join("; "))]
    OtherEncoder {
        /// The file.
        path: PathBuf,
        /// What differs, with what to set.
        differences: Vec<String>,
    },
    /// The file has tensors that the encoder has not.
    #[error("{} has {count} tensors that the encoder has not, such as `{}`: it is another architecture's; only a head (`fc.`, `head.`) is left out", path.display(), first.join("`, `"))]
    NotUsed {
        /// The file.
        path: PathBuf,
        /// How many.
        count: usize,
        /// Some of them.
        first: Vec<String>,
    },
}

/// Writes the encoder as safetensors in torchvision's or timm's naming, without head.
///
/// # Errors
/// [`StateError`].
pub fn save_encoder(encoder: &Encoder, path: &Path) -> Result<(), StateError> {
    write_tensors(path, &NamedTensors::of_network(encoder, "")?, metadata(encoder))
}

/// What the header of an encoder's file says.
pub(super) fn metadata(encoder: &Encoder) -> HashMap<String, String> {
    HashMap::from([(header::KEY.to_owned(), Header::of(encoder.config()).text())])
}

/// Loads an encoder from a run folder, a safetensors file or a PyTorch checkpoint. Architecture, width,
/// stem and channels are read off the tensors' names and shapes.
///
/// # Errors
/// [`PretrainedError`].
pub fn load_encoder(path: &Path, device: &Device) -> Result<FrozenEncoder, PretrainedError> {
    let mut file = EncoderFile::open(path)?;
    let mut unused = Stream::new(0, Purpose::Weights, 0, 0);
    let Recognised { config, images } = &file.recognised;
    let made = Encoder::new(config, *images, &mut unused, device);
    let mut encoder = made.map_err(|UnfitImages { problem, .. }| file.unknown(problem))?;
    read_network(&mut encoder, &file.prefix, &mut file.state)?;
    Ok(FrozenEncoder::new(&encoder, device))
}

/// A file with an encoder's tensors.
pub(super) struct EncoderFile {
    pub(super) state: StateDict,
    /// With which the encoder's names begin, such as `state_dict.`.
    pub(super) prefix: String,
    /// What it says of itself; `None` for a file of another origin.
    pub(super) header: Option<Header>,
    pub(super) recognised: Recognised,
}

impl EncoderFile {
    /// Reads which tensors there are, and whose.
    pub(super) fn open(path: &Path) -> Result<Self, PretrainedError> {
        let file = if path.is_dir() { path.join("encoder.safetensors") } else { path.to_owned() };
        if !file.exists() {
            return Err(PretrainedError::Missing { path: file });
        }
        let state = StateDict::read(&file, None).map_err(StateError::from)?;
        let read = || {
            let header = Header::read(&state)?;
            let (prefix, recognised) = recognise(&state, header.as_ref().unwrap_or(&Header::unknown()))?;
            Ok((header, prefix, recognised))
        };
        match read() {
            Ok((header, prefix, recognised)) => Ok(Self { state, prefix, header, recognised }),
            Err(reason) => Err(PretrainedError::Unknown { path: file, reason }),
        }
    }

    fn unknown(&self, reason: String) -> PretrainedError {
        PretrainedError::Unknown { path: self.state.path().to_owned(), reason }
    }
}

/// The prefix of the encoder's names, and the encoder whose tensors these are.
fn recognise(state: &StateDict, header: &Header) -> Result<(String, Recognised), String> {
    let keys = state.keys();
    for (telling, recognise) in RECOGNISERS {
        let prefixes = keys.iter().filter_map(|key| key.key.strip_suffix(telling));
        let mut prefixes: Vec<&str> =
            prefixes.filter(|prefix| prefix.is_empty() || prefix.ends_with('.')).collect();
        prefixes.sort_by_key(|prefix| prefix.len()); // blocks of a ResNet have a `conv1` too
        match prefixes.as_slice() {
            [] => {}
            [first, second, ..] if first.len() == second.len() => {
                return Err(format!("both `{first}` and `{second}` begin a network; keep one of them"));
            }
            [prefix, ..] => {
                let recognised = recognise(state, prefix, header)?;
                // A file may claim anything; what a recipe may not have, it may not have either.
                return match recognised.config.problems().into_iter().next() {
                    Some(problem) => Err(problem),
                    None => Ok(((*prefix).to_owned(), recognised)),
                };
            }
        }
    }
    let mut telling: Vec<&str> = RECOGNISERS.iter().map(|(telling, _)| *telling).collect();
    telling.dedup();
    Err(format!("none of its tensors is `{}`", telling.join("` or `")))
}
