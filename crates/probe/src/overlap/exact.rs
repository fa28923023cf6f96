//! Images that are the same in every byte.

use std::collections::HashMap;

use zview_data::ImageSet;
use zview_runtime::hash::sha256_of_bytes;

/// For each image of `test` the first of `train` with the same pixels, if there is one. Two sets of different shapes
/// share none.
#[must_use]
pub fn same_pixels(train: &ImageSet, test: &ImageSet) -> Vec<Option<usize>> {
    if train.shape != test.shape {
        return vec![None; test.len()];
    }
    let mut first_with: HashMap<String, usize> = HashMap::with_capacity(train.len());
    for image in 0..train.len() {
        first_with.entry(sha256_of_bytes(train.pixels(image))).or_insert(image);
    }
    (0..test.len()).map(|image| first_with.get(&sha256_of_bytes(test.pixels(image))).copied()).collect()
}
