//! The account of a weights file: every tensor is a layer's, is known to be unneeded, or is refused by name. A layer
//! that a manifest leaves out would else make other images than the network's, without a word.

mod explain;
mod other_networks;

use std::collections::BTreeMap;

use serde::Serialize;
use zview_network::weights::{KeyInfo, StateDict};

use self::explain::explain;
use self::other_networks::{Tree, other_network};
use crate::{GeneratorError, Manifest};

/// The most lines of a refusal.
const LINES_MAX: usize = 12;

/// Tensors of a file that no layer takes, and why none is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unneeded {
    /// What their names begin with, or the last part of names everywhere.
    pub prefix: String,
    /// How many they are.
    pub tensors: usize,
    /// Why they are not needed.
    pub reason: String,
    /// Whether that was guessed from their names, so that somebody should see it.
    #[serde(skip)]
    pub guessed: bool,
}

impl Unneeded {
    /// How many tensors there are, in words.
    #[must_use]
    pub fn count_in_words(&self) -> String {
        if self.tensors == 1 { "1 tensor".to_owned() } else { format!("{} tensors", self.tensors) }
    }
}

/// Accounts for every tensor of `state_dict`, of which the network of `manifest` has taken its own.
///
/// # Errors
/// [`GeneratorError::Unaccounted`] names the tensors that have no place, and what to change;
/// [`GeneratorError::Ignored`] a prefix of `ignore` that names none, or one that a layer takes.
pub(crate) fn account(manifest: &Manifest, state_dict: &StateDict) -> Result<Vec<Unneeded>, GeneratorError> {
    let keys = state_dict.keys();
    check_ignored(manifest, state_dict, &keys)?;
    let tree = Tree::of(&keys);
    let mut unneeded: BTreeMap<(String, String), Unneeded> = BTreeMap::new();
    let mut refused: BTreeMap<String, Vec<&KeyInfo>> = BTreeMap::new();
    for info in keys.iter().filter(|info| !info.used) {
        let (prefix, reason, guessed) = match known(manifest, state_dict, &tree, info) {
            Some(known) => known,
            None => {
                refused.entry(tree.own_prefix(&info.key)).or_default().push(info);
                continue;
            }
        };
        let entry = unneeded.entry((prefix.clone(), reason.clone()));
        entry.or_insert_with(|| Unneeded { prefix, tensors: 0, reason, guessed }).tensors += 1;
    }
    if refused.is_empty() {
        return Ok(unneeded.into_values().collect());
    }
    let mut lines: Vec<String> =
        refused.iter().take(LINES_MAX).map(|(prefix, infos)| explain(manifest, prefix, infos)).collect();
    if let Some(more) = refused.len().checked_sub(LINES_MAX).filter(|more| *more > 0) {
        lines.push(format!("and {more} more"));
    }
    Err(GeneratorError::Unaccounted { path: state_dict.path().to_owned(), lines })
}

/// Prefix, reason and whether that is a guess, of a tensor that is known to be unneeded.
fn known(
    manifest: &Manifest,
    state_dict: &StateDict,
    tree: &Tree,
    info: &KeyInfo,
) -> Option<(String, String, bool)> {
    let key = info.key.as_str();
    if let Some(prefix) = manifest.ignore.iter().find(|prefix| key.starts_with(prefix.as_str())) {
        return Some((prefix.clone(), "`ignore` of the manifest says so".to_owned(), false));
    }
    if key.rsplit('.').next() == Some("num_batches_tracked") {
        let reason = "how often a normalisation was trained, which no image depends on";
        return Some(("num_batches_tracked".to_owned(), reason.to_owned(), false));
    }
    if let Some(reason) = manifest.architecture.unneeded(manifest, key) {
        let part = key.rsplit('.').next().unwrap_or(key);
        return Some((part.to_owned(), reason.to_owned(), false));
    }
    if let Some((prefix, reason)) = other_network(tree, info) {
        return Some((prefix, reason, true));
    }
    if let Some(reason) = state_dict.beside_what_was_read(key) {
        return Some((tree.own_prefix(key), reason, true));
    }
    let kind = info.element_type.as_str();
    if !["complex", "int", "uint", "bool"].iter().any(|beginning| kind.starts_with(beginning)) {
        return None;
    }
    let averaged = key.rsplit('.').next() == Some("n_averaged");
    let reason = match averaged {
        true => "a count of averaged models".to_owned(),
        false => format!("holds {kind}, which no layer's weights do"),
    };
    Some((key.to_owned(), reason, !averaged))
}

/// A prefix has to name tensors, and none that a layer takes: else it would hide what is missing.
fn check_ignored(
    manifest: &Manifest,
    state_dict: &StateDict,
    keys: &[KeyInfo],
) -> Result<(), GeneratorError> {
    for prefix in &manifest.ignore {
        let mut named = keys.iter().filter(|info| info.key.starts_with(prefix.as_str())).peekable();
        let problem = if named.peek().is_none() {
            "no tensor of the file begins with it; remove it".to_owned()
        } else if let Some(used) = named.find(|info| info.used) {
            format!("a layer takes `{}`, which begins with it; name the others alone", used.key)
        } else {
            continue;
        };
        let path = state_dict.path().to_owned();
        return Err(GeneratorError::Ignored { path, prefix: prefix.clone(), problem });
    }
    Ok(())
}
