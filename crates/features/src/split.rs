//! Holding out a part of the training images.

use zview_runtime::seed::{Purpose, Stream};

use crate::Features;

/// Two disjoint parts of a set, as image indices in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// What is fitted.
    pub training: Vec<usize>,
    /// What is held out.
    pub validation: Vec<usize>,
}

/// Holds out the share `validation_share` of every class, rounded, at least one image of each class
/// that has two; every class keeps at least one image in the training part.
///
/// The draw depends on `seed` and the class only.
#[must_use]
pub fn stratified_split(features: &Features, validation_share: f64, seed: u64) -> Split {
    split_by_class(features.images_by_class(), validation_share, seed)
}

/// As [`stratified_split`], of each class's images.
#[must_use]
pub fn split_by_class(images_by_class: Vec<Vec<usize>>, validation_share: f64, seed: u64) -> Split {
    let mut split = Split { training: Vec::new(), validation: Vec::new() };
    for (class, mut images) in images_by_class.into_iter().enumerate() {
        Stream::new(seed, Purpose::Split, 0, class as u64).shuffle(&mut images);
        let held_out = if images.len() < 2 {
            0
        } else {
            ((validation_share * images.len() as f64).round() as usize).clamp(1, images.len() - 1)
        };
        split.validation.extend_from_slice(&images[..held_out]);
        split.training.extend_from_slice(&images[held_out..]);
    }
    split.training.sort_unstable();
    split.validation.sort_unstable();
    split
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up::numbered;

    #[test]
    fn every_class_gives_its_share_and_keeps_one() {
        // 20 of class 0, 2 of class 1, 1 of class 2.
        let labels: Vec<u32> = [vec![0; 20], vec![1; 2], vec![2; 1]].concat();
        let features = Features::new(vec![0.0; 23], 1, labels.clone(), numbered(3)).unwrap();
        let split = stratified_split(&features, 0.1, 4);
        let count = |part: &[usize], class| part.iter().filter(|&&image| labels[image] == class).count();
        assert_eq!([0, 1, 2].map(|class| count(&split.validation, class)), [2, 1, 0]);
        assert_eq!([0, 1, 2].map(|class| count(&split.training, class)), [18, 1, 1]);
        let mut all = [split.training.clone(), split.validation.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..23).collect::<Vec<_>>());
        assert_eq!(split, stratified_split(&features, 0.1, 4));
        assert_ne!(split, stratified_split(&features, 0.1, 5));
    }
}
