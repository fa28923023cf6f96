//! Which images of a tree of paths belong to a split, and which class each is of.
//!
//! The same rules hold for folders and for archives of folders:
//! `<split>/<class>/x.jpg`, `<class>/x.jpg`, or files without classes (no labels). Folders below a class
//! folder belong to the class.

use std::collections::BTreeSet;

use crate::options::Split;

/// A file in a tree: the names on the way to it, the last one its own, and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TreeFile<T> {
    pub(crate) parts: Vec<String>,
    pub(crate) content: T,
}

/// The files of one split, in the order of their names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arranged<T> {
    /// With the class index, or all without.
    pub(crate) files: Vec<(T, Option<u32>)>,
    /// Files beside the class folders, which therefore have no class.
    pub(crate) without_class: Vec<T>,
    /// Sorted names over all splits, so that an index means the same in each.
    pub(crate) classes: Vec<String>,
}

const SPLIT_FOLDERS: [&str; 3] = ["train", "test", "val"];

/// The folders that serve as a split, the preferred one first.
fn folders_of(split: Split) -> &'static [&'static str] {
    match split {
        Split::Train => &["train"],
        Split::Test => &["test", "val"],
    }
}

fn is_split_folder(name: &str) -> bool {
    SPLIT_FOLDERS.contains(&name)
}

/// True if every file is in a folder named after a split.
pub(crate) fn all_in_split_folders<T>(files: &[TreeFile<T>]) -> bool {
    files.iter().all(|file| file.parts.len() >= 2 && is_split_folder(&file.parts[0]))
}

/// Takes off a single outer folder around splits or classes, as archives often have.
pub(crate) fn strip_wrapper<T>(files: &mut [TreeFile<T>]) {
    let Some(outer) = files.first().and_then(|file| file.parts.first()).cloned() else { return };
    let wraps =
        !is_split_folder(&outer) && files.iter().all(|file| file.parts.len() >= 3 && file.parts[0] == outer);
    if wraps {
        for file in files {
            file.parts.remove(0);
        }
    }
}

/// Picks and labels the files of a split.
///
/// # Errors
/// What is there instead, when there is no such split. A tree without split folders is the train split.
pub(crate) fn arrange<T>(files: Vec<TreeFile<T>>, split: Split) -> Result<Arranged<T>, String> {
    let top_folders: BTreeSet<String> =
        files.iter().filter(|file| file.parts.len() >= 2).map(|file| file.parts[0].clone()).collect();
    // A folder called "train" may also be a class (of locomotives): a split holds folders, or has only
    // other splits beside it.
    let has_splits = top_folders.iter().any(|name| is_split_folder(name))
        && (files.iter().any(|file| file.parts.len() >= 3 && is_split_folder(&file.parts[0]))
            || top_folders.iter().all(|name| is_split_folder(name)));

    let depth = usize::from(has_splits); // parts before the class folder
    let classes: Vec<String> = files
        .iter()
        .filter(|file| file.parts.len() >= depth + 2 && (!has_splits || is_split_folder(&file.parts[0])))
        .map(|file| file.parts[depth].clone())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();

    let mut chosen = files;
    if has_splits {
        let folder = folders_of(split).iter().find(|&&name| top_folders.contains(name)).ok_or_else(|| {
            format!("folders {}", top_folders.iter().cloned().collect::<Vec<_>>().join(", "))
        })?;
        chosen.retain(|file| file.parts.len() >= 2 && file.parts[0] == *folder);
    } else if split != Split::Train {
        return Err("images that are not divided into train and test folders".to_owned());
    }
    chosen.sort_by(|one, other| one.parts.cmp(&other.parts));

    let labelled = chosen.iter().any(|file| file.parts.len() >= depth + 2);
    let mut arranged = Arranged { files: Vec::new(), without_class: Vec::new(), classes };
    for file in chosen {
        if !labelled {
            arranged.files.push((file.content, None));
        } else if file.parts.len() < depth + 2 {
            arranged.without_class.push(file.content);
        } else if let Ok(label) = arranged.classes.binary_search(&file.parts[depth]) {
            arranged.files.push((file.content, Some(label as u32)));
        }
    }
    Ok(arranged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(paths: &[&'static str]) -> Vec<TreeFile<&'static str>> {
        paths
            .iter()
            .map(|&path| TreeFile { parts: path.split('/').map(str::to_owned).collect(), content: path })
            .collect()
    }

    #[test]
    fn splits_share_their_classes() {
        let files = ["train/dog/1", "test/cat/1", "train/ant/deep/er/2", "train/ant/1", "extra/x/y"];
        let train = arrange(tree(&files), Split::Train).unwrap();
        assert_eq!(train.classes, ["ant", "cat", "dog"]);
        assert_eq!(
            train.files,
            [("train/ant/1", Some(0)), ("train/ant/deep/er/2", Some(0)), ("train/dog/1", Some(2))]
        );
        let test = arrange(tree(&files), Split::Test).unwrap();
        assert_eq!(test.files, [("test/cat/1", Some(1))]);
        let error = arrange(tree(&["train/a/1", "train/b/1"]), Split::Test).unwrap_err();
        assert_eq!(error, "folders train");
    }

    #[test]
    fn test_is_preferred_over_val_and_val_serves_without_it() {
        let both = arrange(tree(&["train/a/1", "val/a/2", "test/a/3"]), Split::Test).unwrap();
        assert_eq!(both.files, [("test/a/3", Some(0))]);
        let only_val = arrange(tree(&["train/a/1", "val/a/2"]), Split::Test).unwrap();
        assert_eq!(only_val.files, [("val/a/2", Some(0))]);
    }

    #[test]
    fn classes_without_splits_are_the_train_split_even_one_called_train() {
        let files = tree(&["train/1", "car/1", "stray"]);
        let all = arrange(files.clone(), Split::Train).unwrap();
        assert_eq!(all.classes, ["car", "train"]);
        assert_eq!(all.files, [("car/1", Some(0)), ("train/1", Some(1))]);
        assert_eq!(all.without_class, ["stray"]);
        assert!(arrange(files, Split::Test).unwrap_err().contains("not divided"));
    }

    #[test]
    fn flat_files_have_no_labels() {
        let flat = arrange(tree(&["b", "a"]), Split::Train).unwrap();
        assert_eq!(flat.files, [("a", None), ("b", None)]);
        let flat_split = arrange(tree(&["train/b", "test/a"]), Split::Train).unwrap();
        assert_eq!(flat_split.files, [("train/b", None)]);
        assert!(flat_split.classes.is_empty());
    }

    #[test]
    fn only_a_folder_around_everything_is_a_wrapper() {
        let stripped = |paths: &[&'static str]| {
            let mut files = tree(paths);
            strip_wrapper(&mut files);
            files[0].parts.join("/")
        };
        assert_eq!(stripped(&["set/train/a/1", "set/test/a/1"]), "train/a/1");
        assert_eq!(stripped(&["set/a/1", "set/b/1"]), "a/1");
        assert_eq!(stripped(&["train/a/1", "train/b/1"]), "train/a/1");
        assert_eq!(stripped(&["a/1", "a/2"]), "a/1");
        assert_eq!(stripped(&["set/a/1", "other/b/1"]), "set/a/1");
    }
}
