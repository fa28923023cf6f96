//! Training and test images of the same classes.

use std::collections::BTreeMap;

use crate::image_set::ImageSet;

/// Two splits whose classes all have training images.
#[derive(Debug)]
pub struct Comparable {
    /// What is learnt from.
    pub train: ImageSet,
    /// What is measured on.
    pub test: ImageSet,
    /// Test images that were left out, by their class, of which there is no training image.
    pub only_in_test: BTreeMap<String, usize>,
    /// Classes without a test image.
    pub only_in_train: Vec<String>,
}

/// Leaves out the classes of which there is no training image, and their test images: no classifier can name them.
/// Sets without labels, or without a common list of classes, stay as they are.
#[must_use]
pub fn comparable(train: ImageSet, test: ImageSet) -> Comparable {
    let same = train.classes == test.classes && train.labels.is_some() && test.labels.is_some();
    let (in_train, in_test) = (train.class_counts(), test.class_counts());
    if !same {
        return Comparable { train, test, only_in_test: BTreeMap::new(), only_in_train: Vec::new() };
    }
    let name = |class: usize| train.classes[class].clone();
    let classes = 0..train.classes.len();
    let only_in_train: Vec<String> =
        classes.clone().filter(|&class| in_train[class] > 0 && in_test[class] == 0).map(name).collect();
    let only_in_test: BTreeMap<String, usize> = classes
        .filter(|&class| in_train[class] == 0 && in_test[class] > 0)
        .map(|class| (name(class), in_test[class]))
        .collect();
    if in_train.iter().all(|&images| images > 0) {
        return Comparable { train, test, only_in_test, only_in_train };
    }
    let kept: Vec<bool> = in_train.iter().map(|&images| images > 0).collect();
    Comparable {
        train: train.with_classes(&kept),
        test: test.with_classes(&kept),
        only_in_test,
        only_in_train,
    }
}

impl Comparable {
    /// What is to be said of classes of one split alone.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        in_words(&self.only_in_test, &self.only_in_train)
    }
}

/// What is to be said of classes that only the test split has, with their images, and only the train split.
pub(crate) fn in_words(only_in_test: &BTreeMap<String, usize>, only_in_train: &[String]) -> Vec<String> {
    const SHOWN: usize = 5;
    let listed = |names: Vec<&str>| {
        let more = names.len().saturating_sub(SHOWN);
        let shown = names.into_iter().take(SHOWN).collect::<Vec<_>>().join(", ");
        if more > 0 { format!("{shown} and {more} more") } else { shown }
    };
    let mut notes = Vec::new();
    if !only_in_test.is_empty() {
        notes.push(format!(
            "{} test images are of classes without a training image ({}): no classifier can name them, so they are \
             counted apart and not judged",
            only_in_test.values().sum::<usize>(),
            listed(only_in_test.keys().map(String::as_str).collect())
        ));
    }
    if !only_in_train.is_empty() {
        notes.push(format!(
            "classes without a test image: {}",
            listed(only_in_train.iter().map(String::as_str).collect())
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ImageShape;

    fn set(labels: &[u32]) -> ImageSet {
        let shape = ImageShape { channels: 1, height: 1, width: 1 };
        let classes = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        let pixels = (0..labels.len() as u8).collect();
        ImageSet::new("x", shape, pixels, Some(labels.to_vec()), classes).unwrap()
    }

    #[test]
    fn a_class_only_in_test_is_left_out_and_counted() {
        let two = comparable(set(&[0, 2, 2]), set(&[1, 2, 0, 1, 2]));
        assert_eq!(two.train.classes, ["a", "c"]);
        assert_eq!(two.test.classes, ["a", "c"]);
        assert_eq!(two.train.labels, Some(vec![0, 1, 1]));
        assert_eq!(two.test.labels, Some(vec![1, 0, 1]));
        assert_eq!(two.test.pixels(2), [4]);
        assert_eq!(two.only_in_test, BTreeMap::from([("b".to_owned(), 2)]), "d is in neither");
        assert!(two.only_in_train.is_empty());
    }

    #[test]
    fn a_class_only_in_train_stays_and_is_named() {
        let two = comparable(set(&[0, 1, 2, 3]), set(&[0, 1, 2]));
        assert_eq!((two.train.classes.len(), two.only_in_train), (4, vec!["d".to_owned()]));
    }
}
