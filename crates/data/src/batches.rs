//! Batches of images, read while the device works on the last ones.

use std::sync::Arc;
use std::time::Duration;

use crate::error::DataError;
use crate::image_set::{ImageSet, ReadBatch};
use crate::read_ahead::ReadAhead;
use crate::visit_order::VisitOrders;

/// The batches of a run over a set, in the order of [`VisitOrder`](crate::VisitOrder). Each is a pure function of
/// (run seed, step); those one after the other are read ahead.
#[derive(Debug)]
pub struct VisitedBatches {
    order: Arc<VisitOrders>,
    size: usize,
    ahead: ReadAhead<ReadBatch, DataError>,
}

impl VisitedBatches {
    /// Batches of `size` images. Of an image that cannot be used the next one that can: see [`ImageSet::usable`].
    #[must_use]
    pub fn new(images: &ImageSet, size: usize) -> Self {
        let (images, order) = (images.clone(), Arc::new(VisitOrders::new(images.len())));
        let (named, orders) = (images.clone(), Arc::clone(&order));
        let make = move |seed, step| images.usable(&orders.batch(seed, step, size));
        Self { order, size, ahead: ReadAhead::new(make, move || named.reads()) }
    }

    /// The batch of `step`.
    ///
    /// # Errors
    /// As [`ImageSet::usable`]; [`DataError::Reader`].
    pub fn batch(&mut self, run_seed: u64, step: u64) -> Result<ReadBatch, DataError> {
        self.ahead.get(run_seed, step, DataError::Reader)
    }

    /// The images of a batch, where all can be used; none is read.
    #[must_use]
    pub fn images(&self, run_seed: u64, step: u64) -> Vec<usize> {
        self.order.batch(run_seed, step, self.size)
    }

    /// How long [`Self::batch`] waited in all.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.ahead.waited()
    }
}

/// Batches that are known beforehand, one after the other: pixels as numbers from 0 to 1, (B, C, H, W).
#[derive(Debug)]
pub struct ListedBatches {
    ahead: ReadAhead<ReadBatch, DataError>,
    batches: Arc<Vec<Vec<usize>>>,
    next: usize,
}

impl ListedBatches {
    /// The images of `set` in `batches`.
    #[must_use]
    pub fn new(set: &ImageSet, batches: Vec<Vec<usize>>) -> Self {
        let (set, batches) = (set.clone(), Arc::new(batches));
        let (named, of) = (set.clone(), Arc::clone(&batches));
        let make = move |_, number: u64| match of.get(number as usize) {
            Some(batch) => set.read(batch),
            None => Err(DataError::Reader("all batches have been read".to_owned())), // which nobody asks for
        };
        Self { ahead: ReadAhead::new(make, move || named.reads()), batches, next: 0 }
    }

    /// How long was waited for batches in all.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.ahead.waited()
    }
}

impl Iterator for ListedBatches {
    type Item = Result<Vec<f32>, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let number = self.next;
        self.batches.get(number)?;
        self.next += 1;
        Some(self.ahead.get(0, number as u64, DataError::Reader).map(|batch| batch.unit_floats()))
    }
}
