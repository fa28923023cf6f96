//! The batches of a run, read ahead of it.

use std::sync::Arc;
use std::time::Duration;

use rayon::prelude::*;
use zview_runtime::seed::{Purpose, Stream};

use super::{ShardError, ViewShards};
use crate::read_ahead::ReadAhead;
use crate::reading::with_workers;
use crate::visit_order::VisitOrders;

/// What a batch is made of.
#[derive(Debug, Clone, Copy)]
pub struct BatchPlan {
    /// B.
    pub anchors: usize,
    /// V: where an anchor has more views, that many are drawn, and stay in stored order.
    pub per_anchor: usize,
    /// Whether each epoch visits all anchors in an order of its own; else they come as they are stored, again and again.
    pub shuffled: bool,
}

/// B anchors with V views each; row b * V + v is view v of anchor b.
#[derive(Debug, Clone, PartialEq)]
pub struct ShardBatch {
    /// (B * V, C, H, W), from 0 to 1.
    pub pixels: Vec<f32>,
    /// (B * V, D), where there are any.
    pub latents: Option<Vec<f32>>,
    /// (B * V), where there are any.
    pub labels: Option<Vec<i32>>,
}

/// Gives the batches of a run, each a pure function of (run seed, step). A thread works ahead of the run by at most
/// four batches, whatever the number of shards.
#[derive(Debug)]
pub struct BatchReader {
    shards: Arc<ViewShards>,
    plan: BatchPlan,
    batches: ReadAhead<ShardBatch, ShardError>,
}

impl BatchReader {
    /// A reader of batches as `plan` says, that decodes on the threads that read.
    ///
    /// # Errors
    /// [`ShardError::TooFewViews`], [`ShardError::TooFewAnchors`].
    pub fn new(shards: impl Into<Arc<ViewShards>>, plan: BatchPlan) -> Result<Self, ShardError> {
        let shards = shards.into();
        shards.check_views(plan.per_anchor)?;
        if shards.anchors() < plan.anchors {
            return Err(ShardError::TooFewAnchors {
                path: shards.path().to_owned(),
                anchors: shards.anchors(),
                batch: plan.anchors,
            });
        }
        let order = VisitOrders::new(shards.anchors());
        let of = Arc::clone(&shards);
        let make = move |run_seed, step| batch(&of, plan, &order, run_seed, step);
        let path = shards.path().display().to_string();
        let batches = ReadAhead::new(make, move || Some(format!("reading {path}")));
        Ok(Self { shards, plan, batches })
    }

    /// What it reads.
    #[must_use]
    pub fn shards(&self) -> &ViewShards {
        &self.shards
    }

    /// How batches are made.
    #[must_use]
    pub fn plan(&self) -> BatchPlan {
        self.plan
    }

    /// How long [`Self::batch`] waited for the thread that works ahead, in all.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.batches.waited()
    }

    /// The batch of `step`. Steps one after the other are read ahead; another step is read while the caller waits.
    ///
    /// # Errors
    /// [`ShardError::Damaged`], naming shard and member; [`ShardError::Thread`].
    pub fn batch(&mut self, run_seed: u64, step: u64) -> Result<ShardBatch, ShardError> {
        self.batches.get(run_seed, step, ShardError::Thread)
    }
}

/// The batch of a step.
fn batch(
    shards: &ViewShards,
    plan: BatchPlan,
    order: &VisitOrders,
    run_seed: u64,
    step: u64,
) -> Result<ShardBatch, ShardError> {
    let BatchPlan { anchors, per_anchor, shuffled } = plan;
    let chosen = match shuffled {
        true => order.batch(run_seed, step, anchors),
        false => in_stored_order(shards.anchors(), step, anchors),
    };
    let image = shards.shape().bytes();
    let mut pixels = vec![0.0; anchors * per_anchor * image];
    let read: Result<Vec<Option<Vec<f32>>>, ShardError> = with_workers(|| {
        let rows = pixels.par_chunks_exact_mut(per_anchor * image).zip(&chosen).enumerate();
        rows.map(|(row, (pixels, &anchor))| {
            let wanted = views(run_seed, step, row, shards.views(anchor), per_anchor);
            shards.read(anchor, &wanted, pixels)
        })
        .collect()
    });
    let latents: Option<Vec<Vec<f32>>> = read?.into_iter().collect();
    let labels = shards.classes().map(|_| {
        let classes = chosen.iter().map(|&anchor| shards.class(anchor).unwrap_or(0));
        classes.flat_map(|class| std::iter::repeat_n(class, per_anchor)).collect()
    });
    Ok(ShardBatch { pixels, latents: latents.map(|latents| latents.concat()), labels })
}

fn in_stored_order(all: usize, step: u64, batch: usize) -> Vec<usize> {
    let first = (u128::from(step) * batch as u128 % all as u128) as usize;
    (0..batch).map(|offset| (first + offset) % all).collect()
}

/// Which `wanted` of `stored` views the anchor in `row` of a batch shows, ascending.
fn views(run_seed: u64, step: u64, row: usize, stored: usize, wanted: usize) -> Vec<usize> {
    let mut views: Vec<usize> = (0..stored).collect();
    if stored > wanted {
        Stream::new(run_seed, Purpose::StoredViews, step, row as u64).shuffle(&mut views);
        views.truncate(wanted);
        views.sort_unstable();
    }
    views
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_view_is_drawn_and_all_are_taken_where_there_are_no_more() {
        assert_eq!(views(1, 2, 3, 4, 4), [0, 1, 2, 3]);
        let mut seen = [0; 5];
        for step in 0..400 {
            let drawn = views(7, step, 0, 5, 2);
            assert!(drawn.len() == 2 && drawn[0] < drawn[1], "{drawn:?}");
            drawn.iter().for_each(|&view| seen[view] += 1);
        }
        assert!(seen.iter().all(|&count| (120..200).contains(&count)), "{seen:?}");
        assert_ne!(views(7, 0, 0, 60, 20), views(7, 0, 1, 60, 20));
    }
}
