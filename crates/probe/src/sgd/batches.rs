//! Where the features of a training step come from.

use burn::tensor::{Device, Tensor, TensorData};
use zview_data::{ImageSet, ImageShape, ReadBatch, VisitOrders, VisitedBatches};
use zview_encoder::augment::{AugmentConfig, Augmentation};
use zview_runtime::seed::{Purpose, Stream};

use crate::ProbeError;
use crate::linear::Standardiser;
use zview_features::{FeatureError, FeatureExtractor, Features};

/// Training rows in the order in which they are visited, and their standardised features on the device.
pub(super) struct Batches<'a> {
    source: Source<'a>,
    device: Device,
    order: VisitOrders,
    order_seed: u64,
    /// Images of a batch: never more than there are.
    pub batch: usize,
    /// Images that are visited in an epoch.
    rows: usize,
    /// Steps in all: as many as visit every image `epochs` times, the last batch filled up.
    pub steps: u64,
}

/// Rows are counted from 0 within the rows that are trained on.
enum Source<'a> {
    /// Features computed once, standardised.
    Stored(Features),
    /// Features computed at every visit.
    Augmented(Box<Augmented<'a>>),
}

/// Images that are augmented anew at every visit.
struct Augmented<'a> {
    extractor: &'a dyn FeatureExtractor,
    shape: ImageShape,
    /// Images in the order of the rows.
    batches: VisitedBatches,
    augmentation: Augmentation,
    seed: u64,
    mean: Tensor<2>, // [1, D]
    std: Tensor<2>,  // [1, D]
}

/// Images that are augmented, and how.
#[derive(Clone, Copy)]
pub(super) struct AugmentedImages<'a> {
    pub extractor: &'a dyn FeatureExtractor,
    pub images: &'a ImageSet,
    /// Which image each row of all training features is.
    pub pool: &'a [usize],
    pub config: &'a AugmentConfig,
}

/// How much training there is, and the keys of its streams.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub batch: usize,
    pub epochs: usize,
    pub seed: u64,
    /// 0 while the rate is chosen, 1 when it is trained again.
    pub phase: u64,
}

impl<'a> Batches<'a> {
    /// Batches of the `rows` of `train` (not standardised), of their images where they are augmented.
    pub fn new(
        train: &Features,
        rows: &[usize],
        standardiser: &Standardiser,
        augmented: Option<AugmentedImages<'a>>,
        plan: Plan,
        device: &Device,
    ) -> Self {
        // One seed per purpose and phase; what is drawn from it is keyed by step and image.
        let seed = |purpose| Stream::new(plan.seed, purpose, plan.phase, 0).bits();
        let batch = plan.batch.min(rows.len());
        let source = match augmented {
            None => Source::Stored(standardiser.apply(&train.select(rows))),
            Some(AugmentedImages { extractor, images, pool, config }) => {
                let row = |values: &[f64]| {
                    let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
                    Tensor::from_data(TensorData::new(values, [1, train.dimension()]), device)
                };
                let indices: Vec<usize> = rows.iter().map(|&row| pool[row]).collect();
                Source::Augmented(Box::new(Augmented {
                    extractor,
                    shape: images.shape,
                    batches: VisitedBatches::new(&images.select(&indices), batch),
                    augmentation: Augmentation::new(config, images.shape, device),
                    seed: seed(Purpose::ProbeAugmentation),
                    mean: row(standardiser.mean()),
                    std: row(standardiser.std()),
                }))
            }
        };
        let visits = plan.epochs as u64 * rows.len() as u64;
        Self {
            source,
            device: device.clone(),
            order: VisitOrders::new(rows.len()),
            order_seed: seed(Purpose::ProbeOrder),
            batch,
            rows: rows.len(),
            steps: visits.div_ceil(batch as u64),
        }
    }

    /// Whether step `step` completes an epoch.
    pub fn completes_an_epoch(&self, step: u64) -> bool {
        let epochs = |steps: u64| steps * self.batch as u64 / self.rows as u64;
        epochs(step + 1) > epochs(step)
    }

    /// The rows of step `step`, and their standardised features (B, D).
    ///
    /// # Errors
    /// Features of another shape than the encoder promises.
    pub fn at(&mut self, step: u64) -> Result<(Vec<usize>, Tensor<2>), ProbeError> {
        match &mut self.source {
            Source::Stored(features) => {
                let rows = self.order.batch(self.order_seed, step, self.batch);
                let features = uploaded(&features.select(&rows), &self.device);
                Ok((rows, features))
            }
            Source::Augmented(augmented) => {
                let read = augmented.batches.batch(self.order_seed, step)?;
                let features = augmented.features(&read, step, &self.device)?;
                Ok((read.images, features))
            }
        }
    }
}

impl Augmented<'_> {
    /// Standardised features (B, D) of the images in `read`, augmented as step `step` has it.
    fn features(&self, read: &ReadBatch, step: u64, device: &Device) -> Result<Tensor<2>, ProbeError> {
        let (rows, ImageShape { channels, height, width }) = (&read.images, self.shape);
        let size = [rows.len(), channels, height, width];
        let pixels = Tensor::from_data(TensorData::new(read.unit_floats(), size), device);
        let features = self.extractor.features(self.augmentation.apply(pixels, self.seed, step));
        let (expected, got) = ([rows.len(), self.mean.dims()[1]], features.dims());
        if got != expected {
            let (first, last) = (rows[0], rows[rows.len() - 1]);
            return Err(ProbeError::Features(FeatureError::Shape { first, last, expected, got }));
        }
        Ok((features - self.mean.clone()) / self.std.clone())
    }
}

/// `features` (N, D) on `device`.
pub(super) fn uploaded(features: &Features, device: &Device) -> Tensor<2> {
    let size = [features.len(), features.dimension()];
    Tensor::from_data(TensorData::new(features.tile(0..features.len()).into_owned(), size), device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_features::extract;
    use zview_features::made_up::{Pixels, strip};
    use zview_runtime::device::read_floats;

    #[test]
    fn batches_visit_every_row_and_crops_differ_from_visit_to_visit() {
        let (encoder, images) = (Pixels::new(2), strip(12, 3));
        let train = extract(&encoder, &images, 12).unwrap();
        let standardiser = Standardiser::fit(&train);
        let rows: Vec<usize> = (2..12).collect();
        let pool: Vec<usize> = (0..12).collect();
        let config = AugmentConfig { flip: true, ..AugmentConfig::none() };
        let batches = |augmented: bool, seed| {
            let images =
                AugmentedImages { extractor: &encoder, images: &images, pool: &pool, config: &config };
            let plan = Plan { batch: 5, epochs: 3, seed, phase: 0 };
            Batches::new(&train, &rows, &standardiser, augmented.then_some(images), plan, &encoder.device)
        };
        let mut stored = batches(false, 0);
        assert_eq!((stored.batch, stored.steps), (5, 6));
        assert_eq!([0, 1, 2, 5].map(|step| stored.completes_an_epoch(step)), [false, true, false, true]);
        let mut visited = [stored.at(0).unwrap().0, stored.at(1).unwrap().0].concat();
        visited.sort_unstable();
        assert_eq!(visited, (0..10).collect::<Vec<_>>());
        // Stored features are those of the visited rows, standardised.
        let (first, features) = stored.at(0).unwrap();
        let wanted: Vec<usize> = first.iter().map(|&row| rows[row]).collect();
        let expected = standardiser.apply(&train.select(&wanted)).whole().unwrap().into_owned();
        assert_eq!(read_floats(features).unwrap(), expected);
        // Augmented ones are these too or, mirrored, not; the same for the same seed.
        let read = |step, seed| read_floats(batches(true, seed).at(step).unwrap().1).unwrap();
        assert_eq!(read(0, 0), read(0, 0));
        assert_ne!(read(0, 0), expected);
        assert_ne!(read(0, 0), read(0, 1));
        let same =
            read(0, 0).chunks(2).zip(expected.chunks(2)).filter(|(a, b)| (a[0] - b[0]).abs() < 1e-4).count();
        assert!(same < 5, "{same}");
    }
}
