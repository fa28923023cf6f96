//! Images that are almost the same.
//!
//! An absolute distance does not tell copies apart: two handwritten ones are closer than two crops of one photograph.
//! So a test image's nearest training image counts as a near-duplicate only where it is much closer than that
//! image's other neighbours are (Carlini et al., Extracting Training Data from Diffusion Models, 2023,
//! with the distance of thumbnails), and alike in itself too.

use zview_data::ImageSet;

use super::report::OverlapConfig;
use super::thumbnail::{DIMENSION, thumbnails};
use crate::ProbeError;
use zview_features::{Features, Neighbour, nearest_neighbours};

/// A training image that a test image is almost a copy of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Near {
    /// Which training image.
    pub(super) train: usize,
    /// Correlation of the thumbnails, -1 to 1.
    pub(super) correlation: f32,
}

/// For each image of `test` the nearest of `train`, where it is a near-duplicate.
pub(super) fn near_duplicates(
    train: &ImageSet,
    test: &ImageSet,
    config: &OverlapConfig,
) -> Result<Vec<Option<Near>>, ProbeError> {
    let described = |values: Vec<f32>| {
        let labels = vec![0; values.len() / DIMENSION];
        Features::new(values, DIMENSION, labels, vec!["any".to_owned()])
    };
    let train = described(thumbnails(train, &[(0, 0)])?.concat())?;
    let reach = config.shift as isize;
    let shifts: Vec<(isize, isize)> =
        (-reach..=reach).flat_map(|down| (-reach..=reach).map(move |right| (down, right))).collect();
    let mut best: Vec<Option<Near>> = vec![None; test.len()];
    for moved in thumbnails(test, &shifts)? {
        let neighbours = nearest_neighbours(&train, &described(moved)?, config.neighbours + 1)?;
        for (best, nearest) in best.iter_mut().zip(&neighbours) {
            let found = near(nearest, config);
            if found.is_some_and(|found| best.is_none_or(|best| found.correlation > best.correlation)) {
                *best = found;
            }
        }
    }
    Ok(best)
}

/// The first of the neighbours, where it stands out.
fn near(nearest: &[Neighbour], config: &OverlapConfig) -> Option<Near> {
    let distance = |correlation: f32| (2.0 - 2.0 * correlation.min(1.0)).max(0.0).sqrt();
    let (first, others) = nearest.split_first()?;
    // The median, so that several copies of one image do not make each other look ordinary.
    let mut others: Vec<f32> = others.iter().map(|other| distance(other.similarity)).collect();
    others.sort_by(f32::total_cmp);
    let ratio = distance(first.similarity) / *others.get(others.len() / 2)?;
    (first.similarity >= config.correlation && ratio < config.ratio)
        .then_some(Near { train: first.image, correlation: first.similarity })
}
