//! Which tensors of a file are the state dict that is meant.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::account::{is_optimizer, reason_by_name};
use super::stored::{Content, StoredTensor, Tensors};
use super::{WeightsError, nearest_names, not_weights};

/// The tensors that are meant, and all others with the reason.
pub(super) struct Selection {
    pub(super) tensors: Tensors,
    pub(super) beside: Tensors,
    pub(super) reasons: BTreeMap<String, String>,
}

/// The tensors of `content`, or those whose names begin with `state_dict` and a dot.
pub(super) fn select(
    path: &Path,
    content: Content,
    state_dict: Option<&str>,
) -> Result<Selection, WeightsError> {
    let no_tensors = |detail: String| WeightsError::NoTensors { path: path.to_owned(), detail };
    if content.tensors.is_empty() {
        return Err(no_tensors(format!(" (it holds {})", content.root)));
    }
    match state_dict {
        Some(key) => {
            let prefix = format!("{key}.");
            let (within, outside): (Tensors, Tensors) =
                content.tensors.into_iter().partition(|(name, _)| name.starts_with(&prefix));
            if within.is_empty() {
                let reason = not_there(key, &outside);
                return Err(WeightsError::NoStateDict { path: path.to_owned(), key: key.to_owned(), reason });
            }
            let mut selection = by_holder(path, within, false)?;
            let stripped = selection.tensors.into_iter();
            let stripped = stripped.map(|(name, tensor)| (name[prefix.len()..].to_owned(), tensor));
            selection.tensors = stripped.collect();
            for (name, tensor) in outside {
                let reason =
                    reason_by_name(&name).map_or(format!("beside `{key}`, which was read"), str::to_owned);
                selection.reasons.insert(name.clone(), reason);
                selection.beside.insert(name, tensor);
            }
            Ok(selection)
        }
        None => by_holder(path, content.tensors, true),
    }
}

/// Dictionaries before modules, and modules before other objects, which only a `state_dict` that was asked for reaches.
fn by_holder(path: &Path, tensors: Tensors, whole_file: bool) -> Result<Selection, WeightsError> {
    let is_weight = |(name, tensor): (&String, &StoredTensor)| {
        tensor.holder.is_none()
            && tensor.unreadable.is_none()
            && reason_by_name(name).is_none()
            && !is_optimizer(name)
    };
    let from_dictionaries = tensors.iter().any(is_weight);
    let module = |tensor: &StoredTensor| matches!(tensor.holder, Some((_, true)));
    let from_modules = !from_dictionaries && tensors.values().any(module);
    let from_objects =
        !from_dictionaries && !from_modules && tensors.values().any(|tensor| tensor.holder.is_some());
    if from_objects && whole_file {
        return Err(in_object(path, &tensors));
    }
    let (mut chosen, mut beside, mut reasons) = (Tensors::new(), Tensors::new(), BTreeMap::new());
    for (name, tensor) in tensors {
        let reason = match &tensor.holder {
            Some((class, true)) if from_dictionaries => {
                Some(format!("within a pickled module of class `{class}`"))
            }
            Some((class, false)) if !from_objects => {
                Some(format!("within a Python object of class `{class}`"))
            }
            _ => None,
        };
        match reason {
            Some(reason) => {
                reasons.insert(name.clone(), reason);
                beside.insert(name, tensor);
            }
            None => drop(chosen.insert(name, tensor)),
        }
    }
    Ok(Selection { tensors: chosen, beside, reasons })
}

fn in_object(path: &Path, tensors: &Tensors) -> WeightsError {
    // The dictionary with the most tensors is the likeliest.
    let mut dictionaries: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for tensor in tensors.values() {
        if let Some((class, _)) = &tensor.holder {
            dictionaries.entry(&tensor.dictionary).or_insert((0, class)).0 += 1;
        }
    }
    let most = dictionaries.into_iter().max_by_key(|(_, (count, _))| *count);
    let (dictionary, (_, class)) = most.unwrap_or_default();
    let mut within = tensors.iter().filter(|(_, tensor)| tensor.dictionary == dictionary);
    if within.all(|(name, _)| is_numbered(name)) {
        return WeightsError::NotWeights {
            path: path.to_owned(),
            what: format!(
                "a file whose tensors lie in a list without names, `{dictionary}` (class `{class}`)"
            ),
            remedy: not_weights::NAME_THEM.to_owned(),
        };
    }
    WeightsError::InObject {
        path: path.to_owned(),
        class: class.to_owned(),
        dictionary: dictionary.to_owned(),
        remedy: not_weights::save_state_dict(),
    }
}

/// Whether a tensor has a place in a list and no name of its own.
pub(super) fn is_numbered(name: &str) -> bool {
    name.rsplit('.').next().is_some_and(|last| last.parse::<u32>().is_ok())
}

/// Why `key` is no dictionary of the file, and which there are.
fn not_there(key: &str, tensors: &Tensors) -> String {
    if tensors.contains_key(key) {
        return format!("`{key}` is a tensor, not a dictionary");
    }
    let dictionary = |(name, tensor): (&'_ String, &'_ StoredTensor)| match tensor.dictionary.is_empty() {
        // What names in one dictionary begin with serves as well.
        true => name.split_once('.').map(|(first, _)| first.to_owned()),
        false => Some(tensor.dictionary.clone()),
    };
    let dictionaries: BTreeSet<String> = tensors.iter().filter_map(dictionary).collect();
    if dictionaries.is_empty() {
        return format!("there is no `{key}`: its tensors lie at the top, so leave `state_dict` out");
    }
    let nearest = nearest_names(key, dictionaries.iter().map(String::as_str), 8);
    format!("there is no `{key}`; there are `{}`", nearest.join("`, `"))
}
