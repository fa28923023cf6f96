//! What a report says of the confusion of classes.

use serde::{Deserialize, Serialize};
use zview_features::Settings;

use crate::ProbeError;
use crate::confusion::ConfusionMatrix;
use crate::linear::Predictions;

/// How much of the confusion is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConfusionConfig {
    /// Pairs of classes listed at most, those with most mistakes first.
    pub pairs: usize,
    /// The whole matrix is told where there are at most this many classes.
    pub matrix_classes: usize,
}

impl Default for ConfusionConfig {
    fn default() -> Self {
        Self { pairs: 20, matrix_classes: 100 }
    }
}

impl Settings for ConfusionConfig {
    fn problems(&self) -> Vec<String> {
        Vec::new() // nothing is told where a limit is 0
    }
}

/// Which classes are taken for which; accuracies are fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Confusion {
    /// Test images.
    pub n_test: usize,
    /// Mean of the accuracies of the classes that have test images; `None` without any.
    pub mean_class_accuracy: Option<f64>,
    /// Every class, by number.
    pub classes: Vec<ClassAccuracy>,
    /// Pairs of a class and what it was taken for, most mistakes first.
    pub most_confused: Vec<ConfusedPair>,
    /// Test images that were wrong.
    pub mistakes: usize,
    /// (C, C), rows are true classes; absent where there are many classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matrix: Option<Vec<Vec<u32>>>,
}

/// The accuracy on the images of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassAccuracy {
    /// The class's name.
    pub class: String,
    /// Its test images.
    pub images: u32,
    /// Share of them that are right; `None` where there are none.
    pub accuracy: Option<f64>,
}

/// A class and another that it was taken for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfusedPair {
    /// Name of the true class.
    pub truth: String,
    /// Name of the predicted class.
    pub predicted: String,
    /// Test images of the first taken for the second.
    pub images: u32,
    /// Their share of the true class's test images.
    pub share: f64,
}

/// Counts which of `labels` (N) were taken for which class.
///
/// # Errors
/// As [`ConfusionMatrix::new`].
pub fn confusion(
    predictions: &Predictions,
    labels: &[u32],
    class_names: &[String],
    config: &ConfusionConfig,
) -> Result<Confusion, ProbeError> {
    let matrix = ConfusionMatrix::new(predictions, labels, class_names.len())?;
    let classes: Vec<ClassAccuracy> = class_names
        .iter()
        .zip(0..)
        .map(|(name, class)| ClassAccuracy {
            class: name.clone(),
            images: matrix.images(class),
            accuracy: matrix.accuracy(class),
        })
        .collect();
    let accuracies: Vec<f64> = classes.iter().filter_map(|class| class.accuracy).collect();
    let mistakes = matrix.mistakes();
    let pair = |&(truth, predicted, images): &(u32, u32, u32)| ConfusedPair {
        truth: class_names[truth as usize].clone(),
        predicted: class_names[predicted as usize].clone(),
        images,
        share: f64::from(images) / f64::from(matrix.images(truth)),
    };
    Ok(Confusion {
        n_test: labels.len(),
        mean_class_accuracy: (!accuracies.is_empty())
            .then(|| accuracies.iter().sum::<f64>() / accuracies.len() as f64),
        most_confused: mistakes.iter().take(config.pairs).map(pair).collect(),
        mistakes: mistakes.iter().map(|&(_, _, images)| images as usize).sum(),
        matrix: (class_names.len() <= config.matrix_classes).then(|| matrix.rows()),
        classes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::confusion::counts::tests::predicted;
    use zview_features::made_up::numbered;

    #[test]
    fn few_classes_are_told_in_full() {
        let (labels, predictions) = ([0, 0, 0, 0, 2, 2], predicted(&[0, 1, 1, 2, 2, 2]));
        let told = confusion(&predictions, &labels, &numbered(3), &ConfusionConfig::default()).unwrap();
        assert_eq!((told.n_test, told.mistakes, told.mean_class_accuracy), (6, 3, Some(0.625)));
        assert_eq!(told.classes[1], ClassAccuracy { class: "1".into(), images: 0, accuracy: None });
        let first = &told.most_confused[0];
        assert_eq!((&*first.truth, &*first.predicted, first.images, first.share), ("0", "1", 2, 0.5));
        assert_eq!(told.matrix.unwrap(), [[1, 2, 1], [0, 0, 0], [0, 0, 2]]);
    }

    #[test]
    fn a_thousand_classes_fit_into_a_short_report() {
        let labels: Vec<u32> = (0..3_000).map(|image| image % 1_000).collect();
        let predictions = predicted(&labels.iter().map(|label| (label * 7) % 1_000).collect::<Vec<_>>());
        let told = confusion(&predictions, &labels, &numbered(1_000), &ConfusionConfig::default()).unwrap();
        assert_eq!((told.most_confused.len(), told.classes.len()), (20, 1_000));
        let json = serde_json::to_string(&told).unwrap();
        assert!(json.len() < 100_000 && !json.contains("matrix"), "{} bytes", json.len());
    }

    #[test]
    fn no_images_and_one_class_are_defined() {
        let nothing = confusion(&predicted(&[]), &[], &numbered(2), &ConfusionConfig::default()).unwrap();
        assert_eq!((nothing.n_test, nothing.mean_class_accuracy), (0, None));
        let one = confusion(&predicted(&[0, 0]), &[0, 0], &numbered(1), &ConfusionConfig::default()).unwrap();
        assert_eq!((one.mean_class_accuracy, one.most_confused.len()), (Some(1.0), 0));
    }
}
