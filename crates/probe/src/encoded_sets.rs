//! The features of a labelled data set: those of a pool of training images, and of all test images.

use zview_data::ImageSet;
use zview_features::{FeatureCache, FeatureError, FeatureExtractor, Features, extract_some, training_pool};

use crate::ProbeError;

/// The features of a training pool and of all test images, by one encoder.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodedSets {
    /// Which training images are in the pool, in the order of `train`.
    pub pool: Vec<usize>,
    /// Features of the pool.
    pub train: Features,
    /// Features of all test images, in the data set's order.
    pub test: Features,
    /// SHA-256 of the encoder's weights and statistics, the same before and after.
    pub extractor_sha256: String,
}

/// Encodes a pool of at most `train_pool` images of `train` and all of `test`, `batch` at a time.
///
/// # Errors
/// Whatever extraction cannot do, and an encoder that changed on the way.
pub fn encode(
    extractor: &dyn FeatureExtractor,
    train: &ImageSet,
    test: &ImageSet,
    train_pool: Option<usize>,
    batch: usize,
) -> Result<EncodedSets, ProbeError> {
    encode_with(extractor, train, test, train_pool, batch, None)
}

/// [`encode`] with features that `cache` has kept where it has them.
///
/// # Errors
/// As [`encode`].
pub fn encode_with(
    extractor: &dyn FeatureExtractor,
    train: &ImageSet,
    test: &ImageSet,
    train_pool: Option<usize>,
    batch: usize,
    cache: Option<&FeatureCache>,
) -> Result<EncodedSets, ProbeError> {
    let state =
        || extractor.state_sha256().map_err(|message| ProbeError::Features(FeatureError::State { message }));
    let before = state()?;
    let pool = training_pool(train, train_pool);
    let features = |images: &ImageSet, indices: &[usize]| match cache {
        Some(cache) => cache.features(extractor, &before, images, indices, batch),
        None => extract_some(extractor, images, indices, batch),
    };
    let train = features(train, &pool)?;
    let test = features(test, &(0..test.len()).collect::<Vec<_>>())?;
    let after = state()?;
    if before != after {
        return Err(ProbeError::StateChanged { before, after });
    }
    Ok(EncodedSets { pool, train, test, extractor_sha256: after })
}

#[cfg(test)]
mod tests {
    use zview_features::made_up::{Pixels, strip};

    use super::*;

    #[test]
    fn a_pool_of_training_images_and_all_test_images_are_encoded() {
        let sets = encode(&Pixels::new(2), &strip(25, 5), &strip(10, 5), Some(20), 8).unwrap();
        assert_eq!((sets.train.len(), sets.test.len()), (20, 10));
        // The test images are the first training images.
        assert_eq!(sets.test.row(3), sets.train.row(sets.pool.iter().position(|&image| image == 3).unwrap()));
    }

    #[test]
    fn an_encoder_that_changes_is_refused() {
        let changing = Pixels { changing: true, ..Pixels::new(2) };
        let error = encode(&changing, &strip(9, 3), &strip(9, 3), None, 8).unwrap_err();
        assert!(matches!(error, ProbeError::StateChanged { .. }), "{error}");
    }
}
