//! Features of a data set's images, by a frozen encoder on its device.

use std::time::{Duration, Instant};

use burn::tensor::{Device, Tensor, TensorData};
use zview_data::{ImageSet, ImageShape, ListedBatches, reading};
use zview_runtime::progress::Progress;

use super::rows::bytes_of;
use crate::{FeatureError, Features};

/// Of the memory that reading may take, what the features of one set may: one part in so many.
const PART_OF_MEMORY: u64 = 4;

/// A frozen encoder.
pub trait FeatureExtractor {
    /// D, the number of features of an image.
    fn feature_dimension(&self) -> usize;

    /// Features (B, D) of `images` (B, C, H, W) in 0 to 1 on [`Self::device`], in evaluation mode:
    /// no image influences another's features, and no weight or statistic changes.
    fn features(&self, images: Tensor<4>) -> Tensor<2>;

    /// Refuses images of a shape that it does not take.
    ///
    /// # Errors
    /// What it takes, and what they are.
    fn check_images(&self, _: ImageShape) -> Result<(), String> {
        Ok(())
    }

    /// Where images are expected.
    fn device(&self) -> &Device;

    /// SHA-256 over every weight and running statistic.
    ///
    /// # Errors
    /// What the device says when they cannot be read.
    fn state_sha256(&self) -> Result<String, String>;
}

impl<T: FeatureExtractor + ?Sized> FeatureExtractor for &T {
    fn feature_dimension(&self) -> usize {
        T::feature_dimension(self)
    }

    fn features(&self, images: Tensor<4>) -> Tensor<2> {
        T::features(self, images)
    }

    fn check_images(&self, shape: ImageShape) -> Result<(), String> {
        T::check_images(self, shape)
    }

    fn device(&self) -> &Device {
        T::device(self)
    }

    fn state_sha256(&self) -> Result<String, String> {
        T::state_sha256(self)
    }
}

/// Features of all images of `images`, `batch` at a time.
///
/// # Errors
/// As [`extract_some`].
pub fn extract(
    extractor: &dyn FeatureExtractor,
    images: &ImageSet,
    batch: usize,
) -> Result<Features, FeatureError> {
    extract_some(extractor, images, &(0..images.len()).collect::<Vec<_>>(), batch)
}

/// Features of the images at `indices`, in that order, `batch` at a time.
///
/// Features that take more than a quarter of what reading may take of the memory lie in a mapped file in the system's
/// temporary folder. Every batch has the same shape: the last one is filled up with repetitions of its last image,
/// whose features are dropped. Panics, as a slice does, when an index is not below the number of
/// images.
///
/// # Errors
/// A set without images or labels, images that the extractor does not take, a device that fails, features of another shape than promised, a
/// feature that is not finite.
pub fn extract_some(
    extractor: &dyn FeatureExtractor,
    images: &ImageSet,
    indices: &[usize],
    batch: usize,
) -> Result<Features, FeatureError> {
    extract_within(extractor, images, indices, batch, memory_of_features())
}

/// Bytes that the features of a set may have in memory; larger ones lie in a mapped file.
pub(crate) fn memory_of_features() -> u64 {
    reading().memory / PART_OF_MEMORY
}

/// As [`extract_some`], in a temporary file where the features take more than `memory` bytes.
fn extract_within(
    extractor: &dyn FeatureExtractor,
    images: &ImageSet,
    indices: &[usize],
    batch: usize,
    memory: u64,
) -> Result<Features, FeatureError> {
    let dimension = extractor.feature_dimension();
    let (labels, classes) = (labels_of(images, indices)?, images.classes.clone());
    if bytes_of(indices.len(), dimension) > memory {
        return Features::in_temporary_file(dimension, labels, classes, |writer| {
            extract_rows(extractor, images, indices, batch, |rows| writer.push(&rows))
        });
    }
    let mut values = Vec::with_capacity(indices.len() * dimension);
    extract_rows(extractor, images, indices, batch, |rows| {
        values.extend(rows);
        Ok(())
    })?;
    Features::new(values, dimension, labels, classes)
}

/// The labels of the images at `indices`.
pub(crate) fn labels_of(images: &ImageSet, indices: &[usize]) -> Result<Vec<u32>, FeatureError> {
    let Some(labels) = &images.labels else {
        return Err(FeatureError::Unlabelled { set: images.name.clone() });
    };
    Ok(indices.iter().map(|&index| labels[index]).collect())
}

/// Gives `take` the features (B, D) of the images at `indices`, batch by batch.
///
/// # Errors
/// As [`extract_some`], and what `take` gives.
pub(crate) fn extract_rows(
    extractor: &dyn FeatureExtractor,
    images: &ImageSet,
    indices: &[usize],
    batch: usize,
    mut take: impl FnMut(Vec<f32>) -> Result<(), FeatureError>,
) -> Result<(), FeatureError> {
    if indices.is_empty() {
        return Err(FeatureError::Empty { set: images.name.clone() });
    }
    if batch == 0 {
        return Err(FeatureError::Setting { key: "batch", expected: "at least 1", got: "0".to_owned() });
    }
    extractor
        .check_images(images.shape)
        .map_err(|problem| FeatureError::Images { set: images.name.clone(), problem })?;
    let batch = batch.min(indices.len());
    let dimension = extractor.feature_dimension();
    let filled = |wanted: &[usize]| {
        let mut filled = wanted.to_vec();
        filled.resize(batch, wanted[wanted.len() - 1]);
        filled
    };
    let mut read = ListedBatches::new(images, indices.chunks(batch).map(filled).collect());
    let mut shown = Shown::of(images, indices.len());
    for (number, wanted) in indices.chunks(batch).enumerate() {
        let Some(pixels) = read.next() else { break };
        shown.update(number * batch, read.waited());
        let rows = batch_features(extractor, images.shape, wanted, (pixels?, batch))?;
        if let Some(position) = rows.iter().position(|value| !value.is_finite()) {
            return Err(FeatureError::NotFinite {
                image: wanted[position / dimension],
                dimension: position % dimension,
                value: rows[position],
            });
        }
        take(rows)?;
    }
    Ok(())
}

/// How far the features of images that are read from disk are.
struct Shown {
    progress: Option<Progress>,
    since: Instant,
}

impl Shown {
    fn of(images: &ImageSet, count: usize) -> Self {
        let label = format!("features of {}", images.name);
        let progress = images.waits_for_disk().then(|| Progress::new(&label, count as u64));
        Self { progress, since: Instant::now() }
    }

    fn update(&mut self, done: usize, waited: Duration) {
        if let Some(progress) = &mut self.progress {
            let seconds = self.since.elapsed().as_secs_f64().max(1e-9);
            let (rate, waiting) = (done as f64 / seconds, 100.0 * waited.as_secs_f64() / seconds);
            progress.update(done as u64, &format!("{rate:.0} images/s, {waiting:.0} % waiting for images"));
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(progress) = &self.progress {
            progress.finish();
        }
    }
}

/// The first `images` of a set, or all; where a set is stored class by class (as image folders are),
/// that many evenly spaced ones, so that every class gives its share.
#[must_use]
pub fn training_pool(set: &ImageSet, images: Option<usize>) -> Vec<usize> {
    let wanted = images.unwrap_or(usize::MAX).min(set.len());
    let class_by_class = set.labels.as_ref().is_some_and(|labels| labels.is_sorted());
    if class_by_class {
        (0..wanted).map(|position| (position as u128 * set.len() as u128 / wanted as u128) as usize).collect()
    } else {
        (0..wanted).collect()
    }
}

/// Features (R, D) of `wanted` (R images), the first of a `batch` of `pixels`.
fn batch_features(
    extractor: &dyn FeatureExtractor,
    shape: ImageShape,
    wanted: &[usize],
    (pixels, batch): (Vec<f32>, usize),
) -> Result<Vec<f32>, FeatureError> {
    let (first, last) = (wanted[0], wanted[wanted.len() - 1]);
    let pixels = TensorData::new(pixels, [batch, shape.channels, shape.height, shape.width]);
    let features = extractor.features(Tensor::from_data(pixels, extractor.device()));
    let (expected, got) = ([batch, extractor.feature_dimension()], features.dims());
    if got != expected {
        return Err(FeatureError::Shape { first, last, expected, got });
    }
    let mut rows = features.try_into_vec_as::<f32>().map_err(|error| FeatureError::Device {
        first,
        last,
        message: error.to_string(),
    })?;
    rows.truncate(wanted.len() * expected[1]);
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up::{Pixels, strip};

    #[test]
    fn rows_come_in_order_from_batches_of_one_shape() {
        let extractor = Pixels::new(2);
        let features = extract(&extractor, &strip(7, 3), 3).unwrap();
        assert_eq!(*extractor.batches.borrow(), [3, 3, 3]);
        assert_eq!(features.len(), 7);
        assert_eq!(features.row(6)[..], [60.0 / 255.0, 1.0 / 255.0]);
        assert_eq!(features.labels(), [0, 1, 2, 0, 1, 2, 0]);
        let some = extract_some(&extractor, &strip(7, 3), &[5, 1], 64).unwrap();
        assert_eq!((&some.row(0)[..], some.labels()), (&[50.0 / 255.0, 1.0 / 255.0][..], &[2, 1][..]));
        assert_eq!(extractor.batches.borrow().last(), Some(&2));
    }

    #[test]
    fn features_that_take_too_much_memory_lie_in_a_file() {
        let (extractor, images, all) = (Pixels::new(2), strip(50, 3), (0..50).collect::<Vec<_>>());
        let within = |memory| extract_within(&extractor, &images, &all, 7, memory).unwrap();
        let (memory, file) = (within(400), within(399));
        assert_eq!(memory, file);
        let in_file = |features: &Features| format!("{features:?}").contains("Mapped");
        assert!(in_file(&file) && !in_file(&memory));
    }

    #[test]
    fn a_feature_that_is_not_finite_names_its_image() {
        let extractor = Pixels { divisor: 0.0, ..Pixels::new(2) };
        // Image 0 has a pixel 0 (0 / 0); in the selection it comes third.
        let error = extract_some(&extractor, &strip(4, 2), &[2, 1, 0], 2).unwrap_err();
        assert!(matches!(error, FeatureError::NotFinite { image: 2, dimension: 0, .. }), "{error}");
    }

    #[test]
    fn sets_and_extractors_that_cannot_be_evaluated_are_named() {
        let extractor = Pixels::new(2);
        let mut unlabelled = strip(2, 2);
        unlabelled.labels = None;
        assert!(extract(&extractor, &unlabelled, 2).unwrap_err().to_string().contains("strip has no labels"));
        let empty = strip(2, 2).first(0);
        assert!(extract(&extractor, &empty, 2).unwrap_err().to_string().contains("strip has no images"));
        assert!(extract(&extractor, &strip(2, 2), 0).unwrap_err().to_string().contains("batch"));
        let wrong = extract(&Pixels::new(3), &strip(2, 2), 2).unwrap_err();
        assert!(matches!(wrong, FeatureError::Shape { expected: [2, 3], got: [2, 2], .. }), "{wrong}");
    }

    #[test]
    fn a_pool_of_a_set_stored_class_by_class_has_every_class() {
        assert_eq!(training_pool(&strip(9, 3), Some(4)), [0, 1, 2, 3]);
        assert_eq!(training_pool(&strip(9, 3), None), (0..9).collect::<Vec<_>>());
        let sorted = strip(9, 3).select(&[0, 3, 6, 1, 4, 7, 2, 5, 8]);
        assert_eq!(training_pool(&sorted, Some(3)), [0, 3, 6]);
        assert_eq!(training_pool(&sorted, Some(99)), (0..9).collect::<Vec<_>>());
        assert!(training_pool(&sorted, Some(0)).is_empty());
    }
}
