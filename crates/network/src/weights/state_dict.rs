//! A state dict: tensors by name, handed out by key and shape.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::convert::{self, ElementType};
use super::{WeightsError, nearest_names, pytorch, safetensors_file};

/// One tensor of a file, its bytes not yet read.
pub(super) struct StoredTensor {
    pub(super) element: ElementType,
    pub(super) shape: Vec<usize>,
    /// Gives the elements, row-major and little-endian.
    pub(super) read: Box<dyn Fn() -> Result<Vec<u8>, String>>,
}

/// One key of a file, for people to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyInfo {
    /// The tensor's name.
    pub key: String,
    /// Its extents, outermost first.
    pub shape: Vec<usize>,
    /// Its element type as PyTorch names it.
    pub element_type: &'static str,
    /// Whether a layer has taken it.
    pub used: bool,
}

/// The tensors of a weights file by name. Bytes are read when a tensor is taken.
pub struct StateDict {
    path: PathBuf,
    /// The dictionary inside a PyTorch file that the tensors are from.
    top_level_key: Option<String>,
    tensors: BTreeMap<String, StoredTensor>,
    metadata: BTreeMap<String, String>,
    taken: BTreeSet<String>,
}

impl std::fmt::Debug for StateDict {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("StateDict").field("path", &self.path).finish_non_exhaustive()
    }
}

impl StateDict {
    /// Reads what tensors the file at `path` holds: safetensors, or any layout that `torch.save`
    /// has written. `top_level_key` names a dictionary inside a PyTorch file ("state_dict");
    /// safetensors have none, and there it is ignored.
    ///
    /// # Errors
    /// [`WeightsError`] for a file that is absent, damaged, of another format, or without tensors.
    pub fn read(path: &Path, top_level_key: Option<&str>) -> Result<Self, WeightsError> {
        let (tensors, metadata, top_level_key) = if looks_like_safetensors(path)? {
            let (tensors, metadata) = safetensors_file::read(path)?;
            (tensors, metadata, None)
        } else {
            (pytorch::read(path, top_level_key)?, BTreeMap::new(), top_level_key.map(str::to_owned))
        };
        if tensors.is_empty() {
            return Err(WeightsError::NoTensors { path: path.to_owned(), detail: String::new() });
        }
        Ok(Self { path: path.to_owned(), top_level_key, tensors, metadata, taken: BTreeSet::new() })
    }

    /// The tensors of a safetensors file whose bytes are already here; `path` is only named in errors.
    ///
    /// # Errors
    /// [`WeightsError`] for bytes that are no safetensors, or hold no tensors.
    pub fn parse_safetensors(path: &Path, bytes: &[u8]) -> Result<Self, WeightsError> {
        let (tensors, metadata) = safetensors_file::parse(path, bytes.to_vec())?;
        if tensors.is_empty() {
            return Err(WeightsError::NoTensors { path: path.to_owned(), detail: String::new() });
        }
        Ok(Self { path: path.to_owned(), top_level_key: None, tensors, metadata, taken: BTreeSet::new() })
    }

    /// Of a file whose tensors are read by other means: none of them is here.
    #[must_use]
    pub fn of_other_format(path: &Path) -> Self {
        let (tensors, metadata) = (BTreeMap::new(), BTreeMap::new());
        Self { path: path.to_owned(), top_level_key: None, tensors, metadata, taken: BTreeSet::new() }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A text of a safetensors header; PyTorch files have none.
    #[must_use]
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }

    /// The shape of the tensor `key`, if there is one.
    #[must_use]
    pub fn shape(&self, key: &str) -> Option<&[usize]> {
        self.tensors.get(key).map(|tensor| tensor.shape.as_slice())
    }

    /// Every tensor of the file, by name, and whether it has been taken.
    #[must_use]
    pub fn keys(&self) -> Vec<KeyInfo> {
        self.tensors
            .iter()
            .map(|(key, tensor)| KeyInfo {
                key: key.clone(),
                shape: tensor.shape.clone(),
                element_type: tensor.element.name(),
                used: self.taken.contains(key),
            })
            .collect()
    }

    /// The names of the tensors that nothing has taken and nothing is known to leave out, for what may say that a
    /// file holds another network than the one that was read.
    #[must_use]
    pub fn unused(&self) -> Vec<String> {
        self.tensors.keys().filter(|key| !self.taken.contains(*key)).cloned().collect()
    }

    /// The tensor `key` as f32 in row-major order; half and double precision are converted.
    ///
    /// # Errors
    /// [`WeightsError::MissingKey`], [`WeightsError::Shape`], [`WeightsError::ElementType`] for
    /// integers, [`WeightsError::Values`] for values that are not finite, and
    /// [`WeightsError::Malformed`] when the file does not hold the bytes it promises.
    pub fn take(&mut self, key: &str, expected_shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
        let (element, bytes) =
            self.take_bytes(key, expected_shape, "floating-point numbers", ElementType::is_float)?;
        let values = convert::floats(element, &bytes).unwrap_or_default();
        let count = values.iter().filter(|value| !value.is_finite()).count();
        if count > 0 {
            let (path, key) = (self.path.clone(), key.to_owned());
            return Err(WeightsError::Values { path, key, count, problem: "are not finite" });
        }
        Ok(values)
    }

    /// A vector of `length` that lies in the file beside the dictionary that was read, or among its tensors where
    /// the whole file was read; `None` if there is none.
    ///
    /// # Errors
    /// As [`Self::take`], and as [`Self::read`].
    pub fn take_beside(&mut self, key: &str, length: usize) -> Result<Option<Vec<f32>>, WeightsError> {
        if self.tensors.contains_key(key) {
            return self.take(key, &[length]).map(Some);
        }
        if self.top_level_key.is_none() {
            return Ok(None);
        }
        let mut whole = Self::read(&self.path, None)?;
        if whole.tensors.contains_key(key) { whole.take(key, &[length]).map(Some) } else { Ok(None) }
    }

    /// The extents of the tensor `key`, which has to have those that are `Some`.
    ///
    /// # Errors
    /// [`WeightsError::MissingKey`], [`WeightsError::Extents`].
    pub fn extents<const R: usize>(
        &self,
        key: &str,
        expected: [Option<usize>; R],
    ) -> Result<[usize; R], WeightsError> {
        let got = self.shape(key).ok_or_else(|| self.missing_key(key))?;
        let fits = |got: &[usize; R]| {
            got.iter().zip(expected).all(|(got, want)| want.is_none_or(|want| *got == want))
        };
        <[usize; R]>::try_from(got).ok().filter(|got| !got.contains(&0) && fits(got)).ok_or_else(|| {
            let extents = expected.map(|extent| extent.map_or("any".to_owned(), |extent| extent.to_string()));
            let expected = format!("[{}]", extents.join(", "));
            WeightsError::Extents {
                path: self.path.clone(),
                key: key.to_owned(),
                expected,
                got: got.to_vec(),
            }
        })
    }

    /// The integer tensor `key` in row-major order.
    ///
    /// # Errors
    /// As [`Self::take`], with [`WeightsError::ElementType`] for anything but integers.
    pub fn take_integers(&mut self, key: &str, expected_shape: &[usize]) -> Result<Vec<i64>, WeightsError> {
        let (element, bytes) = self.take_bytes(key, expected_shape, "integers", ElementType::is_integer)?;
        Ok(convert::integers(element, &bytes).unwrap_or_default())
    }

    fn take_bytes(
        &mut self,
        key: &str,
        expected_shape: &[usize],
        expected_type: &'static str,
        accepts: fn(ElementType) -> bool,
    ) -> Result<(ElementType, Vec<u8>), WeightsError> {
        let path = || self.path.clone();
        let Some(tensor) = self.tensors.get(key) else { return Err(self.missing_key(key)) };
        if tensor.shape != expected_shape {
            let (expected, got) = (expected_shape.to_vec(), tensor.shape.clone());
            return Err(WeightsError::Shape { path: path(), key: key.to_owned(), expected, got });
        }
        if !accepts(tensor.element) {
            let got = tensor.element.name();
            let (key, expected) = (key.to_owned(), expected_type);
            return Err(WeightsError::ElementType { path: path(), key, expected, got });
        }
        let bytes = (tensor.read)().map_err(|reason| WeightsError::Malformed { path: path(), reason })?;
        let element = tensor.element;
        self.taken.insert(key.to_owned());
        Ok((element, bytes))
    }

    /// The error for a tensor `key` that is not there, with the nearest keys that are.
    #[must_use]
    pub fn missing_key(&self, key: &str) -> WeightsError {
        let names = || self.tensors.keys().map(String::as_str);
        let prefix = names().find_map(|name| name.strip_suffix(key)?.strip_suffix('.'));
        let nearest = nearest_names(key, names(), 3).join("`, `");
        let mut hint = format!("; the nearest are `{nearest}`");
        if let Some(prefix) = prefix.filter(|prefix| !prefix.is_empty()) {
            hint.push_str(&format!(
                " (if that is a dictionary in a PyTorch file, write `state_dict = \"{prefix}\"` in the manifest)"
            ));
        }
        let (path, present) = (self.path.clone(), self.tensors.len());
        WeightsError::MissingKey { path, key: key.to_owned(), present, hint }
    }
}

/// By extension, or by the content: eight bytes of length, then the `{` of a JSON object.
fn looks_like_safetensors(path: &Path) -> Result<bool, WeightsError> {
    let mut start = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(9).read_to_end(&mut start))
        .map_err(|source| WeightsError::Read { path: path.to_owned(), source })?;
    let named_so = path.extension().is_some_and(|extension| extension == "safetensors");
    Ok(named_so || start.get(8) == Some(&b'{') && !start.starts_with(b"PK"))
}
