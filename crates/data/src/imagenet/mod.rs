//! ImageNet as it comes: what lies beside its images and says their classes and the classes' names.

mod flat_split;
mod places;
mod synsets;
#[cfg(test)]
mod tests;
mod truth;

pub(crate) use flat_split::{FlatImage, Labelled, label_flat_split};
pub(crate) use places::Places;
pub(crate) use synsets::name_classes;

use crate::split_names::Role;

/// The archives as they are offered, in lower case, and what each is for.
const ARCHIVES: [(&str, &str, Role); 3] = [
    ("ilsvrc2012_img_train", "train", Role::Train),
    ("ilsvrc2012_img_val", "val", Role::Validation),
    ("ilsvrc2012_img_test_v10102019", "test", Role::Test),
];

/// What the archive of that name, without its ending, is the split of: the usual name of a folder of it.
pub(crate) fn split_of_archive(stem: &str) -> Option<&'static str> {
    let stem = stem.to_lowercase();
    ARCHIVES.iter().find(|(name, ..)| *name == stem).map(|(_, split, _)| *split)
}

/// Whether it is called as the classes are: `n01440764`.
fn is_synset(name: &str) -> bool {
    let digits = name.strip_prefix('n').unwrap_or_default();
    digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit())
}
