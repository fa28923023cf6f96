//! Which folders of a tree are its splits, and what has to be asked where they only look so.

use std::collections::{BTreeMap, BTreeSet};

use super::TreeFile;
use crate::split_names::{Role, is_numbered_part, is_weak, role_of, role_of_first_word};

/// The folders of the splits.
pub(super) struct SplitFolders {
    pub(super) train: Option<String>,
    pub(super) test: Option<String>,
}

/// A folder called "train" may also be a class (of locomotives): a split holds folders, or has a split to measure on
/// or only other splits beside it; and a short name is a split only beside another one.
pub(super) fn has_splits<T>(files: &[TreeFile<T>], tops: &BTreeSet<&str>) -> bool {
    let roles: BTreeSet<Role> = tops.iter().filter_map(|name| role_of(name)).collect();
    let is_split = |name: &str| role_of(name).is_some() && (roles.len() > 1 || !is_weak(name));
    let both = roles.contains(&Role::Train) && roles.len() > 1;
    tops.iter().any(|name| is_split(name))
        && (both
            || files.iter().any(|file| file.parts.len() >= 3 && is_split(&file.parts[0]))
            || tops.iter().all(|name| is_split(name)))
}

/// Which folder is which split.
pub(super) fn split_folders<T>(
    files: &[TreeFile<T>],
    tops: &BTreeSet<&str>,
    notes: &mut Vec<String>,
) -> Result<SplitFolders, String> {
    let folder = |role: Role| -> Result<Option<&str>, String> {
        let called: Vec<&str> = tops.iter().copied().filter(|name| role_of(name) == Some(role)).collect();
        match called.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            several => {
                let what = match role {
                    Role::Train => "training",
                    Role::Test => "test",
                    Role::Validation => "validation",
                };
                Err(format!(
                    "the folders {} could all be the {what} split; rename or move those that are not",
                    several.join(", ")
                ))
            }
        }
    };
    let has_classes = |name: &str| files.iter().any(|file| file.parts.len() >= 3 && file.parts[0] == name);
    let train = folder(Role::Train)?;
    let test = folder(Role::Test)?;
    let labelled = train.is_some_and(has_classes);
    let test = match test {
        Some(test) if labelled && !has_classes(test) => match folder(Role::Validation)? {
            Some(validation) if has_classes(validation) => {
                notes.push(format!("{test}/ has no class folders: {validation}/ is the test split"));
                Some(validation)
            }
            _ => Some(test),
        },
        Some(test) => Some(test),
        None => folder(Role::Validation)?,
    };
    Ok(SplitFolders { train: train.map(str::to_owned), test: test.map(str::to_owned) })
}

/// The question to ask where every top folder has splits in it, as `images/train` beside `labels/train`.
fn splits_within<T>(files: &[TreeFile<T>], tops: &BTreeSet<&str>) -> Option<String> {
    let within = |file: &TreeFile<T>| file.parts.get(1).cloned().filter(|_| file.parts.len() >= 3);
    let inner: Option<BTreeSet<String>> = files.iter().map(within).collect();
    let inner = inner.filter(|inner| tops.len() > 1 && inner.iter().all(|name| role_of(name).is_some()))?;
    if inner.iter().all(|name| is_weak(name)) {
        return None;
    }
    let listed = |names: Vec<&str>| names.into_iter().take(3).collect::<Vec<_>>().join(", ");
    Some(format!(
        "the folders in {} are splits ({}); give the folder that has the images{}, or put the classes into the splits",
        listed(tops.iter().copied().collect()),
        listed(inner.iter().map(String::as_str).collect()),
        if tops.contains("images") { ", images" } else { "" }
    ))
}

/// The question to ask where names of top folders begin with different splits, as `trainA` and `testA`.
fn begin_like_splits(tops: &BTreeSet<&str>) -> Option<String> {
    let begins = |role: Role| tops.iter().find(|name| role_of_first_word(name) == Some(role));
    let train = begins(Role::Train)?;
    let test = begins(Role::Test).or_else(|| begins(Role::Validation))?;
    Some(format!(
        "the folders {train} and {test} are called like parts of splits, not like classes; put the folders to learn \
         from into a folder `train` and the others into `test`, or rename them if they are classes"
    ))
}

/// The question to ask where top folders are parts of a data set rather than classes: they are called so, have splits
/// in them, are numbered, or have the same folders in them.
pub(super) fn looks_like_splits<T>(files: &[TreeFile<T>], tops: &BTreeSet<&str>) -> Option<String> {
    if let Some(question) = splits_within(files, tops).or_else(|| begin_like_splits(tops)) {
        return Some(question);
    }
    let mut within: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.parts.len() >= 3) {
        within.entry(&file.parts[0]).or_default().insert(&file.parts[1]);
    }
    let names: Vec<&str> = within.keys().copied().collect();
    let numbered =
        names.len() > 1 && names.len() == tops.len() && names.iter().all(|name| is_numbered_part(name));
    let alike = |one: &BTreeSet<&str>, other: &BTreeSet<&str>| {
        let common = one.intersection(other).count();
        common > 1 && 2 * common >= one.union(other).count()
    };
    // One with the next: where all are alike, neighbours are too.
    let pair = names.windows(2).find(|pair| alike(&within[pair[0]], &within[pair[1]]));
    let (one, other) = match pair {
        Some(pair) => (pair[0], pair[1]),
        None if numbered => (names[0], names[1]),
        None => return None,
    };
    let example: Vec<&str> = within[one].iter().copied().take(3).collect();
    Some(format!(
        "the folders {one} and {other} look like parts of a data set, not classes (in them are {}, ...); call the one \
         to learn from `train` and the other `test`, or give the folder of one of them",
        example.join(", ")
    ))
}
