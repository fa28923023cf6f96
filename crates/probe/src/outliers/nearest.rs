//! Distance to the k-th nearest training image.
//!
//! Sun et al. 2022, "Out-of-Distribution Detection with Deep Nearest Neighbors",
//! <https://arxiv.org/abs/2204.06507>, section 3: features of length 1, Euclidean distance.

use crate::ProbeError;
use zview_features::{FeatureError, Features, nearest_neighbours};

/// The distance of every image of `images` to its `k`-th nearest of `train`, (N), 0 to 2. An image or training
/// image whose features are all 0 is at the distance sqrt 2 of everything, as one at a right angle.
///
/// # Errors
/// An empty set, other dimensions, a k that is 0 or more than there are training images.
pub fn neighbour_distance(train: &Features, images: &Features, k: usize) -> Result<Vec<f64>, ProbeError> {
    if k == 0 {
        return Err(ProbeError::Features(FeatureError::Setting {
            key: "neighbours",
            expected: "at least 1",
            got: "0".to_owned(),
        }));
    }
    if k > train.len() && !train.is_empty() {
        return Err(ProbeError::Features(FeatureError::Neighbours { k, images: train.len() }));
    }
    let similarities = nearest_neighbours(train, images, k)?;
    let distance = |similarity: f32| (2.0 - 2.0 * f64::from(similarity)).max(0.0).sqrt();
    Ok(similarities.iter().map(|nearest| distance(nearest[k - 1].similarity)).collect())
}
