//! Features of labelled images, on the host.

use crate::FeatureError;

/// One row of features per labelled image, checked once: every value is finite, every label names
/// a class.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    values: Vec<f32>,
    dimension: usize,
    labels: Vec<u32>,
    class_names: Vec<String>,
}

impl Features {
    /// Features from `values` (N, D) row by row, `labels` (N) and the names of the classes.
    ///
    /// # Errors
    /// Sizes that do not fit, a label beyond the classes, a value that is not finite (naming image
    /// and dimension).
    pub fn new(
        values: Vec<f32>,
        dimension: usize,
        labels: Vec<u32>,
        class_names: Vec<String>,
    ) -> Result<Self, FeatureError> {
        let expected = labels.len().saturating_mul(dimension);
        if dimension == 0 || values.len() != expected {
            return Err(FeatureError::Size {
                what: "feature values (images times dimensions, both at least 1)",
                expected: expected.max(1),
                got: values.len(),
            });
        }
        if let Some((image, &label)) =
            labels.iter().enumerate().find(|&(_, &label)| label as usize >= class_names.len())
        {
            return Err(FeatureError::Label { image, label, classes: class_names.len() });
        }
        if let Some(position) = values.iter().position(|value| !value.is_finite()) {
            return Err(FeatureError::NotFinite {
                image: position / dimension,
                dimension: position % dimension,
                value: values[position],
            });
        }
        Ok(Self { values, dimension, labels, class_names })
    }

    /// All values, (N, D) row by row.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The D features of one image.
    #[must_use]
    pub fn row(&self, image: usize) -> &[f32] {
        &self.values[image * self.dimension..(image + 1) * self.dimension]
    }

    /// D, the number of features of an image.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The class of each image, (N).
    #[must_use]
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The names of the classes, (C).
    #[must_use]
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// C, the number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// N, the number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The given images, in the given order.
    #[must_use]
    pub fn select(&self, images: &[usize]) -> Self {
        let mut values = Vec::with_capacity(images.len() * self.dimension);
        for &image in images {
            values.extend_from_slice(self.row(image));
        }
        self.with_same_classes(values, images.iter().map(|&image| self.labels[image]).collect())
    }

    /// Each class's images in ascending order: (C) lists.
    #[must_use]
    pub fn images_by_class(&self) -> Vec<Vec<usize>> {
        let mut by_class = vec![Vec::new(); self.classes()];
        for (image, &label) in self.labels.iter().enumerate() {
            by_class[label as usize].push(image);
        }
        by_class
    }

    /// That both are not empty, have the same dimension and the same classes.
    pub fn check_train_and_test(train: &Self, test: &Self) -> Result<(), FeatureError> {
        for (set, features) in [("the train set", train), ("the test set", test)] {
            if features.is_empty() {
                return Err(FeatureError::Empty { set: set.to_owned() });
            }
        }
        if train.dimension != test.dimension {
            return Err(FeatureError::Size {
                what: "dimension of the test features",
                expected: train.dimension,
                got: test.dimension,
            });
        }
        let nameless = || "absent".to_owned();
        let classes = train.classes().max(test.classes());
        for index in 0..classes {
            let (train, test) = (train.class_names.get(index), test.class_names.get(index));
            if train != test {
                return Err(FeatureError::Classes {
                    index,
                    train: train.cloned().unwrap_or_else(nameless),
                    test: test.cloned().unwrap_or_else(nameless),
                });
            }
        }
        Ok(())
    }

    /// That both are not empty, have the same dimension and the same classes, and that there are two classes at least.
    ///
    /// # Errors
    /// What does not hold.
    pub fn check_classified(train: &Self, test: &Self) -> Result<(), FeatureError> {
        Self::check_train_and_test(train, test)?;
        match train.class_names.as_slice() {
            [class] => Err(FeatureError::OneClass { class: class.clone() }),
            _ => Ok(()),
        }
    }

    /// The same images with other features of them, (N, D) row-major.
    #[must_use]
    pub fn with_values(&self, values: Vec<f32>) -> Self {
        debug_assert_eq!(values.len(), self.values.len());
        self.with_same_classes(values, self.labels.clone())
    }

    fn with_same_classes(&self, values: Vec<f32>, labels: Vec<u32>) -> Self {
        Self { values, dimension: self.dimension, labels, class_names: self.class_names.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up::numbered;

    #[test]
    fn what_does_not_fit_is_refused_and_named() {
        let size = Features::new(vec![0.0; 5], 2, vec![0, 0], numbered(1)).unwrap_err();
        assert!(matches!(size, FeatureError::Size { expected: 4, got: 5, .. }));
        let label = Features::new(vec![0.0; 4], 2, vec![0, 3], numbered(3)).unwrap_err();
        assert!(matches!(label, FeatureError::Label { image: 1, label: 3, classes: 3 }));
        let damaged = Features::new(vec![0.0, 0.0, 0.0, f32::NAN], 2, vec![0, 0], numbered(1)).unwrap_err();
        assert!(matches!(damaged, FeatureError::NotFinite { image: 1, dimension: 1, .. }));
        assert!(Features::new(Vec::new(), 0, vec![0], numbered(1)).is_err());
    }

    #[test]
    fn select_takes_rows_with_their_labels() {
        let all = Features::new(vec![0., 1., 2., 3., 4., 5.], 2, vec![0, 1, 0], numbered(2)).unwrap();
        let some = all.select(&[2, 1]);
        assert_eq!(some.values(), [4., 5., 2., 3.]);
        assert_eq!(some.labels(), [0, 1]);
        assert_eq!(all.images_by_class(), [vec![0, 2], vec![1]]);
    }

    #[test]
    fn train_and_test_must_share_their_classes() {
        let train = Features::new(vec![0.0], 1, vec![0], vec!["cat".into(), "dog".into()]).unwrap();
        let test = Features::new(vec![0.0], 1, vec![0], vec!["cat".into(), "fox".into()]).unwrap();
        let error = Features::check_train_and_test(&train, &test).unwrap_err().to_string();
        assert!(error.contains("dog") && error.contains("fox"), "{error}");
    }
}
