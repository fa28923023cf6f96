//! Which images of a tree of paths belong to a split, and which class each is of.
//!
//! The same rules hold for folders and for archives of folders:
//! `<split>/<class>/x.jpg`, `<class>/x.jpg`, or files without classes (no labels). Folders below a class
//! folder belong to the class.

use std::collections::{BTreeMap, BTreeSet};

use crate::hashed_split::test_images;
use crate::options::{ClassUse, Split};
use crate::split_names::{Role, is_numbered_part, is_weak, role_of, role_of_first_word};

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
    pub(crate) fn take(&mut self, split: Split) -> Option<Part<T>> {
        match split {
            Split::Train => self.train.take(),
            Split::Test => self.test.take(),
        }
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

/// The folders of the splits.
struct SplitFolders {
    train: Option<String>,
    test: Option<String>,
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

/// A folder called "train" may also be a class (of locomotives): a split holds folders, or has a split to measure on
/// or only other splits beside it; and a short name is a split only beside another one.
fn has_splits<T>(files: &[TreeFile<T>], tops: &BTreeSet<&str>) -> bool {
    let roles: BTreeSet<Role> = tops.iter().filter_map(|name| role_of(name)).collect();
    let is_split = |name: &str| role_of(name).is_some() && (roles.len() > 1 || !is_weak(name));
    let both = roles.contains(&Role::Train) && roles.len() > 1;
    tops.iter().any(|name| is_split(name))
        && (both
            || files.iter().any(|file| file.parts.len() >= 3 && is_split(&file.parts[0]))
            || tops.iter().all(|name| is_split(name)))
}

/// Which folder is which split.
fn split_folders<T>(
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
fn looks_like_splits<T>(files: &[TreeFile<T>], tops: &BTreeSet<&str>) -> Option<String> {
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
mod tests {
    use super::*;

    type Files = Vec<(&'static str, Option<u32>)>;

    fn tree(paths: &[&'static str]) -> Vec<TreeFile<&'static str>> {
        paths
            .iter()
            .map(|&path| TreeFile { parts: path.split('/').map(str::to_owned).collect(), content: path })
            .collect()
    }

    fn arranged(paths: &[&'static str]) -> Arranged<&'static str> {
        arrange(tree(paths), ClassUse::Needed).unwrap()
    }

    fn files(paths: &[&'static str], split: Split) -> Files {
        arranged(paths).take(split).unwrap().files
    }

    #[test]
    fn splits_share_their_classes() {
        let paths = ["train/dog/1", "test/cat/1", "train/ant/deep/er/2", "train/ant/1", "extra/x/y"];
        let mut all = arranged(&paths);
        assert_eq!(all.classes, ["ant", "cat", "dog"]);
        assert_eq!(
            all.take(Split::Train).unwrap().files,
            [("train/ant/1", Some(0)), ("train/ant/deep/er/2", Some(0)), ("train/dog/1", Some(2))]
        );
        assert_eq!(all.take(Split::Test).unwrap().files, [("test/cat/1", Some(1))]);
        assert_eq!(all.beside, BTreeMap::from([("extra".to_owned(), 1)]), "counted, not dropped in silence");
        let only_train = arranged(&["train/a/1", "train/b/1"]);
        assert_eq!((only_train.test, only_train.instead.as_str()), (None, "folders train"));
    }

    #[test]
    fn split_training_testing_and_train_test_in_any_case_are_splits() {
        for [train, test] in [
            ["training/a/1", "testing/a/2"],
            ["Train/a/1", "Test/a/2"],
            ["TRAIN/a/1", "Valid/a/2"],
            ["tr/a/1", "te/a/2"],
        ] {
            assert_eq!(files(&[train, test], Split::Train), [(train, Some(0))]);
            assert_eq!(files(&[train, test], Split::Test), [(test, Some(0))]);
        }
        // A short name alone is a class.
        assert_eq!(arranged(&["dev/x/1", "ops/y/1"]).classes, ["dev", "ops"]);
    }

    #[test]
    fn test_is_preferred_over_val_and_val_serves_without_it() {
        let both = ["train/a/1", "val/a/2", "test/a/3"];
        assert_eq!(files(&both, Split::Test), [("test/a/3", Some(0))]);
        assert_eq!(arranged(&both).beside, BTreeMap::from([("val".to_owned(), 1)]));
        assert_eq!(files(&["train/a/1", "val/a/2"], Split::Test), [("val/a/2", Some(0))]);
        assert_eq!(files(&["train/a/1", "validation/a/2"], Split::Test), [("validation/a/2", Some(0))]);
    }

    #[test]
    fn a_test_folder_without_classes_gives_way_to_a_validation_folder_with_them() {
        let kaggle = ["train/a/1", "val/a/2", "test/3"];
        assert_eq!(files(&kaggle, Split::Test), [("val/a/2", Some(0))]);
        assert!(arranged(&kaggle).notes[0].contains("test/ has no class folders: val/ is the test split"));
    }

    #[test]
    fn a_folder_that_repeats_its_splits_name_is_no_class() {
        let kaggle = ["training_set/training_set/cat/1", "test_set/test_set/cat/2"];
        assert_eq!(files(&kaggle, Split::Test), [("test_set/test_set/cat/2", Some(0))]);
        assert_eq!(arranged(&kaggle).classes, ["cat"]);
        assert_eq!(files(&["train/train/1", "test/test/2"], Split::Train), [("train/train/1", None)]);
    }

    #[test]
    fn two_folders_for_one_split_are_asked_about() {
        let error =
            arrange(tree(&["train2014/a/1", "train2017/a/1", "val2017/a/1"]), ClassUse::Needed).unwrap_err();
        assert!(error.contains("train2014, train2017") && error.contains("the training split"), "{error}");
    }

    #[test]
    fn folders_that_look_like_splits_are_asked_about() {
        for paths in [
            ["set1/cat/1", "set1/dog/1", "set2/cat/1", "set2/dog/1"],
            ["fold1/cat/1", "fold2/dog/1", "fold1/eel/1", "fold2/fox/1"],
            ["public/cat/1", "public/dog/1", "private/cat/1", "private/dog/1"],
        ] {
            let error = arrange(tree(&paths), ClassUse::Needed).unwrap_err();
            assert!(error.contains("look like parts of a data set") && error.contains("`train`"), "{error}");
            let all = arrange(tree(&paths), ClassUse::Optional).unwrap();
            assert_eq!(all.train.unwrap().files.len(), 4);
            assert!(all.notes[0].contains("without classes"), "{:?}", all.notes);
        }
        // Classes with folders of their own in them are classes.
        assert_eq!(arranged(&["dog/poodle/1", "dog/pug/1", "cat/manx/1"]).classes, ["cat", "dog"]);
    }

    #[test]
    fn flat_splits_beside_another_folder_are_no_classes() {
        for [train, test, beside] in [
            ["train_images/1", "test_images/2", "unlabeled_images/3"],
            ["train/1", "test/2", "unlabeled/3"],
            ["training_images/1", "testing_images/2", "masks/3"],
            ["tr/1", "val/2", "masks/3"],
        ] {
            let mut all = arranged(&[train, test, beside]);
            assert!(all.classes.is_empty(), "{:?}", all.classes);
            assert_eq!(all.take(Split::Train).unwrap().files, [(train, None)]);
            assert_eq!(all.take(Split::Test).unwrap().files, [(test, None)]);
            let (folder, _) = beside.split_once('/').unwrap();
            assert_eq!(all.beside, BTreeMap::from([(folder.to_owned(), 1)]));
        }
        for paths in [
            ["trainA/1", "trainB/2", "testA/3", "testB/4"],
            ["train_cat/1", "train_dog/2", "test_cat/3", "test_dog/4"],
        ] {
            let error = arrange(tree(&paths), ClassUse::Needed).unwrap_err();
            assert!(error.contains("called like parts of splits") && error.contains("`train`"), "{error}");
            assert_eq!(arrange(tree(&paths), ClassUse::Optional).unwrap().train.unwrap().files.len(), 4);
        }
    }

    #[test]
    fn splits_within_images_and_labels_are_asked_about() {
        let paths = ["images/train/a/1", "images/test/a/2", "labels/train/a/1", "labels/test/a/2"];
        let error = arrange(tree(&paths), ClassUse::Needed).unwrap_err();
        assert!(error.contains("are splits (test, train)") && error.contains(", images,"), "{error}");
        let by_class = ["cat/train/1", "cat/val/1", "dog/train/1", "dog/val/1"];
        let error = arrange(tree(&by_class), ClassUse::Needed).unwrap_err();
        assert!(error.contains("the folders in cat, dog are splits (train, val)"), "{error}");
    }

    #[test]
    fn classes_without_splits_are_divided_even_one_called_train() {
        let paths = ["train/1", "car/1", "stray", "car/2", "car/3"];
        let mut all = arranged(&paths);
        assert_eq!(all.classes, ["car", "train"]);
        assert!(all.notes[0].contains("1 of 4 images"), "{:?}", all.notes);
        let train = all.take(Split::Train).unwrap();
        assert_eq!(train.without_class, ["stray"]);
        let test = all.take(Split::Test).unwrap();
        let mut both = [train.files, test.files].concat();
        both.sort_unstable();
        assert_eq!(both, [("car/1", Some(0)), ("car/2", Some(0)), ("car/3", Some(0)), ("train/1", Some(1))]);
        let one_class = arranged(&["car/1", "car/2"]);
        assert!(one_class.test.is_none() && one_class.instead.contains("not divided"));
    }

    #[test]
    fn flat_files_have_no_labels() {
        assert_eq!(files(&["b", "a"], Split::Train), [("a", None), ("b", None)]);
        let mut flat_split = arranged(&["train/b", "test/a"]);
        assert_eq!(flat_split.take(Split::Train).unwrap().files, [("train/b", None)]);
        assert!(flat_split.classes.is_empty());
    }

    #[test]
    fn pretraining_takes_any_depth_and_files_at_the_top() {
        let library = ["2023/01/a", "2023/02/b", "2024/01/a", "2024/02/c", "d"];
        for paths in [&library[..], &library[..4], &["x/1", "y/1", "stray"]] {
            let all = arrange(tree(paths), ClassUse::Optional).unwrap();
            let train = all.train.unwrap();
            assert_eq!((train.files.len(), train.without_class.len()), (paths.len(), 0));
            assert!(train.files.iter().all(|(_, label)| label.is_none()) && all.classes.is_empty());
            assert!(all.notes[0].contains("without classes"));
        }
        let train =
            arrange(tree(&["train/a/1", "train/2", "test/a/1"]), ClassUse::Optional).unwrap().train.unwrap();
        assert_eq!(train.files, [("train/2", None), ("train/a/1", None)]);
    }

    #[test]
    fn classes_that_differ_only_in_case_are_named() {
        let notes = arranged(&["train/Cat/1", "train/cat /2", "test/dog/1"]).notes;
        assert!(notes[0].contains("`Cat` and `cat ` differ only in case or spaces"), "{notes:?}");
    }

    #[test]
    fn only_a_folder_around_everything_is_a_wrapper() {
        let stripped = |paths: &[&'static str]| {
            let mut files = tree(paths);
            strip_wrapper(&mut files);
            files[0].parts.join("/")
        };
        assert_eq!(stripped(&["set/train/a/1", "set/test/a/1"]), "train/a/1");
        assert_eq!(stripped(&["outer/set/train/a/1", "outer/set/test/a/1"]), "train/a/1");
        assert_eq!(stripped(&["set/a/1", "set/b/1"]), "a/1");
        assert_eq!(stripped(&["train/a/1", "train/b/1"]), "train/a/1");
        assert_eq!(stripped(&["a/1", "a/2"]), "a/1");
        assert_eq!(stripped(&["set/a/1", "other/b/1"]), "set/a/1");
    }
}
