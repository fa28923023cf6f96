//! Which images of a tree of paths belong to a split, and which class each is of.
//!
//! The same rules hold for folders and for archives of folders:
//! `<split>/<class>/x.jpg`, `<class>/x.jpg`, or files without classes (no labels). Folders below a class
//! folder belong to the class.

use std::collections::{BTreeMap, BTreeSet};

use crate::hashed_split::test_images;
use crate::options::{ClassUse, Split};
use crate::split_names::role_of;

use split_folders::{SplitFolders, has_splits, looks_like_splits, split_folders};

mod split_folders;

/// A file in a tree: the names on the way to it (in Unicode's composed form), the last one its own, and what belongs
/// to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TreeFile<T> {
    pub(crate) parts: Vec<String>,
    pub(crate) content: T,
}

/// The files of one split, in the order of their names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part<T> {
    /// With the class index, or all without.
    pub(crate) files: Vec<(T, Option<u32>)>,
    /// Files beside the class folders, which therefore have no class.
    pub(crate) without_class: Vec<T>,
}

/// A whole tree, divided.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arranged<T> {
    pub(crate) train: Option<Part<T>>,
    pub(crate) test: Option<Part<T>>,
    /// What there is instead of a split that is missing.
    pub(crate) instead: String,
    /// Sorted names over all splits, so that an index means the same in each.
    pub(crate) classes: Vec<String>,
    /// What was decided, one sentence each.
    pub(crate) notes: Vec<String>,
    /// Folders beside the splits, and how many images are in each; those in none under an empty name.
    pub(crate) beside: BTreeMap<String, usize>,
}

impl<T> Arranged<T> {
    /// A split; where `is_kept` says it of each class, with the files of these classes alone.
    pub(crate) fn take(&mut self, split: Split, is_kept: Option<&[bool]>) -> Option<Part<T>> {
        let mut part = match split {
            Split::Train => self.train.take(),
            Split::Test => self.test.take(),
        }?;
        if let Some(is_kept) = is_kept {
            let keep = |label: u32| is_kept.get(label as usize).copied().unwrap_or(false);
            part.files.retain(|(_, label)| label.is_none_or(keep));
            part.without_class.clear(); // none of these classes
        }
        Some(part)
    }
}

/// How images beside the splits are counted, by their folder.
pub(crate) fn beside_in_words(folder: &str) -> String {
    match folder {
        "" => "images outside the folders of the splits".to_owned(),
        folder => format!("images in {folder}/, which is no split that is used"),
    }
}

/// True if every file is in a folder named after a split.
pub(crate) fn all_in_split_folders<T>(files: &[TreeFile<T>]) -> bool {
    files.iter().all(|file| file.parts.len() >= 2 && role_of(&file.parts[0]).is_some())
}

/// Takes off the outer folders around splits or classes, as archives often have; gives their names.
pub(crate) fn strip_wrapper<T>(files: &mut [TreeFile<T>]) -> Vec<String> {
    let mut wrappers = Vec::new();
    loop {
        let Some(outer) = files.first().and_then(|file| file.parts.first()).cloned() else { return wrappers };
        let wraps = role_of(&outer).is_none()
            && files.iter().all(|file| file.parts.len() >= 3 && file.parts[0] == outer);
        if !wraps {
            return wrappers;
        }
        for file in files.iter_mut() {
            file.parts.remove(0);
        }
        wrappers.push(outer);
    }
}

/// Takes off folders that only repeat their split's name, as `training_set/training_set/cats` has them.
fn strip_repeated<T>(files: &mut [TreeFile<T>]) {
    let repeats = |file: &TreeFile<T>| {
        let role = role_of(&file.parts[0]);
        file.parts.len() >= 3 && role.is_some() && role_of(&file.parts[1]) == role
    };
    let splits = files.iter().filter(|file| file.parts.len() >= 2).map(|file| file.parts[0].clone());
    let mut splits: BTreeSet<String> = splits.filter(|name| role_of(name).is_some()).collect();
    for file in files.iter().filter(|file| !repeats(file)) {
        splits.remove(&file.parts[0]);
    }
    for file in files.iter_mut().filter(|file| splits.contains(&file.parts[0])) {
        file.parts.remove(1);
    }
}

/// Divides a tree and labels its files.
///
/// # Errors
/// What is not clear about it, as a sentence with the remedy.
pub(crate) fn arrange<T>(files: Vec<TreeFile<T>>, class_use: ClassUse) -> Result<Arranged<T>, String> {
    let mut files = files;
    strip_repeated(&mut files);
    files.sort_by(|one, other| one.parts.cmp(&other.parts));
    let tops: BTreeSet<&str> =
        files.iter().filter(|file| file.parts.len() >= 2).map(|file| file.parts[0].as_str()).collect();
    let mut notes = Vec::new();
    if has_splits(&files, &tops) {
        let folders = split_folders(&files, &tops, &mut notes)?;
        return Ok(divide(files, &folders, class_use, notes));
    }
    if let Some(question) = looks_like_splits(&files, &tops) {
        if class_use == ClassUse::Needed {
            return Err(question);
        }
        notes.push(format!("all images are taken, without classes: {question}"));
        return Ok(unlabelled(files, notes));
    }
    let labelled = !tops.is_empty();
    let strays = files.iter().filter(|file| file.parts.len() < 2).count();
    if labelled && strays > 0 && class_use == ClassUse::Optional {
        notes.push(format!(
            "all images are taken, without classes: {strays} of {} are in no class folder",
            files.len()
        ));
        return Ok(unlabelled(files, notes));
    }
    if !labelled {
        return Ok(unlabelled(files, notes));
    }
    let classes: Vec<String> = tops.iter().map(|&name| name.to_owned()).collect();
    let is_test = if classes.len() > 1 { held_out(&files) } else { vec![false; files.len()] };
    let test = is_test.iter().filter(|&&test| test).count();
    if test > 0 {
        notes.push(format!(
            "no folders for training and testing: by a hash of their names {test} of {} images, a fifth of each \
             class, are the test split, which training does not see; to divide them otherwise, make folders train/ and test/",
            files.len() - strays
        ));
    }
    let mut arranged = Arranged { notes, ..empty(classes) };
    "images that are not divided into train and test folders".clone_into(&mut arranged.instead);
    let (mut train_files, mut test_files) = (Vec::new(), Vec::new());
    for (file, is_test) in files.into_iter().zip(is_test) {
        if is_test { test_files.push(file) } else { train_files.push(file) }
    }
    arranged.notes.extend(strays_in_words(strays));
    arranged.notes.extend(alike(&arranged.classes));
    arranged.train = Some(part(train_files, 0, &arranged.classes, true));
    arranged.test = (test > 0).then(|| part(test_files, 0, &arranged.classes, true));
    Ok(arranged)
}

/// What images in no class folder mean where classes are needed.
fn strays_in_words(strays: usize) -> Option<String> {
    (strays > 0).then(|| {
        format!(
            "{strays} images are in no class folder: a probe cannot use them, pretraining takes all images without classes"
        )
    })
}

fn empty<T>(classes: Vec<String>) -> Arranged<T> {
    Arranged {
        train: None,
        test: None,
        instead: String::new(),
        classes,
        notes: Vec::new(),
        beside: BTreeMap::new(),
    }
}

fn unlabelled<T>(files: Vec<TreeFile<T>>, notes: Vec<String>) -> Arranged<T> {
    let part = Part {
        files: files.into_iter().map(|file| (file.content, None)).collect(),
        without_class: Vec::new(),
    };
    let instead = "images that are not divided into train and test folders".to_owned();
    Arranged { train: Some(part), notes, instead, ..empty(Vec::new()) }
}

fn divide<T>(
    files: Vec<TreeFile<T>>,
    folders: &SplitFolders,
    class_use: ClassUse,
    notes: Vec<String>,
) -> Arranged<T> {
    let is_used =
        |name: &str| folders.train.as_deref() == Some(name) || folders.test.as_deref() == Some(name);
    let classes: BTreeSet<String> = files
        .iter()
        .filter(|file| file.parts.len() >= 3 && is_used(&file.parts[0]))
        .map(|file| file.parts[1].clone())
        .collect();
    let mut arranged = Arranged { notes, ..empty(classes.into_iter().collect()) };
    let tops: BTreeSet<&str> =
        files.iter().filter(|file| file.parts.len() >= 2).map(|file| file.parts[0].as_str()).collect();
    arranged.instead = format!("folders {}", tops.into_iter().collect::<Vec<_>>().join(", "));
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for file in files {
        let top = if file.parts.len() >= 2 { file.parts[0].as_str() } else { "" };
        if !top.is_empty() && folders.train.as_deref() == Some(top) {
            train.push(file);
        } else if !top.is_empty() && folders.test.as_deref() == Some(top) {
            test.push(file);
        } else {
            *arranged.beside.entry(top.to_owned()).or_default() += 1;
        }
    }
    for (files, split) in [(train, Split::Train), (test, Split::Test)] {
        let folder = if split == Split::Train { &folders.train } else { &folders.test };
        if folder.is_none() {
            continue;
        }
        let strays = files.iter().filter(|file| file.parts.len() < 3).count();
        let mut labelled = strays < files.len();
        if labelled && strays > 0 && class_use == ClassUse::Optional {
            labelled = false;
            arranged.notes.push(format!(
                "the {split} split is taken without classes: {strays} of {} images are in no class folder",
                files.len()
            ));
        }
        if labelled {
            arranged.notes.extend(strays_in_words(strays));
        }
        let part = part(files, 1, &arranged.classes, labelled);
        match split {
            Split::Train => arranged.train = Some(part),
            Split::Test => arranged.test = Some(part),
        }
    }
    arranged.notes.extend(alike(&arranged.classes));
    arranged
}

/// The files of a split; `depth` names come before that of the class.
fn part<T>(files: Vec<TreeFile<T>>, depth: usize, classes: &[String], labelled: bool) -> Part<T> {
    let mut part = Part { files: Vec::new(), without_class: Vec::new() };
    for file in files {
        let class = file.parts.get(depth).filter(|_| file.parts.len() >= depth + 2);
        let label = class.and_then(|class| classes.binary_search(class).ok());
        match label {
            _ if !labelled => part.files.push((file.content, None)),
            Some(label) => part.files.push((file.content, Some(label as u32))),
            None => part.without_class.push(file.content),
        }
    }
    part
}

/// Which files are the test split, of class folders without one.
fn held_out<T>(files: &[TreeFile<T>]) -> Vec<bool> {
    let mut of_class: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, file) in files.iter().enumerate().filter(|(_, file)| file.parts.len() >= 2) {
        of_class.entry(&file.parts[0]).or_default().push(number);
    }
    let mut is_test = vec![false; files.len()];
    for of_class in of_class.values() {
        let names: Vec<String> = of_class.iter().map(|&file| files[file].parts.join("/")).collect();
        for (&file, test) in of_class.iter().zip(test_images(&names)) {
            is_test[file] = test;
        }
    }
    is_test
}

/// A word on classes that are called alike but for case and spaces: they stay apart.
fn alike(classes: &[String]) -> Option<String> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    classes.iter().find_map(|class| {
        let plain = class.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
        seen.insert(plain, class).map(|other| {
            format!("the classes `{other}` and `{class}` differ only in case or spaces, and are two")
        })
    })
}

#[cfg(test)]
mod tests;
