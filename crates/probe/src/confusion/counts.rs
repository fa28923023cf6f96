//! The confusion matrix.

use std::collections::BTreeMap;

use crate::ProbeError;
use crate::linear::Predictions;
use zview_features::FeatureError;

/// How many images of each class were taken for which class, (C, C); rows are true classes, columns
/// predicted ones. Only cells that are not zero are stored, so that 10,000 classes cost no more than
/// there are images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfusionMatrix {
    classes: usize,
    cells: BTreeMap<(u32, u32), u32>,
    /// Images of each true class, (C).
    images: Vec<u32>,
}

impl ConfusionMatrix {
    /// Counts `predictions` of images whose true classes are `labels`, both (N), over `classes` classes.
    ///
    /// # Errors
    /// Lengths that differ, a label or a predicted class beyond the classes.
    pub fn new(predictions: &Predictions, labels: &[u32], classes: usize) -> Result<Self, ProbeError> {
        if predictions.classes.len() != labels.len() {
            return Err(ProbeError::Features(FeatureError::Size {
                what: "predicted classes, one per label",
                expected: labels.len(),
                got: predictions.classes.len(),
            }));
        }
        let mut matrix = Self { classes, cells: BTreeMap::new(), images: vec![0; classes] };
        for (image, (&label, &predicted)) in labels.iter().zip(&predictions.classes).enumerate() {
            if label as usize >= classes {
                return Err(ProbeError::Features(FeatureError::Label { image, label, classes }));
            }
            if predicted as usize >= classes {
                return Err(ProbeError::Features(FeatureError::Size {
                    what: "classes of the classifier",
                    expected: classes,
                    got: predicted as usize + 1,
                }));
            }
            *matrix.cells.entry((label, predicted)).or_default() += 1;
            matrix.images[label as usize] += 1;
        }
        Ok(matrix)
    }

    /// C, the number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Images of class `truth` that were taken for class `predicted`.
    #[must_use]
    pub fn count(&self, truth: u32, predicted: u32) -> u32 {
        self.cells.get(&(truth, predicted)).copied().unwrap_or(0)
    }

    /// The images of a class, 0 beyond the classes.
    #[must_use]
    pub fn images(&self, class: u32) -> u32 {
        self.images.get(class as usize).copied().unwrap_or(0)
    }

    /// The share of a class's images that are right; `None` where it has none.
    #[must_use]
    pub fn accuracy(&self, class: u32) -> Option<f64> {
        let images = self.images(class);
        (images > 0).then(|| f64::from(self.count(class, class)) / f64::from(images))
    }

    /// Mistakes as (true class, predicted class, images), most images first, then by class numbers.
    #[must_use]
    pub fn mistakes(&self) -> Vec<(u32, u32, u32)> {
        let wrong = self.cells.iter().filter(|((truth, predicted), _)| truth != predicted);
        let mut mistakes: Vec<_> =
            wrong.map(|(&(truth, predicted), &images)| (truth, predicted, images)).collect();
        mistakes.sort_by_key(|&(truth, predicted, images)| (std::cmp::Reverse(images), truth, predicted));
        mistakes
    }

    /// The whole matrix, (C) rows of (C) counts.
    #[must_use]
    pub fn rows(&self) -> Vec<Vec<u32>> {
        let mut rows = vec![vec![0; self.classes]; self.classes];
        for (&(truth, predicted), &images) in &self.cells {
            rows[truth as usize][predicted as usize] = images;
        }
        rows
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Predictions of these classes, nothing else known.
    pub(crate) fn predicted(classes: &[u32]) -> Predictions {
        Predictions { classes: classes.to_vec(), ..Predictions::default() }
    }

    #[test]
    fn rows_are_true_classes() {
        let matrix = ConfusionMatrix::new(&predicted(&[0, 1, 1, 2, 0, 0]), &[0, 0, 0, 2, 2, 2], 4).unwrap();
        assert_eq!(matrix.rows(), [[1, 2, 0, 0], [0, 0, 0, 0], [2, 0, 1, 0], [0, 0, 0, 0]]);
        assert_eq!((matrix.count(0, 1), matrix.count(1, 0), matrix.images(2)), (2, 0, 3));
        assert_eq!((matrix.accuracy(0), matrix.accuracy(1)), (Some(1.0 / 3.0), None));
        assert_eq!(matrix.mistakes(), [(0, 1, 2), (2, 0, 2)]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let told = |predictions: &[u32], labels: &[u32]| {
            ConfusionMatrix::new(&predicted(predictions), labels, 2).unwrap_err().to_string()
        };
        assert!(told(&[0], &[0, 1]).contains("one per label: expected 2, got 1"));
        assert!(told(&[0, 0], &[0, 5]).contains("image 1 has label 5"));
        assert!(told(&[0, 3], &[0, 1]).contains("classes of the classifier: expected 2, got 4"));
    }
}
