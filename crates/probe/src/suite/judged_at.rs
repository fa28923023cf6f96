//! At which size and in which colours images were judged.

use serde::{Deserialize, Serialize};
use zview_data::ImageShape;
use zview_encoder::{FrozenEncoder, ViewFormat};

/// The images as the encoder got them, and those that it was trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgedAt {
    /// The images of this data set.
    #[serde(flatten)]
    pub view: ViewFormat,
    /// What the encoder was trained on; absent where its file does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trained: Option<ViewFormat>,
}

impl JudgedAt {
    /// Images of this shape, by this encoder.
    #[must_use]
    pub fn new(images: ImageShape, encoder: &FrozenEncoder) -> Self {
        Self { view: ViewFormat::of(images), trained: encoder.encoder().view().cloned() }
    }

    /// `32x32 rgb`, and the size that the encoder was trained at where that is another.
    #[must_use]
    pub fn in_words(&self) -> String {
        let size = self.view.size_in_words();
        let other = self.trained.as_ref().map(ViewFormat::size_in_words).filter(|trained| *trained != size);
        let trained = other.map_or_else(String::new, |trained| format!(" (trained at {trained})"));
        self.view.in_words() + &trained
    }
}
