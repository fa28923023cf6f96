//! A validation split whose images lie flat in one folder, and get their classes from a file beside it.

use std::collections::{BTreeMap, BTreeSet};

use super::is_synset;
use super::places::Places;
use super::truth::{Rows, Truth, stem};
use crate::error::Reject;
use crate::image_tree::TreeFile;
use crate::options::ClassUse;
use crate::split_names::{Role, role_of};

/// What images of the validation split are called, before their number from 1 on.
const NUMBERED: &str = "ILSVRC2012_val_";

/// An image that can be named.
pub(crate) trait FlatImage {
    /// As shown to people.
    fn shown(&self) -> String;
}

/// What came of a flat validation split.
#[derive(Debug, Default)]
pub(crate) struct Labelled {
    /// What was decided, one sentence each.
    pub(crate) notes: Vec<String>,
    /// Its images, which are the test split, of which the file does not say the class.
    pub(crate) rejects: Vec<Reject>,
}

/// Puts the images of a flat validation split into folders of their classes, as a file in one of the `places` says it, where
/// that split is the one to measure on.
///
/// # Errors
/// Where the file does not fit the images, as a sentence with the remedy.
pub(crate) fn label_flat_split<T: FlatImage>(
    files: &mut Vec<TreeFile<T>>,
    places: &Places,
    class_use: ClassUse,
) -> Result<Labelled, String> {
    let Some(split) = flat_split(files) else { return Ok(Labelled::default()) };
    match of_split(files, &split, &places.of_split(&split)) {
        Err(problem) if class_use == ClassUse::Optional => {
            let note = format!("the images in {split}/ are taken without classes: {problem}");
            Ok(Labelled { notes: vec![note], rejects: Vec::new() })
        }
        other => other,
    }
}

/// The folder of the validation split, where all its images lie flat and it is what is measured on.
fn flat_split<T>(files: &[TreeFile<T>]) -> Option<String> {
    // Whether any image of a top folder lies deeper.
    let mut tops: BTreeMap<&str, bool> = BTreeMap::new();
    for file in files.iter().filter(|file| file.parts.len() >= 2) {
        *tops.entry(&file.parts[0]).or_default() |= file.parts.len() >= 3;
    }
    let mut of_role: BTreeMap<Role, Vec<(&str, bool)>> = BTreeMap::new();
    for (&top, &deep) in &tops {
        if let Some(role) = role_of(top) {
            of_role.entry(role).or_default().push((top, deep));
        }
    }
    let folders = |role| of_role.get(&role).map(Vec::as_slice).unwrap_or_default();
    let with_classes = |role| folders(role).iter().any(|(_, deep)| *deep);
    let [(validation, false)] = folders(Role::Validation) else { return None };
    // Else the test split is measured on.
    let serves = folders(Role::Test).is_empty() || (with_classes(Role::Train) && !with_classes(Role::Test));
    serves.then(|| (*validation).to_owned())
}

fn of_split<T: FlatImage>(
    files: &mut Vec<TreeFile<T>>,
    split: &str,
    places: &Places,
) -> Result<Labelled, String> {
    let is_in = |file: &TreeFile<T>| file.parts.len() == 2 && file.parts[0] == split;
    let mut images: Vec<usize> = (0..files.len()).filter(|&file| is_in(&files[file])).collect();
    images.sort_unstable_by(|&one, &other| files[one].parts[1].cmp(&files[other].parts[1]));
    let is_imagenet = images.iter().any(|&image| number_of(&files[image].parts[1]).is_some());
    let mut labelled = Labelled::default();
    if !is_imagenet && class_folders(files).is_empty() {
        return Ok(labelled);
    }
    for candidate in Truth::candidates(places) {
        let path = candidate.path.clone();
        let fitted = candidate.read().and_then(|truth| fit(&truth, files, &images));
        match fitted {
            Ok((classes, how)) => {
                let without = apply(files, &images, classes);
                let count = images.len() - without.len();
                labelled.notes.push(format!(
                    "the classes of {count} images in {split}/ are those of {} ({how})",
                    path.display()
                ));
                let reason = format!("no line in {}", path.display());
                labelled.rejects = remove(files, &without, &reason);
                return Ok(labelled);
            }
            Err(problem) if is_imagenet => return Err(problem),
            // Other data sets have files of such a name that mean something else.
            Err(problem) => labelled.notes.push(format!("not used as a list of classes: {problem}")),
        }
    }
    Ok(labelled)
}

/// The number in the name of an image of the validation split.
fn number_of(name: &str) -> Option<usize> {
    stem(name).strip_prefix(NUMBERED).filter(|number| number.len() == 8)?.parse().ok()
}

/// The class folder of each of the `images`, where the file says it, and how it says it.
fn fit<T>(
    truth: &Truth,
    files: &[TreeFile<T>],
    images: &[usize],
) -> Result<(Vec<Option<String>>, &'static str), String> {
    let shown = truth.path.display();
    let folders = class_folders(files);
    let name = |image: usize| files[image].parts[1].as_str();
    let said: Vec<Option<&String>> = match &truth.rows {
        Rows::ByName(rows) => images.iter().map(|&image| rows.get(stem(name(image)))).collect(),
        Rows::InOrder(rows) => {
            let numbers: Option<Vec<usize>> = images.iter().map(|&image| number_of(name(image))).collect();
            match numbers {
                Some(numbers) => numbers.iter().map(|number| rows.get(number.checked_sub(1)?)).collect(),
                None if rows.len() == images.len() => rows.iter().map(Some).collect(),
                None => {
                    return Err(format!(
                        "{shown} has a line for each image in the order of their names: expected {} lines, as there \
                         are images, got {}; give all images, or a file with their names",
                        images.len(),
                        rows.len()
                    ));
                }
            }
        }
    };
    if said.iter().all(Option::is_none) {
        let first = images.first().map_or("none", |&image| name(image));
        return Err(format!(
            "{shown} has a line for none of the {} images ({first}, ...); put the file that belongs to them there",
            images.len()
        ));
    }
    let all: BTreeSet<&str> = match &truth.rows {
        Rows::ByName(rows) => rows.values().map(String::as_str).collect(),
        Rows::InOrder(rows) => rows.iter().map(String::as_str).collect(),
    };
    let numbers = all.iter().all(|class| class.bytes().all(|byte| byte.is_ascii_digit()))
        && !all.iter().all(|class| folders.contains(class));
    if numbers {
        let by_number = by_number(&all, &folders).map_err(|problem| format!("{shown}: {problem}"))?;
        let class = |class: Option<&String>| by_number.get(class?.as_str()).map(|&class| class.to_owned());
        return Ok((said.into_iter().map(class).collect(), "places in the sorted list of class folders"));
    }
    let known = |class: &&str| folders.contains(class) || is_synset(class);
    let none = !folders.is_empty() && !all.iter().any(|class| folders.contains(class));
    if let Some(other) = all.iter().find(|&class| none || !known(class)) {
        return Err(format!(
            "{shown}: expected classes such as {}, got {other}; put the file that belongs to the images there",
            folders.first().copied().unwrap_or("n01440764")
        ));
    }
    Ok((said.into_iter().map(|class| class.cloned()).collect(), "names of class folders"))
}

/// The class folder of each number, which is its place among them, from 0 on.
fn by_number<'a>(
    numbers: &BTreeSet<&'a str>,
    folders: &BTreeSet<&'a str>,
) -> Result<BTreeMap<&'a str, &'a str>, String> {
    let listed: Vec<&str> = folders.iter().copied().collect();
    let most = listed.len().saturating_sub(1);
    let remedy =
        "give the file names of class folders instead of numbers, or the training split with all classes";
    if listed.is_empty() {
        return Err(format!(
            "its classes are numbers, and there are no class folders of a training split; {remedy}"
        ));
    }
    let place = |&number: &&'a str| {
        let class = number.parse().ok().and_then(|place: usize| listed.get(place).copied());
        class.map(|class| (number, class)).ok_or_else(|| {
            format!(
                "expected numbers from 0 to {most}, the places of the {} class folders, got {number}; {remedy}",
                listed.len()
            )
        })
    };
    numbers.iter().map(place).collect()
}

/// The folders of classes in the training split.
fn class_folders<T>(files: &[TreeFile<T>]) -> BTreeSet<&str> {
    let mut folders = BTreeSet::new();
    let mut last = ("", false);
    for file in files.iter().filter(|file| file.parts.len() >= 3) {
        let top = file.parts[0].as_str();
        if last.0 != top {
            last = (top, role_of(top) == Some(Role::Train));
        }
        if last.1 {
            folders.insert(file.parts[1].as_str());
        }
    }
    folders
}

/// Puts each image into the folder of its class; gives those that have none.
fn apply<T>(files: &mut [TreeFile<T>], images: &[usize], classes: Vec<Option<String>>) -> BTreeSet<usize> {
    let mut without = BTreeSet::new();
    for (&image, class) in images.iter().zip(classes) {
        match class {
            Some(class) => files[image].parts.insert(1, class),
            None => _ = without.insert(image),
        }
    }
    without
}

fn remove<T: FlatImage>(
    files: &mut Vec<TreeFile<T>>,
    without: &BTreeSet<usize>,
    reason: &str,
) -> Vec<Reject> {
    let reject = |&image: &usize| Reject { path: files[image].content.shown(), reason: reason.to_owned() };
    let mut rejects: Vec<Reject> = without.iter().map(reject).collect();
    rejects.sort_by(|one, other| one.path.cmp(&other.path));
    if !without.is_empty() {
        let mut number = 0;
        files.retain(|_| {
            number += 1;
            !without.contains(&(number - 1))
        });
    }
    rejects
}
