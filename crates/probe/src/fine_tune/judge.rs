//! What a trained classifier says of images.

use burn::tensor::Device;
use zview_data::ImageSet;
use zview_encoder::{Encoder, FrozenEncoder};

use super::classifier::Classifier;
use crate::ProbeError;
use crate::linear::Logistic;
use zview_features::{FeatureError, Features, extract_some};

/// A trained classifier, and features of images as its head takes them.
pub(super) struct Judged {
    /// Without gradients.
    pub(super) encoder: Encoder,
    pub(super) head: Logistic,
    pub(super) features: Features,
}

/// Features of the images of `set` at `indices`, with running statistics, and the head; `None` where one of their
/// numbers is not finite, as after a training that diverged.
///
/// # Errors
/// As [`extract_some`] otherwise.
pub(super) fn judge(
    classifier: &Classifier,
    set: &ImageSet,
    indices: &[usize],
    batch: usize,
    device: &Device,
) -> Result<Option<Judged>, ProbeError> {
    let head = classifier
        .head()
        .map_err(|source| ProbeError::Features(FeatureError::State { message: source.to_string() }))?;
    if !head.weights().iter().chain(head.bias()).all(|value| value.is_finite()) {
        return Ok(None);
    }
    let frozen = FrozenEncoder::new(&classifier.encoder, device);
    match extract_some(&frozen, set, indices, batch) {
        Ok(features) => Ok(Some(Judged { encoder: frozen.encoder().clone(), head, features })),
        Err(FeatureError::NotFinite { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
