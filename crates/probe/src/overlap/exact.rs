//! Images that are the same in every byte.

use std::collections::HashMap;

use zview_data::{DataError, ImageSet};
use zview_runtime::hash::sha256_of_bytes;

/// For each image of `test` the first of `train` with the same pixels, if there is one. Two sets of different shapes
/// share none.
///
/// # Errors
/// Where an image cannot be read.
pub fn same_pixels(train: &ImageSet, test: &ImageSet) -> Result<Vec<Option<usize>>, DataError> {
    if train.shape != test.shape {
        return Ok(vec![None; test.len()]);
    }
    let mut first_with: HashMap<String, usize> = HashMap::with_capacity(train.len());
    let hashes = |images: &ImageSet| images.map(|_, pixels| sha256_of_bytes(pixels));
    for (image, hash) in hashes(train)?.into_iter().enumerate() {
        first_with.entry(hash).or_insert(image);
    }
    Ok(hashes(test)?.iter().map(|hash| first_with.get(hash).copied()).collect())
}
