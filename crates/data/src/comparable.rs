//! Training and test images of the same classes.

use std::collections::BTreeMap;

use crate::error::DataError;
use crate::image_set::ImageSet;
use crate::load::load;
use crate::options::{LoadOptions, Split};

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

/// Loads both splits of a data set, [`comparable`].
///
/// # Errors
/// As [`load`], and [`DataError::UnequalSizes`] where training and test images differ in size: one encoder would see
/// two different scales.
pub fn load_comparable(name_or_path: &str, options: &LoadOptions) -> Result<Comparable, DataError> {
    let train = load(name_or_path, Split::Train, options)?;
    let test = load(name_or_path, Split::Test, options)?;
    let size = |set: &ImageSet| (set.shape.width, set.shape.height);
    if size(&train) != size(&test) {
        let shown = |set: &ImageSet| format!("{} x {}", set.shape.width, set.shape.height);
        return Err(DataError::UnequalSizes {
            first: format!("the train split of {name_or_path}"),
            first_size: shown(&train),
            other: "its test split".to_owned(),
            other_size: shown(&test),
        });
    }
    Ok(comparable(train, test))
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
        assert_eq!(*two.test.pixels(2).unwrap(), [4]);
        assert_eq!(two.only_in_test, BTreeMap::from([("b".to_owned(), 2)]), "d is in neither");
        assert!(two.only_in_train.is_empty());
    }

    #[test]
    fn training_and_test_images_of_different_sizes_are_refused_unless_a_size_is_given() {
        use crate::test_files::{idx, png_of, put, tar_of};
        let root = tempfile::tempdir().unwrap();
        let [small, large] = [4, 6].map(|side| png_of(side, side, 1, side));
        put(root.path(), "folders/train/a/1.png", &small);
        put(root.path(), "folders/test/a/1.png", &large);
        put(root.path(), "tars/train.tar", &tar_of(&[("a/1.png", &small)]));
        put(root.path(), "tars/test.tar", &tar_of(&[("a/1.png", &large)]));
        for (split, side) in [("train", 2), ("t10k", 3)] {
            let images = idx(&[1, side, side], &vec![7; (side * side) as usize]);
            put(root.path(), &format!("idx/{split}-images-idx3-ubyte"), &images);
            put(root.path(), &format!("idx/{split}-labels-idx1-ubyte"), &idx(&[1], &[0]));
        }
        for (set, sizes) in
            [("folders", ["4 x 4", "6 x 6"]), ("tars", ["4 x 4", "6 x 6"]), ("idx", ["2 x 2", "3 x 3"])]
        {
            let path = root.path().join(set);
            let path = path.to_str().unwrap();
            let error = load_comparable(path, &LoadOptions::default()).unwrap_err().to_string();
            for told in ["train split", "its test split", "set `size`"].iter().chain(&sizes) {
                assert!(error.contains(told), "{told}: {error}");
            }
            let sized = LoadOptions { size: Some(4), ..LoadOptions::default() };
            assert_eq!(load_comparable(path, &sized).unwrap().test.shape.height, 4);
            let notes = crate::inspect(path, &LoadOptions::default()).unwrap().notes;
            assert!(notes.iter().any(|note| note.contains(sizes[0]) && note.contains(sizes[1])), "{notes:?}");
            assert!(crate::inspect(path, &sized).unwrap().notes.is_empty());
        }
    }

    #[test]
    fn a_class_only_in_train_stays_and_is_named() {
        let two = comparable(set(&[0, 1, 2, 3]), set(&[0, 1, 2]));
        assert_eq!((two.train.classes.len(), two.only_in_train), (4, vec!["d".to_owned()]));
    }
}
