//! A fine-tuned network that is kept.

use std::path::Path;

use zview_data::ImageSet;
use zview_encoder::{ClassifierHead, Encoder, save_classifier};
use zview_network::StateError;

use super::judge::Judged;

/// The network that one seed ended with.
#[derive(Debug, Clone)]
pub struct FineTuned {
    /// The seed.
    pub seed: u64,
    /// The encoder as it was trained on; without gradients.
    pub encoder: Encoder,
    /// Its head.
    pub head: ClassifierHead,
}

impl FineTuned {
    /// What was judged, trained on images like those of `set`.
    pub(super) fn of(seed: u64, judged: &Judged, set: &ImageSet) -> Self {
        let narrow = |values: &[f64]| values.iter().map(|&value| value as f32).collect();
        let head = ClassifierHead {
            classes: set.classes.clone(),
            weight: narrow(judged.head.weights()),
            bias: narrow(judged.head.bias()),
        };
        Self { seed, encoder: judged.encoder.clone().trained_on(set.shape), head }
    }

    /// Writes it as safetensors, for `zview predict` and `zview export`.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn save(&self, path: &Path) -> Result<(), StateError> {
        save_classifier(&self.encoder, &self.head, path)
    }
}
