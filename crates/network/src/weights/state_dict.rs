//! A state dict: tensors by name, handed out by key and shape.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::account::{Account, reason_by_name};
use super::not_weights::NAME_THEM;
use super::reparametrised::Parts;
use super::selection::{Selection, is_numbered, select};
use super::stored::{Content, Tensors};
use super::{WeightsError, nearest_names, prefix, pytorch, safetensors_file};

/// One key of a file, for people to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyInfo {
    /// The tensor's name.
    pub key: String,
    /// Its extents, outermost first.
    pub shape: Vec<usize>,
    /// Its element type as PyTorch names it.
    pub element_type: String,
    /// Whether a layer has taken it.
    pub used: bool,
}

/// The tensors of a weights file by name. Bytes are read when a tensor is taken.
///
/// A key that is there only under what wrappers put before it (`module.`, `_orig_mod.`, `netG.`) is found there, and
/// then so are all others. A weight that the file has in parts (spectral norm, weight norm, pruning) is made whole.
pub struct StateDict {
    pub(super) path: PathBuf,
    /// The dictionary inside the file that the tensors are from.
    state_dict: Option<String>,
    pub(super) tensors: Tensors,
    /// Names without the words that wrappers of single layers put into them, for the names that have some.
    plain_names: BTreeMap<String, String>,
    /// The other tensors of the file, and why they are not needed.
    pub(super) beside: Tensors,
    reasons: BTreeMap<String, String>,
    metadata: BTreeMap<String, String>,
    pub(super) taken: BTreeSet<String>,
    /// What its callers know not to be needed.
    set_aside: BTreeMap<String, String>,
    /// What stands before every key; `None` until the first is taken.
    pub(super) prefix: Option<String>,
    /// Whether names say what is not needed: not in files of zview's own, of which everything is.
    foreign: bool,
}

/// Where a key is found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    Tensor(String),
    Parts(Parts),
}

impl Place {
    /// The tensor that has the shape.
    fn shaped(&self) -> &str {
        match self {
            Self::Tensor(name) => name,
            Self::Parts(parts) => parts.shaped(),
        }
    }
}

impl std::fmt::Debug for StateDict {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("StateDict").field("path", &self.path).finish_non_exhaustive()
    }
}

impl StateDict {
    /// Reads what tensors the file at `path` holds: safetensors, or any layout that `torch.save`
    /// has written. `state_dict` names a dictionary inside the file ("state_dict", "ema.shadow"), which is what names
    /// begin with; a safetensors file without such names is read whole.
    ///
    /// # Errors
    /// [`WeightsError`] for a file that is absent, damaged, of another format, or without tensors.
    pub fn read(path: &Path, state_dict: Option<&str>) -> Result<Self, WeightsError> {
        if path.is_dir() {
            let source = std::io::Error::from(std::io::ErrorKind::IsADirectory);
            return Err(WeightsError::Read { path: path.to_owned(), source });
        }
        if !looks_like_safetensors(path)? {
            return Self::of(path, pytorch::read(path)?, state_dict);
        }
        let content = safetensors_file::read(path)?;
        let prefix = state_dict.map(|key| format!("{key}."));
        let has = |prefix: &String| content.tensors.keys().any(|name| name.starts_with(prefix));
        let state_dict = state_dict.filter(|_| prefix.is_some_and(|prefix| has(&prefix)));
        Self::of(path, content, state_dict)
    }

    /// The tensors of a safetensors file of zview's own whose bytes are already here; `path` is only named in errors.
    /// Keys are taken as they are, and no tensor is unneeded by its name.
    ///
    /// # Errors
    /// [`WeightsError`] for bytes that are no safetensors, or hold no tensors.
    pub fn parse_safetensors(path: &Path, bytes: &[u8]) -> Result<Self, WeightsError> {
        let parsed = Self::of(path, safetensors_file::parse(path, bytes.to_vec())?, None)?;
        Ok(Self { prefix: Some(String::new()), foreign: false, ..parsed })
    }

    fn of(path: &Path, content: Content, state_dict: Option<&str>) -> Result<Self, WeightsError> {
        let metadata = content.metadata.clone();
        let Selection { tensors, beside, reasons } = select(path, content, state_dict)?;
        let state_dict = state_dict.map(str::to_owned);
        let plain_names = plain_names(&tensors);
        Ok(Self {
            state_dict,
            tensors,
            plain_names,
            beside,
            reasons,
            metadata,
            ..Self::of_other_format(path)
        })
    }

    /// Of a file whose tensors are read by other means: none of them is here.
    #[must_use]
    pub fn of_other_format(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            state_dict: None,
            tensors: Tensors::new(),
            plain_names: BTreeMap::new(),
            beside: Tensors::new(),
            reasons: BTreeMap::new(),
            metadata: BTreeMap::new(),
            taken: BTreeSet::new(),
            set_aside: BTreeMap::new(),
            prefix: None,
            foreign: true,
        }
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
        let (_, place) = self.find(key).ok()?;
        self.tensors.get(self.in_file(place.shaped())?).map(|tensor| tensor.shape.as_slice())
    }

    /// What the tensor `key` is, where it is of a kind that is not read ("a sparse tensor").
    #[must_use]
    pub fn kind_not_read(&self, key: &str) -> Option<&str> {
        let (_, place) = self.find(key).ok()?;
        self.tensors.get(self.in_file(place.shaped())?)?.unreadable.as_deref()
    }

    /// Every tensor of the state dict, by name, and whether it has been taken.
    #[must_use]
    pub fn keys(&self) -> Vec<KeyInfo> {
        self.tensors
            .iter()
            .map(|(key, tensor)| KeyInfo {
                key: key.clone(),
                shape: tensor.shape.clone(),
                element_type: tensor.element.name().to_owned(),
                used: self.taken.contains(key),
            })
            .collect()
    }

    /// What the keys that were taken have before them in the file ("module."), if wrappers put something there.
    #[must_use]
    pub fn found_prefix(&self) -> Option<&str> {
        self.prefix.as_deref().filter(|prefix| !prefix.is_empty())
    }

    /// Notes that the tensors whose names `which` picks are not needed, and why ("a classification head").
    pub fn set_aside(&mut self, which: impl Fn(&str) -> bool, reason: &str) {
        let picked = self.tensors.keys().filter(|name| which(name));
        self.set_aside.extend(picked.map(|name| (name.clone(), reason.to_owned())));
    }

    /// What has become of every tensor of the file.
    #[must_use]
    pub fn account(&self) -> Account {
        let mut account = Account::default();
        for name in self.tensors.keys() {
            match (self.taken.contains(name), self.why_unneeded(name)) {
                (true, _) => account.used.push(name.clone()),
                (false, Some(reason)) => account.unneeded.push((name.clone(), reason)),
                (false, None) => account.unused.push(name.clone()),
            }
        }
        for name in self.beside.keys() {
            let reason = self.reasons.get(name).cloned().unwrap_or_default();
            match self.taken.contains(name) {
                true => account.used.push(name.clone()),
                false => account.unneeded.push((name.clone(), reason)),
            }
        }
        account
    }

    fn why_unneeded(&self, name: &str) -> Option<String> {
        if let Some(reason) = self.set_aside.get(name) {
            return Some(reason.clone());
        }
        if let Some(reason) = reason_by_name(name).filter(|_| self.foreign) {
            return Some(reason.to_owned());
        }
        if let Some(prefix) = self.found_prefix().filter(|prefix| !name.starts_with(prefix)) {
            return Some(beside(prefix));
        }
        let ends = ["_orig", "_u", "_v", "_g", "_mask", "_bar"];
        let whole =
            ends.iter().find_map(|end| name.strip_suffix(end)).filter(|whole| self.taken.contains(*whole))?;
        Some(format!("a part of `{whole}`, which the file has whole"))
    }

    /// The dictionary of the file that every tensor which was taken lies in; `None` where they lie at the top, or in
    /// several.
    #[must_use]
    pub fn dictionary_read(&self) -> Option<&str> {
        let mut taken = self.taken.iter().filter_map(|name| self.tensors.get(name));
        let first = taken.next()?.dictionary.as_str();
        if !first.is_empty() {
            return taken.all(|tensor| tensor.dictionary == first).then_some(first);
        }
        // A file without dictionaries keeps their names.
        let word = self.found_prefix()?.split('.').next()?;
        word.ends_with("state_dict").then_some(word)
    }

    /// Why the tensor `name` is not needed, where all that were taken lie in a dictionary and it does not.
    #[must_use]
    pub fn beside_what_was_read(&self, name: &str) -> Option<String> {
        let dictionary = self.dictionary_read()?;
        let within = name.strip_prefix(dictionary).is_some_and(|rest| rest.starts_with('.'));
        (!within).then(|| beside(dictionary))
    }

    /// The names of the tensors that nothing has taken and nothing is known to leave out, for what may say that a
    /// file holds another network than the one that was read.
    #[must_use]
    pub fn unused(&self) -> Vec<String> {
        self.account().unused
    }

    /// Refuses a file with a tensor that nothing has taken.
    ///
    /// # Errors
    /// [`WeightsError::Unused`].
    pub fn refuse_unused(&self) -> Result<(), WeightsError> {
        let unused = self.unused();
        if unused.is_empty() {
            return Ok(());
        }
        let (path, count) = (self.path.clone(), unused.len());
        Err(WeightsError::Unused { path, count, first: unused.into_iter().take(5).collect() })
    }

    fn place(&self, name: &str) -> Option<Place> {
        if let Some(name) = self.in_file(name) {
            return Some(Place::Tensor(name.to_owned()));
        }
        Parts::of(name, |name| self.in_file(name).is_some()).map(Place::Parts)
    }

    /// The file's own name of the tensor `name`, if it is there.
    pub(super) fn in_file<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        if self.tensors.contains_key(name) {
            return Some(name);
        }
        self.plain_names.get(name).map(String::as_str).filter(|_| self.foreign)
    }

    /// Where `key` is, and what stands before it there; else what stands before it where it may be meant.
    pub(super) fn find(&self, key: &str) -> Result<(String, Place), Vec<String>> {
        if let Some(prefix) = &self.prefix {
            let place = self.place(&format!("{prefix}{key}"));
            return place.map(|place| (prefix.clone(), place)).ok_or_else(Vec::new);
        }
        if let Some(place) = self.place(key) {
            return Ok((String::new(), place));
        }
        let mut prefixes: Vec<String> = self.prefixes_of(key);
        prefixes.retain(|found| prefix::is_wrapper(found));
        match prefixes.as_slice() {
            [only] => {
                let place = self.place(&format!("{only}{key}"));
                place.map(|place| (only.clone(), place)).ok_or_else(Vec::new)
            }
            _ => Err(prefixes),
        }
    }

    /// What stands before `key` in the file, for each time that it is there.
    fn prefixes_of(&self, key: &str) -> Vec<String> {
        let (layer, name) =
            key.rsplit_once('.').map_or(("", key), |(layer, name)| (&key[..=layer.len()], name));
        let original = format!("{layer}parametrizations.{name}.original");
        let forms =
            [key.to_owned(), format!("{key}_orig"), format!("{key}_g"), format!("{original}0"), original];
        let names = || self.tensors.keys().map(String::as_str);
        let mut found: Vec<String> =
            forms.iter().flat_map(|form| prefix::before(form, names())).map(str::to_owned).collect();
        found.sort_unstable();
        found.dedup();
        found.retain(|prefix| self.place(&format!("{prefix}{key}")).is_some());
        found
    }

    /// What the parts of `key` begin with in the file, where it is parametrized, and the weight's own name.
    fn parametrized<'a>(&self, key: &'a str) -> Option<(String, &'a str)> {
        let (layer, weight) =
            key.rsplit_once('.').map_or(("", key), |(layer, name)| (&key[..=layer.len()], name));
        let parts = format!("{layer}parametrizations.{weight}.");
        let begins = |name: &String| {
            let at = name.find(&parts).filter(|at| *at == 0 || name[..*at].ends_with('.'))?;
            Some(name[..at + parts.len()].to_owned())
        };
        self.tensors.keys().find_map(begins).map(|parts| (parts, weight))
    }

    /// The error for a tensor `key` that is not there, with the nearest keys that are.
    #[must_use]
    pub fn missing_key(&self, key: &str) -> WeightsError {
        let mut hint = String::new();
        let name = |prefix: &str| {
            let prefix = prefix.trim_end_matches('.');
            match &self.state_dict {
                Some(outer) => format!("`state_dict = \"{outer}.{prefix}\"`"),
                None => format!("`state_dict = \"{prefix}\"`"),
            }
        };
        let mut elsewhere: Vec<String> = self.prefixes_of(key);
        elsewhere.retain(|prefix| !prefix.is_empty() && Some(prefix) != self.prefix.as_ref());
        // What is likely to be meant alone, where there is such.
        if elsewhere.iter().any(|prefix| prefix::is_wrapper(prefix)) {
            elsewhere.retain(|prefix| prefix::is_wrapper(prefix));
        }
        let in_object = self.beside.iter().find_map(|(name, tensor)| {
            let folder = name.strip_suffix(key)?.strip_suffix('.')?;
            Some((folder, tensor.holder.as_ref()?.0.clone()))
        });
        if let Some((parts, weight)) = self.parametrized(key) {
            hint = format!(
                "; the file has it as `{parts}*`, a parametrization that is not worked out here (an orthogonal one, or \
                 several of one weight): in Python, call torch.nn.utils.parametrize.remove_parametrizations(layer, \
                 \"{weight}\") for each such layer, then save the state_dict()"
            );
        } else if !elsewhere.is_empty() {
            let more = if elsewhere.len() > 4 { ", ..." } else { "" };
            let named: Vec<String> = elsewhere.iter().take(4).map(|prefix| name(prefix)).collect();
            hint = format!(
                "; it is there under another name: write {}{more} in the manifest",
                named.join(" or ")
            );
        } else if let Some((folder, class)) = in_object {
            hint = format!(
                "; it lies within a Python object of class `{class}`: write `state_dict = \"{folder}\"` in the manifest, \
                 or save the state_dict() alone"
            );
        } else if !self.tensors.is_empty() && self.tensors.keys().all(|name| is_numbered(name)) {
            hint = format!(", which lie in a list without names; {NAME_THEM}");
        } else if !self.tensors.is_empty() {
            let prefix = self.found_prefix().unwrap_or_default();
            let within = self.tensors.keys().filter(|name| name.starts_with(prefix)).map(String::as_str);
            let nearest = nearest_names(&format!("{prefix}{key}"), within, 3);
            hint = format!("; the nearest are `{}`", nearest.join("`, `"));
        }
        let (path, present) = (self.path.clone(), self.tensors.len());
        WeightsError::MissingKey { path, key: key.to_owned(), present, hint }
    }
}

fn beside(prefix: &str) -> String {
    format!("beside `{}`, which was read", prefix.trim_end_matches('.'))
}

/// The names that are the only ones to be what they are without the words of wrappers.
fn plain_names(tensors: &Tensors) -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, Vec<&String>> = BTreeMap::new();
    for name in tensors.keys() {
        if let Some(plain) = prefix::without_inner_wrappers(name) {
            found.entry(plain).or_default().push(name);
        }
    }
    let only = |(plain, names): (String, Vec<&String>)| match names.as_slice() {
        [one] => Some((plain, (*one).clone())),
        _ => None,
    };
    found.into_iter().filter_map(only).collect()
}

/// By extension, or by the content: eight bytes of length, then the `{` of a JSON object.
fn looks_like_safetensors(path: &Path) -> Result<bool, WeightsError> {
    let mut start = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(9).read_to_end(&mut start))
        .map_err(|source| WeightsError::Read { path: path.to_owned(), source })?;
    let named_so = path.extension().is_some_and(|extension| extension == "safetensors");
    let is_pytorch =
        [&b"PK"[..], b"\x80"].iter().any(|mark| start.starts_with(mark)) && start.get(8) != Some(&b'{');
    // A text that has a brace there has letters before it; a length has zeros.
    let has_header = start.get(8) == Some(&b'{') && start.get(7) == Some(&0);
    Ok(has_header || named_so && !is_pytorch)
}
