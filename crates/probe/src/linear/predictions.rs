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
    /// Whether each image's most probable class is its own, (N).
    #[must_use]
    pub fn correct(&self) -> Vec<bool> {
        self.label_rank.iter().map(|&rank| rank == 0).collect()
    }

    /// How many images have their class among the `k` most probable.
    #[must_use]
    pub fn top_k_correct(&self, k: u32) -> usize {
        self.label_rank.iter().filter(|&&rank| rank < k).count()
    }
}
