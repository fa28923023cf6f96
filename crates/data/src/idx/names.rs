//! The file names of IDX data sets, as MNIST, EMNIST, QMNIST, KMNIST and their copies have them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::options::Split;
use crate::split_names::{Role, role_of};

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Images,
    Labels,
}

/// A name such as `emnist-letters-train-images-idx3-ubyte.gz`, in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IdxName {
    /// "emnist-letters"; empty for MNIST's own names.
    pub(super) variant: String,
    pub(super) split: Split,
    pub(super) what: What,
}

impl IdxName {
    /// Splits a name; `None` for one of another form.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let mut name = name.to_lowercase();
        while let Some(inner) = name.strip_suffix(".gz") {
            name = inner.to_owned();
        }
        let (what, word) = [(What::Images, "image"), (What::Labels, "label")]
            .into_iter()
            .find(|(_, word)| name.contains(word))?;
        let at = name.rfind(word)?;
        let after = name[at + word.len()..].trim_start_matches('s').trim_start_matches(['-', '_', '.']);
        let dimensions = after.strip_prefix("idx")?;
        if !dimensions.starts_with(|sign: char| sign.is_ascii_digit()) {
            return None;
        }
        let before = name[..at].trim_end_matches(['-', '_', '.']);
        let word = before.rfind(['-', '_', '.']).map_or(0, |separator| separator + 1);
        let split = match role_of(&before[word..])? {
            Role::Train => Split::Train,
            Role::Test | Role::Validation => Split::Test,
        };
        Some(Self { variant: before[..word].trim_end_matches(['-', '_', '.']).to_owned(), split, what })
    }
}

/// The IDX files of a folder, by variant, split and what they hold; of several the plain and shorter one.
#[derive(Debug, Default)]
pub(super) struct IdxFiles(BTreeMap<(String, Split, What), PathBuf>);

impl IdxFiles {
    /// Those in `folder`; a file may be in a folder of its own name, as Kaggle unpacks it.
    pub(super) fn in_folder(folder: &Path) -> Self {
        let Ok(entries) = fs::read_dir(folder) else { return Self::default() };
        let mut files: BTreeMap<(String, Split, What), PathBuf> = BTreeMap::new();
        for entry in entries.flatten() {
            let file_name = entry.file_name();
            let Some(name) = IdxName::parse(&file_name.to_string_lossy()) else { continue };
            let path = match entry.path() {
                path if path.is_file() => path,
                folder if folder.join(&file_name).is_file() => folder.join(&file_name),
                _ => continue,
            };
            let rank = |path: &Path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
                (name.ends_with(".gz"), !name.contains("t10k"), name)
            };
            let key = (name.variant, name.split, name.what);
            if files.get(&key).is_none_or(|other| rank(&path) < rank(other)) {
                files.insert(key, path);
            }
        }
        Self(files)
    }

    /// The variants that have images.
    pub(super) fn variants(&self) -> Vec<&str> {
        let mut variants: Vec<&str> = self
            .0
            .keys()
            .filter(|(_, _, what)| *what == What::Images)
            .map(|(name, ..)| name.as_str())
            .collect();
        variants.dedup();
        variants
    }

    pub(super) fn get(&self, variant: &str, split: Split, what: What) -> Option<&Path> {
        self.0.get(&(variant.to_owned(), split, what)).map(PathBuf::as_path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_copies_are_known() {
        for (name, variant, split, what) in [
            ("train-images-idx3-ubyte", "", Split::Train, What::Images),
            ("t10k-labels-idx1-ubyte.gz", "", Split::Test, What::Labels),
            ("train-images.idx3-ubyte", "", Split::Train, What::Images),
            ("train-images-idx4-ubyte", "", Split::Train, What::Images),
            ("emnist-letters-train-images-idx3-ubyte.gz", "emnist-letters", Split::Train, What::Images),
            ("emnist-byclass-test-labels-idx1-ubyte", "emnist-byclass", Split::Test, What::Labels),
            ("qmnist-test-labels-idx2-int.gz", "qmnist", Split::Test, What::Labels),
            ("Train_Images.IDX3-UBYTE.GZ.gz", "", Split::Train, What::Images),
        ] {
            let parsed = IdxName::parse(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(
                (parsed.variant.as_str(), parsed.split, parsed.what),
                (variant, split, what),
                "{name}"
            );
        }
        for other in
            ["train-images", "images-idx3-ubyte", "train-idx3-ubyte", "train-images-idx-ubyte", "cat.png"]
        {
            assert_eq!(IdxName::parse(other), None, "{other}");
        }
    }
}
