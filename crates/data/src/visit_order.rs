//! The order in which images are visited: epoch after epoch, each a fresh permutation.

use std::sync::{Mutex, PoisonError};

use zview_runtime::seed::{Purpose, Stream};

/// Which image comes when. A pure function of (run seed, number of images, position): a resumed run
/// continues exactly where it stopped, in whatever order positions are asked for.
#[derive(Debug, Clone)]
pub struct VisitOrder {
    run_seed: u64,
    images: usize,
    /// The epoch that `permutation` belongs to.
    epoch: Option<u64>,
    permutation: Vec<usize>,
}

impl VisitOrder {
    /// The order of a run over that many images. No images are taken as one, so that every position is defined.
    #[must_use]
    pub fn new(run_seed: u64, images: usize) -> Self {
        Self { run_seed, images: images.max(1), epoch: None, permutation: Vec::new() }
    }

    /// The image at `position`, counted from the start of the run without end.
    pub fn index_at(&mut self, position: u64) -> usize {
        let epoch = position / self.images as u64;
        if self.epoch != Some(epoch) {
            self.permutation.clear();
            self.permutation.extend(0..self.images);
            Stream::new(self.run_seed, Purpose::Order, epoch, 0).shuffle(&mut self.permutation);
            self.epoch = Some(epoch);
        }
        self.permutation[(position % self.images as u64) as usize]
    }

    /// The images of batch `step` (counted from 0) when every batch has `size` images.
    pub fn batch(&mut self, step: u64, size: usize) -> Vec<usize> {
        let start = step.wrapping_mul(size as u64);
        (0..size as u64).map(|offset| self.index_at(start.wrapping_add(offset))).collect()
    }
}

/// The [`VisitOrder`] of any run over so many images, shared by threads. An epoch's permutation is kept until another
/// is asked for.
#[derive(Debug)]
pub struct VisitOrders {
    images: usize,
    last: Mutex<VisitOrder>,
}

impl VisitOrders {
    /// The orders of runs over that many images.
    #[must_use]
    pub fn new(images: usize) -> Self {
        Self { images, last: Mutex::new(VisitOrder::new(0, images)) }
    }

    /// The images of batch `step` of the run with that seed, as [`VisitOrder::batch`] has them.
    #[must_use]
    pub fn batch(&self, run_seed: u64, step: u64, size: usize) -> Vec<usize> {
        let mut order = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if order.run_seed != run_seed {
            *order = VisitOrder::new(run_seed, self.images);
        }
        order.batch(step, size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_visits_every_image_once_in_another_order() {
        let mut order = VisitOrder::new(5, 100);
        let mut epoch = |number: u64| -> Vec<usize> {
            (0..100).map(|position| order.index_at(number * 100 + position)).collect()
        };
        let (first, second) = (epoch(0), epoch(1));
        assert_ne!(first, second);
        for mut visited in [first, second] {
            visited.sort_unstable();
            assert_eq!(visited, (0..100).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_order_of_asking_does_not_matter() {
        let mut forward = VisitOrder::new(1, 7);
        let expected: Vec<usize> = (0..50).map(|position| forward.index_at(position)).collect();
        let mut backward = VisitOrder::new(1, 7);
        for position in (0..50).rev() {
            assert_eq!(backward.index_at(position), expected[position as usize]);
        }
        let mut batches = VisitOrder::new(1, 7);
        assert_eq!(batches.batch(3, 10), expected[30..40]);
        assert_eq!(batches.batch(0, 10), expected[..10]);
    }

    #[test]
    fn one_order_serves_runs_of_any_seed() {
        let orders = VisitOrders::new(9);
        for (seed, step) in [(1, 0), (2, 0), (1, 1), (1, 0)] {
            assert_eq!(orders.batch(seed, step, 5), VisitOrder::new(seed, 9).batch(step, 5));
        }
    }

    #[test]
    fn another_seed_gives_another_order_and_no_images_do_not_panic() {
        let batch = |seed| VisitOrder::new(seed, 1_000).batch(0, 64);
        assert_ne!(batch(1), batch(2));
        assert_eq!(VisitOrder::new(0, 0).batch(u64::MAX, 2), [0, 0]);
    }
}
