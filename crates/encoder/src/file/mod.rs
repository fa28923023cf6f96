//! Encoders in files: safetensors or PyTorch, in the naming of torchvision, timm and others.
//!
//! One reader for `zview probe`, `zview export` and `encoder.weights`: [`Location`] finds the file, `naming` its networks,
//! `branch` the one that is read, the architecture's `recognise` what it computes, and `account` where every tensor went.

mod account;
mod branch;
mod fill;
mod header;
mod location;
mod naming;
mod other;
mod parts;
mod pixels;
mod run_config;
mod tensors;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use zview_network::checkpoint::CheckpointError;
use zview_network::weights::{KeyInfo, StateDict};
use zview_network::{NamedTensors, StateError, write_tensors};
use zview_runtime::config::ConfigError;
use zview_runtime::format::NewerFormat;

use super::architecture::{AnyNetwork, Recognised};
use super::config::Pool;
use super::head::{ClassifierHead, head_name};
use super::{Encoder, FrozenEncoder, UnfitImages};
pub use account::Account;
pub(super) use header::Header;
use location::Location;
pub use location::{ENCODER_FILE, encoder_file};
pub(super) use naming::Naming;
use naming::{Candidate, candidates};
pub use pixels::ExpectedPixels;
pub(super) use tensors::EncoderTensors;

/// What is read, in words, for files that hold something else.
const READ: &str = "read are ResNets of torchvision and timm (plain, wide, ResNeXt, ResNet-D, with squeeze-and-excitation or \
                    ECA), Vision Transformers of timm, DINOv2, torchvision and transformers, and zview's own";

/// An encoder file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum PretrainedError {
    /// A tensor is missing or wrong.
    #[error(transparent)]
    State(#[from] StateError),
    /// The architecture cannot take the recipe's images.
    #[error(transparent)]
    Images(#[from] UnfitImages),
    /// A checkpoint is damaged.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A later version of zview wrote it.
    #[error(transparent)]
    Newer(#[from] NewerFormat),
    /// The recipe of the run that a checkpoint is of cannot be read.
    #[error(transparent)]
    Recipe(#[from] ConfigError),
    /// There is nothing to load.
    #[error("no encoder at {}: expected a run folder with encoder.safetensors, or a .safetensors, .pth or .pt file", path.display())]
    Missing {
        /// What was named.
        path: PathBuf,
    },
    /// A run has checkpoints and no encoder yet.
    #[error(
        "no encoder in {}: the run is not finished; its newest intact checkpoint can be named instead, {}",
        run.display(), checkpoint.display()
    )]
    Unfinished {
        /// The run folder.
        run: PathBuf,
        /// The checkpoint's folder.
        checkpoint: PathBuf,
    },
    /// The file has a part of a network's tensors.
    #[error("{} is one of {count} parts of a network; join them in one file", path.display())]
    Part {
        /// The file.
        path: PathBuf,
        /// How many parts there are.
        count: usize,
    },
    /// The tensors are of no architecture that is known here.
    #[error("{} holds no encoder that can be computed here: {reason}; {READ}", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// What was asked for is not in the file.
    #[error("{}: {problem}", path.display())]
    Asked {
        /// The file.
        path: PathBuf,
        /// What was asked for, and what there is.
        problem: String,
    },
    /// The encoder is another one than the recipe's.
    #[error("{} does not fit the recipe: {}", path.display(), differences.join("; "))]
    OtherEncoder {
        /// The file.
        path: PathBuf,
        /// What differs, with what to set.
        differences: Vec<String>,
    },
    /// The file has tensors that the encoder has not and that may change what it computes.
    #[error("{} has {what}, which cannot be computed here: {count} tensors such as `{}`; {READ}", path.display(), keys.join("`, `"))]
    Refused {
        /// The file.
        path: PathBuf,
        /// What they are.
        what: String,
        /// How many.
        count: usize,
        /// Some of them.
        keys: Vec<String>,
    },
    /// Tensors of the encoder are missing or wrong.
    #[error("{} was taken for {described} and cannot be computed: {count} tensors do not fit: {}; {READ}", path.display(), problems.join("; "))]
    Misfit {
        /// The file.
        path: PathBuf,
        /// What the other tensors are.
        described: String,
        /// How many.
        count: usize,
        /// Some of them, with what is wrong.
        problems: Vec<String>,
    },
}

/// What of a file of other origin is said by the user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Which of several networks: a part of its names, such as `encoder_k`.
    pub branch: Option<String>,
    /// Attention heads of a Vision Transformer.
    pub heads: Option<usize>,
    /// Which token of a Vision Transformer are the features.
    pub pool: Option<Pool>,
    /// Side in pixels of the images that a Vision Transformer is to take.
    pub side: Option<usize>,
    /// Whether the encoder is the recipe's: then what the file says goes before `heads` and `pool`, and is compared.
    pub for_recipe: bool,
}

/// An encoder from a file, and what there is to say of the file.
#[derive(Debug, Clone)]
pub struct LoadedEncoder {
    /// The encoder.
    pub encoder: FrozenEncoder,
    /// Where the tensors of a file of other origin went; empty for this project's own.
    pub account: Account,
    /// What its pixels are most likely to be; `None` for this project's own, which say it.
    pub expected_pixels: Option<ExpectedPixels>,
    /// The side in pixels that the recipe beside a file asks for, where the file itself does not say what it was trained on.
    pub recipe_side: Option<usize>,
    /// The head of a network that this project fine-tuned.
    pub head: Option<ClassifierHead>,
    notes: Vec<String>,
    warnings: Vec<String>,
}

impl LoadedEncoder {
    /// What was read, what was left out, and what had to be assumed, a line each.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What may make its features wrong and is for the user to judge, a line each.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Tells the user, on standard error.
    pub fn tell(&self) {
        tell(&self.notes, &self.warnings);
    }
}

/// Tells the user, on standard error.
pub(super) fn tell(notes: &[String], warnings: &[String]) {
    for note in notes {
        tracing::info!("{note}");
    }
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}

/// Writes the encoder as safetensors in torchvision's or timm's naming, without head.
///
/// # Errors
/// [`StateError`].
pub fn save_encoder(encoder: &Encoder, path: &Path) -> Result<(), StateError> {
    write_tensors(path, &NamedTensors::of_network(encoder, "")?, metadata(encoder))
}

/// Whether the file is an encoder that [`save_encoder`] wrote, by its header; a file that cannot be read is none.
#[must_use]
pub fn is_own_encoder(path: &Path) -> bool {
    StateDict::read(path, None).is_ok_and(|state| state.metadata(header::KEY).is_some())
}

/// What the header of an encoder's file says.
fn metadata(encoder: &Encoder) -> HashMap<String, String> {
    metadata_with_classes(encoder, None)
}

/// The same, of an encoder with a head for these classes.
pub(super) fn metadata_with_classes(
    encoder: &Encoder,
    classes: Option<Vec<String>>,
) -> HashMap<String, String> {
    let mut header = Header::of(encoder.config(), encoder.view().cloned());
    header.classes = classes;
    HashMap::from([(header::KEY.to_owned(), header.text())])
}

/// Loads an encoder as [`read_encoder`] with nothing asked for.
///
/// # Errors
/// [`PretrainedError`].
pub fn load_encoder(path: &Path, device: &Device) -> Result<FrozenEncoder, PretrainedError> {
    Ok(read_encoder(path, &ReadOptions::default(), device)?.encoder)
}

/// Reads an encoder from a run folder, a checkpoint of one, a safetensors file or a PyTorch checkpoint. What it computes is
/// read off the tensors' names and shapes; every tensor of the file is accounted for.
///
/// # Errors
/// [`PretrainedError`].
pub fn read_encoder(
    path: &Path,
    options: &ReadOptions,
    device: &Device,
) -> Result<LoadedEncoder, PretrainedError> {
    let mut file = EncoderFile::open(path, options, device)?;
    let Recognised { network, config, images, beyond, .. } = file.recognised.clone();
    let view = file.header.as_ref().and_then(|header| header.view.clone());
    let mut encoder = Encoder::of_network(network, config, images, beyond, view);
    let account = file.fill(&mut encoder)?;
    let own = file.header.is_some();
    let head = file.head(&encoder)?;
    let mut frozen = FrozenEncoder::new(&encoder, device);
    if !own || file.recognised.changed.is_some() {
        let config = serde_json::to_string(encoder.config()).unwrap_or_default();
        frozen = frozen.read_as(format!("{config} {:?} {:?}", encoder.images(), file.recognised.described));
    }
    let (notes, mut warnings) = (file.notes(&account), file.warnings(&account));
    warnings.extend(location::stopped(path));
    let expected_pixels = (!own).then(|| file.expected.clone());
    let account = if own { Account::default() } else { account };
    let recipe_side =
        if own && frozen.encoder().view().is_none() { location::recipe_side(path) } else { None };
    Ok(LoadedEncoder { encoder: frozen, account, expected_pixels, recipe_side, head, notes, warnings })
}

/// A file with an encoder's tensors.
pub(super) struct EncoderFile {
    pub(super) tensors: EncoderTensors,
    /// What it says of itself; `None` for a file of another origin.
    pub(super) header: Option<Header>,
    pub(super) recognised: Recognised<AnyNetwork>,
    pub(super) expected: ExpectedPixels,
    others: Vec<Candidate>,
    element_types: BTreeMap<String, String>,
}

impl EncoderFile {
    /// Reads which tensors there are, and whose.
    pub(super) fn open(path: &Path, options: &ReadOptions, device: &Device) -> Result<Self, PretrainedError> {
        let Location { file, of_run } = Location::of(path)?;
        let part = of_run.is_none().then(|| parts::count(&file)).flatten();
        if let Some(count) = part {
            return Err(PretrainedError::Part { path: file, count });
        }
        let state = StateDict::read(&file, None).map_err(StateError::from)?;
        let infos = state.keys();
        let keys: BTreeSet<&str> = infos.iter().map(|info| info.key.as_str()).collect();
        let unknown = |reason| PretrainedError::Unknown { path: file.clone(), reason };
        let asked = |problem| PretrainedError::Asked { path: file.clone(), problem };
        let is_checkpoint = of_run.is_some();
        let header = Header::read(&state)?.or(of_run);
        if header.is_some() && !options.for_recipe {
            let given = [
                ("--branch", options.branch.is_some()),
                ("--heads", options.heads.is_some()),
                ("--pool", options.pool.is_some()),
            ];
            if let Some((name, _)) = given.into_iter().find(|(_, given)| *given) {
                return Err(asked(format!("{name}: zview's own encoders say it themselves; leave it out")));
            }
        }
        let mut others = candidates(&keys);
        if is_checkpoint {
            others.retain(|candidate| candidate.prefix == location::ENCODER);
        }
        if others.is_empty() {
            let what = other::architecture(keys.iter().copied()).map(|what| format!("it is {what}"));
            let part = || {
                keys.iter().copied().find_map(|key| Some(format!("it has {} (`{key}`)", other::part(key)?)))
            };
            let none = || {
                format!(
                    "none of its {} tensors is a residual network's or a Vision Transformer's",
                    keys.len()
                )
            };
            return Err(unknown(what.or_else(part).unwrap_or_else(none)));
        }
        let place = branch::choose(&others, options.branch.as_deref()).map_err(asked)?;
        let candidate = others.remove(place);
        if !candidate.naming.is_vit() && !options.for_recipe {
            let given = [("--heads", options.heads.is_some()), ("--pool", options.pool.is_some())];
            if let Some((name, _)) = given.into_iter().find(|(_, given)| *given) {
                return Err(asked(format!("{name}: it is no Vision Transformer; leave it out")));
            }
        }
        check_sizes(&infos, &candidate, &file).map_err(unknown)?;
        let element_types = infos.iter().map(|info| (info.key.clone(), info.element_type.clone())).collect();
        let mut tensors = EncoderTensors::new(state, candidate).map_err(unknown)?;
        let expected = pixels::expected(&tensors, &keys);
        let unknown_header = Header::unknown();
        let recognised =
            AnyNetwork::recognise(&mut tensors, header.as_ref().unwrap_or(&unknown_header), options, device);
        let recognised = recognised.map_err(|reason| {
            let prefix = &tensors.candidate.prefix;
            let own = || keys.iter().copied().filter_map(|key| key.strip_prefix(&**prefix));
            let parts = own().filter(|key| !account::is_known(key));
            let what = parts.into_iter().find_map(other::part).map(|part| format!("it has {part}"));
            let what = what.or_else(|| other::architecture(own()).map(|what| format!("it is {what}")));
            unknown(what.map_or(reason.clone(), |what| format!("{what} ({reason})")))
        })?;
        if header.is_some() {
            // What a recipe may not have, its file may not have either.
            if let Some(problem) = recognised.config.problems().into_iter().next() {
                return Err(unknown(problem));
            }
        }
        let channels = recognised.images.channels;
        let expected = if channels == 3 { expected } else { ExpectedPixels::of_other_channels() };
        Ok(Self { tensors, header, recognised, expected, others, element_types })
    }

    /// The head of a network that this project fine-tuned, as its header says.
    fn head(&mut self, encoder: &Encoder) -> Result<Option<ClassifierHead>, PretrainedError> {
        let Some(classes) = self.header.as_ref().and_then(|header| header.classes.clone()) else {
            return Ok(None);
        };
        let name = head_name(encoder.config());
        let mut take = |part: &str, shape: &[usize]| {
            self.tensors.state.take(&format!("{name}.{part}"), shape).map_err(StateError::from)
        };
        let weight = take("weight", &[classes.len(), encoder.feature_dimension()])?;
        let bias = take("bias", &[classes.len()])?;
        Ok(Some(ClassifierHead { classes, weight, bias }))
    }

    /// What was read, what was left out, and what had to be assumed, a line each; nothing where all was as expected.
    pub(super) fn notes(&self, account: &Account) -> Vec<String> {
        let mut notes = Vec::new();
        let file = self.tensors.state.path().display();
        let Recognised { described, beyond, assumed, changed, .. } = &self.recognised;
        let candidate = &self.tensors.candidate;
        if self.header.is_none() {
            let with = if beyond.is_empty() { String::new() } else { format!(" with {}", beyond.join(", ")) };
            let under = match candidate.prefix.trim_end_matches('.') {
                "" => String::new(),
                prefix => format!(" under `{prefix}`"),
            };
            let mut note = format!(
                "{file}: {described}{with}: {} tensors in {} names{under}",
                account.used,
                candidate.naming.of()
            );
            let left_out = account.in_words();
            if !left_out.is_empty() {
                note.push_str(&format!("; not needed: {left_out}"));
            }
            if !self.others.is_empty() {
                let others = branch::list(&self.others);
                note.push_str(&format!("; --branch (encoder.branch) takes {others}"));
            }
            notes.push(note);
        }
        // This project's own files say what is assumed of others.
        let assumed = assumed.iter().filter(|_| self.header.is_none()).chain(changed);
        let assumed: Vec<&str> = assumed.map(String::as_str).collect();
        if !assumed.is_empty() {
            notes.push(format!("{file}: {}", assumed.join("; ")));
        }
        notes
    }

    /// What may make the features wrong and is for the user to judge, a line each.
    pub(super) fn warnings(&self, account: &Account) -> Vec<String> {
        if self.header.is_some() {
            return Vec::new();
        }
        let file = self.tensors.state.path().display();
        let doubts = self.recognised.doubts.iter().chain(&account.doubts);
        doubts.map(|doubt| format!("{file}: {doubt}")).collect()
    }
}

/// A network is made before its tensors are read: they must be no more than the file can hold.
fn check_sizes(infos: &[KeyInfo], candidate: &Candidate, file: &Path) -> Result<(), String> {
    let bytes = std::fs::metadata(file).map_or(0, |metadata| metadata.len());
    let mut values = 0u64;
    for KeyInfo { key, shape, .. } in infos.iter().filter(|info| info.key.starts_with(&candidate.prefix)) {
        let product = shape.iter().try_fold(1u64, |product, &extent| product.checked_mul(extent as u64));
        values = values.saturating_add(product.unwrap_or(u64::MAX));
        if values > bytes {
            return Err(format!(
                "up to `{key}` its tensors would have {values} values or more, and the file has {bytes} bytes"
            ));
        }
    }
    Ok(())
}
