//! What a classifier says of each image.

/// The most probable class of each of N images and how sure the classifier is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Predictions {
    /// The most probable class, (N); of equal ones the lower.
    pub classes: Vec<u32>,
    /// The probability of that class, (N), 0 to 1.
    pub confidence: Vec<f32>,
    /// The probability of the image's own class, (N), 0 to 1.
    pub label_probability: Vec<f32>,
    /// How many classes rank before the image's own, (N): 0 is right, below 5 right in the top 5.
    pub label_rank: Vec<u32>,
}

impl Predictions {
    /// From `logits` (N, C) row by row and the images' own classes (N). Equal logits rank by class.
    #[must_use]
    pub(crate) fn from_logits(logits: &[f32], labels: &[u32], classes: usize) -> Self {
        let mut predictions = Self::default();
        for (row, &label) in logits.chunks_exact(classes).zip(labels) {
            let own = row[label as usize];
            let before =
                |(class, &logit): (usize, &f32)| logit > own || (logit == own && class < label as usize);
            let best = row.iter().enumerate().fold(
                0,
                |best, (class, logit)| {
                    if *logit > row[best] { class } else { best }
                },
            );
            let normaliser: f64 = row.iter().map(|logit| f64::from(logit - row[best]).exp()).sum();
            let probability = |logit: f32| (f64::from(logit - row[best]).exp() / normaliser) as f32;
            predictions.classes.push(best as u32);
            predictions.confidence.push(probability(row[best]));
            predictions.label_probability.push(probability(own));
            predictions.label_rank.push(row.iter().enumerate().filter(|&entry| before(entry)).count() as u32);
        }
        predictions
    }

    /// Whether each image's most probable class is its own, (N).
    #[must_use]
    pub fn correct(&self) -> Vec<bool> {
        self.label_rank.iter().map(|&rank| rank == 0).collect()
    }

    /// The share of images whose class is among the five most probable; `None` of five classes or fewer, where it says
    /// nothing.
    #[must_use]
    pub fn top5(&self, classes: usize) -> Option<f64> {
        (classes > 5).then(|| self.top_k_correct(5) as f64 / self.label_rank.len() as f64)
    }

    /// How many images have their class among the `k` most probable.
    #[must_use]
    pub fn top_k_correct(&self, k: u32) -> usize {
        self.label_rank.iter().filter(|&&rank| rank < k).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_give_class_probabilities_and_rank() {
        let predictions = Predictions::from_logits(&[0.0, 2.0, 2.0, 1e30, 0.0, 0.0], &[2, 1], 3);
        assert_eq!(
            (predictions.classes.as_slice(), predictions.label_rank.as_slice()),
            (&[1, 0][..], &[1, 1][..])
        );
        let expected = 1.0 / (2.0 + (-2f32).exp());
        assert!((predictions.confidence[0] - expected).abs() < 1e-6);
        assert_eq!(predictions.label_probability[0], predictions.confidence[0]);
        assert_eq!((predictions.confidence[1], predictions.label_probability[1]), (1.0, 0.0));
    }
}
