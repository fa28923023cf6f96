//! What is found, in one report.

use serde::{Deserialize, Serialize};
use zview_data::ImageSet;

use super::exact::same_pixels;
use super::near::near_duplicates;
use crate::ProbeError;
use zview_features::{Problems, Settings};

/// What counts as a near-duplicate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OverlapConfig {
    /// Look for near-duplicates too, not only for exact copies.
    pub near: bool,
    /// The least correlation of the two thumbnails, 0 to 1.
    pub correlation: f32,
    /// The nearest training image must be closer than this share of the median distance of the next ones.
    pub ratio: f32,
    /// How many next ones.
    pub neighbours: usize,
    /// Copies moved by up to this many pixels, across and down, are looked for too; 1 takes nine times as long as 0.
    pub shift: usize,
    /// Pairs listed in the report; all are counted.
    pub listed: usize,
}

impl Default for OverlapConfig {
    fn default() -> Self {
        Self { near: true, correlation: 0.9, ratio: 0.3, neighbours: 50, shift: 0, listed: 100 }
    }
}

impl Settings for OverlapConfig {
    fn problems(&self) -> Vec<String> {
        Problems::default()
            .share("correlation", self.correlation)
            .require(
                self.ratio > 0.0 && self.ratio <= 1.0,
                "ratio",
                "a number above 0, at most 1",
                self.ratio,
            )
            .at_least("neighbours", 1, self.neighbours)
            .require(self.shift <= 3, "shift", "0 to 3 pixels", self.shift)
            .list()
    }
}

/// A test image and the training image that it is a copy of. Images are counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OverlapPair {
    /// The test image.
    pub test: usize,
    /// The training image, in the order of the training set given.
    pub train: usize,
    /// Whether every byte is the same.
    pub exact: bool,
    /// Correlation of the thumbnails, 1 for an exact copy.
    pub correlation: f32,
    /// Whether both have the same class; `None` where there are no labels.
    pub same_label: Option<bool>,
}

/// Test images that have a copy among the training images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overlap {
    /// Training images.
    pub n_train: usize,
    /// Test images.
    pub n_test: usize,
    /// Test images with an exact copy.
    pub exact: usize,
    /// Test images with a near-duplicate and no exact copy; `None` where it was not looked for.
    pub near: Option<usize>,
    /// Pairs of copies whose labels differ.
    pub labels_differ: usize,
    /// The pairs, exact ones first, then by correlation.
    pub pairs: Vec<OverlapPair>,
    /// Whether each test image has a copy of either kind, (N).
    #[serde(skip)]
    pub is_copy: Vec<bool>,
}

impl Overlap {
    /// Accuracy on the test images that have no copy, a fraction; `correct[i]` says whether image i was right. `None`
    /// where no image is a copy, or all are.
    #[must_use]
    pub fn accuracy_without_copies(&self, correct: &[bool]) -> Option<f64> {
        let kept: Vec<bool> = self
            .is_copy
            .iter()
            .zip(correct)
            .filter(|(is_copy, _)| !**is_copy)
            .map(|(_, &correct)| correct)
            .collect();
        let some = !kept.is_empty() && kept.len() < correct.len();
        some.then(|| kept.iter().filter(|&&right| right).count() as f64 / kept.len() as f64)
    }
}

/// Looks for the images of `test` in `train`: by hash of their pixels, and by thumbnails.
///
/// # Errors
/// A setting that cannot work. Empty sets overlap nowhere.
pub fn find_overlap(
    train: &ImageSet,
    test: &ImageSet,
    config: &OverlapConfig,
) -> Result<Overlap, ProbeError> {
    config.check()?;
    let exact = same_pixels(train, test)?;
    let look_near = config.near && !train.is_empty() && !test.is_empty();
    let near = if look_near { near_duplicates(train, test, config)? } else { vec![None; test.len()] };
    let label = |set: &ImageSet, image: usize| {
        set.labels.as_ref().and_then(|labels| set.classes.get(labels[image] as usize).cloned())
    };
    let pair = |test_image: usize, train_image: usize, exact: bool, correlation: f32| {
        let labels = label(test, test_image).zip(label(train, train_image));
        let same_label = labels.map(|(a, b)| a == b);
        OverlapPair { test: test_image, train: train_image, exact, correlation, same_label }
    };
    let mut pairs: Vec<OverlapPair> = exact
        .iter()
        .zip(&near)
        .enumerate()
        .filter_map(|(image, found)| match found {
            (Some(train), _) => Some(pair(image, *train, true, 1.0)),
            (None, Some(near)) => Some(pair(image, near.train, false, near.correlation)),
            (None, None) => None,
        })
        .collect();
    let mut is_copy = vec![false; test.len()];
    pairs.iter().for_each(|pair| is_copy[pair.test] = true);
    let exact = pairs.iter().filter(|pair| pair.exact).count();
    let near = config.near.then(|| pairs.len() - exact);
    let labels_differ = pairs.iter().filter(|pair| pair.same_label == Some(false)).count();
    pairs.sort_by(|a, b| {
        b.exact.cmp(&a.exact).then(b.correlation.total_cmp(&a.correlation)).then(a.test.cmp(&b.test))
    });
    pairs.truncate(config.listed);
    let (n_train, n_test) = (train.len(), test.len());
    Ok(Overlap { n_train, n_test, exact, near, labels_differ, pairs, is_copy })
}
