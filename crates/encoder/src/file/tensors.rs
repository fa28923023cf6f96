//! The tensors of one network in a file, by the names that the network has here.

use std::collections::{BTreeMap, BTreeSet};

use zview_network::TensorSource;
use zview_network::weights::{StateDict, WeightsError};

use super::naming::{Candidate, Names, Naming};

/// Norms of transformers' ViT and ViTMAE.
const EPSILON_TRANSFORMERS: f64 = 1e-12;
/// Those of CLIP's networks, the ones with a norm before the blocks.
const EPSILON_CLIP: f64 = 1e-5;
/// Those of everybody else's.
const EPSILON: f64 = 1e-6;

/// The tensors of one network in a file.
pub(crate) struct EncoderTensors {
    pub(super) state: StateDict,
    pub(super) candidate: Candidate,
    tensors: BTreeMap<String, Stored>,
    /// Whether DINOv2's own names were found.
    own_registers: bool,
}

struct Stored {
    shape: Vec<usize>,
    from: Origin,
}

enum Origin {
    /// Keys of the file, one below the other.
    Keys(Vec<String>),
    /// Made from the file's.
    Values(Vec<f32>, String),
}

impl EncoderTensors {
    /// The tensors of `candidate`.
    pub(super) fn new(state: StateDict, candidate: Candidate) -> Result<Self, String> {
        let infos = state.keys();
        let relative: BTreeSet<&str> =
            infos.iter().filter_map(|info| info.key.strip_prefix(&candidate.prefix)).collect();
        let names = candidate.naming.names(&relative);
        let own_registers =
            relative.contains("register_tokens") || relative.contains("embeddings.register_tokens");
        let shape = |key: &str| state.shape(key).unwrap_or_default().to_vec();
        let read = |key: &str| match state.kind_not_read(key) {
            Some(kind) => {
                let remedy = if kind.contains("without values") {
                    "save the network once its weights are loaded"
                } else {
                    "save it as a plain tensor (in Python: .to_dense() or .dequantize(), then torch.save)"
                };
                Err(format!("tensor `{key}` is {kind}, which cannot be read; {remedy}"))
            }
            None => Ok(()),
        };
        let mut tensors = BTreeMap::new();
        for (name, from) in names {
            let full = |key: &String| format!("{}{key}", candidate.prefix);
            let stored = match from {
                Names::One(key) => {
                    let key = full(&key);
                    read(&key)?;
                    Stored { shape: shape(&key), from: Origin::Keys(vec![key]) }
                }
                Names::Stacked(keys) => {
                    let keys = keys.each_ref().map(full);
                    keys.iter().try_for_each(|key| read(key))?;
                    let mut stacked = shape(&keys[0]);
                    if keys.iter().any(|key| shape(key) != stacked) || stacked.is_empty() {
                        let shapes = keys.each_ref().map(|key| shape(key));
                        return Err(format!(
                            "`{}` have shapes {shapes:?}, expected equal ones",
                            keys.join("`, `")
                        ));
                    }
                    stacked[0] = stacked[0].saturating_mul(keys.len());
                    Stored { shape: stacked, from: Origin::Keys(keys.to_vec()) }
                }
            };
            tensors.insert(name, stored);
        }
        Ok(Self { state, candidate, tensors, own_registers })
    }

    /// The shape of the tensor `name`, if there is one.
    pub(crate) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|stored| stored.shape.as_slice())
    }

    /// Whether there is a tensor `name`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The file.
    pub(crate) fn path(&self) -> &std::path::Path {
        self.state.path()
    }

    /// What stands before its names in the file.
    pub(crate) fn prefix(&self) -> &str {
        &self.candidate.prefix
    }

    /// Whose names these were.
    pub(crate) fn naming(&self) -> Naming {
        self.candidate.naming
    }

    /// What the numbers of a residual network's children say of the pooling of its stem; `None` where they say nothing.
    pub(crate) fn stem_pool(&self) -> Option<bool> {
        // 3: convolution, norm, ReLU. Elsewhere a number may stand for a pooling or for its absence.
        (self.candidate.naming == Naming::NumberedResNet(3)).then_some(false)
    }

    /// Whether register tokens stand between a class token with a place and the patches, as DINOv2's authors have it.
    pub(crate) fn class_token_alone_has_a_place(&self) -> bool {
        self.own_registers
    }

    /// What the norms of a Vision Transformer add to the variance.
    pub(crate) fn norm_epsilon(&self) -> f64 {
        let of_dinov2 = self.has("blocks.0.ls1.gamma");
        let transformers = self.candidate.naming == Naming::TransformersVit;
        match () {
            () if self.has("norm_pre.weight") => EPSILON_CLIP,
            () if transformers && !of_dinov2 => EPSILON_TRANSFORMERS,
            () => EPSILON,
        }
    }

    /// The keys of the file that make up `name`.
    pub(super) fn keys(&self, name: &str) -> Vec<String> {
        match self.tensors.get(name).map(|stored| &stored.from) {
            Some(Origin::Keys(keys)) => keys.clone(),
            Some(Origin::Values(_, key)) => vec![key.clone()],
            None => Vec::new(),
        }
    }

    /// The key of the file for messages; a name that is not there is itself, with the prefix.
    pub(super) fn in_file(&self, name: &str) -> String {
        self.keys(name).into_iter().next().unwrap_or_else(|| format!("{}{name}", self.candidate.prefix))
    }

    /// Takes the tensor `name` out and puts another in its place.
    pub(crate) fn replace(
        &mut self,
        name: &str,
        shape: Vec<usize>,
        make: impl FnOnce(Vec<f32>) -> Vec<f32>,
    ) -> Result<(), WeightsError> {
        let old = self.shape(name).unwrap_or_default().to_vec();
        let values = make(self.floats(name, &old)?);
        let key = self.in_file(name);
        self.tensors.insert(name.to_owned(), Stored { shape, from: Origin::Values(values, key) });
        Ok(())
    }
}

impl TensorSource for EncoderTensors {
    fn floats(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
        let Some(stored) = self.tensors.get(name) else { return Err(self.state.missing_key(name)) };
        if stored.shape != shape {
            return Err(WeightsError::Shape {
                path: self.state.path().to_owned(),
                key: name.to_owned(),
                expected: shape.to_vec(),
                got: stored.shape.clone(),
            });
        }
        match &stored.from {
            Origin::Values(values, _) => Ok(values.clone()),
            Origin::Keys(keys) => {
                let mut values = Vec::new();
                for key in keys {
                    let shape = self.state.shape(key).unwrap_or_default().to_vec();
                    values.extend(self.state.take(key, &shape)?);
                }
                Ok(values)
            }
        }
    }

    /// A counter has no part in what an encoder computes: one that is no number is none.
    fn counter(&mut self, name: &str) -> Result<Option<u64>, WeightsError> {
        let Some(Origin::Keys(keys)) = self.tensors.get(name).map(|stored| &stored.from) else {
            return Ok(None);
        };
        let Some(key) = keys.first() else { return Ok(None) };
        let values = self.state.take_integers(key, &[]).unwrap_or_default();
        Ok(values.first().map(|&value| value.max(0) as u64))
    }
}
