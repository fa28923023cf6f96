//! The batches of a run, read ahead of it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use zview_runtime::seed::{Purpose, Stream};

use super::{ShardError, ViewShards};
use crate::visit_order::VisitOrder;

/// Batches that wait for the run at most, beside the one that is being read.
const AHEAD: usize = 3;
/// Most threads that decode.
const THREADS_MAX: usize = 8;

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
    task: Arc<Task>,
    ahead: Option<Ahead>,
    waited: Duration,
}

/// What is read, shared with the thread that works ahead.
#[derive(Debug)]
struct Task {
    shards: Arc<ViewShards>,
    plan: BatchPlan,
    pool: ThreadPool,
}

/// The thread that works ahead.
#[derive(Debug)]
struct Ahead {
    run_seed: u64,
    /// The step whose batch comes next.
    next: u64,
    /// `None` only while it is dropped.
    batches: Option<Receiver<Result<ShardBatch, ShardError>>>,
    thread: Option<JoinHandle<()>>,
}

impl BatchReader {
    /// A reader of batches as `plan` says, that decodes on half of the machine's threads.
    ///
    /// # Errors
    /// [`ShardError::TooFewViews`], [`ShardError::TooFewAnchors`]; [`ShardError::Thread`].
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
        let threads = thread::available_parallelism().map_or(1, |threads| threads.get() / 2);
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads.clamp(1, THREADS_MAX))
            .thread_name(|number| format!("view-shards-{number}"))
            .build()
            .map_err(|error| ShardError::Thread(error.to_string()))?;
        Ok(Self { task: Arc::new(Task { shards, plan, pool }), ahead: None, waited: Duration::ZERO })
    }

    /// What it reads.
    #[must_use]
    pub fn shards(&self) -> &ViewShards {
        &self.task.shards
    }

    /// How batches are made.
    #[must_use]
    pub fn plan(&self) -> BatchPlan {
        self.task.plan
    }

    /// How long [`Self::batch`] waited for the thread that works ahead, in all.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// The batch of `step`. Steps one after the other are read ahead; another step is read while the caller waits.
    ///
    /// # Errors
    /// [`ShardError::Damaged`], naming shard and member.
    pub fn batch(&mut self, run_seed: u64, step: u64) -> Result<ShardBatch, ShardError> {
        let started = Instant::now();
        let batch = self.next_batch(run_seed, step);
        self.waited += started.elapsed();
        batch
    }

    fn next_batch(&mut self, run_seed: u64, step: u64) -> Result<ShardBatch, ShardError> {
        let place = self.ahead.as_ref().map(|ahead| (ahead.run_seed, ahead.next));
        // Asked for again, for a picture: what was read ahead stays good.
        if place == Some((run_seed, step.wrapping_add(1))) {
            return self.task.batch(run_seed, step, &mut None);
        }
        if place != Some((run_seed, step)) {
            self.ahead = None; // ends the thread before another one begins
        }
        let ahead = match &mut self.ahead {
            Some(ahead) => ahead,
            slot => slot.insert(Ahead::start(&self.task, run_seed, step)?),
        };
        let batches = ahead.batches.as_ref().map(Receiver::recv);
        let batch = match batches {
            Some(Ok(batch)) => batch,
            _ => Err(ShardError::Thread("it ended".to_owned())),
        };
        ahead.next = step.wrapping_add(1);
        if batch.is_err() {
            self.ahead = None;
        }
        batch
    }
}

impl Ahead {
    fn start(task: &Arc<Task>, run_seed: u64, step: u64) -> Result<Self, ShardError> {
        let (sender, batches) = sync_channel(AHEAD);
        let task = Arc::clone(task);
        let work = move || {
            let mut order = None;
            for step in step.. {
                let batch = task.batch(run_seed, step, &mut order);
                let ends = batch.is_err();
                if sender.send(batch).is_err() || ends {
                    return; // nobody waits any more
                }
            }
        };
        let thread = thread::Builder::new()
            .name("view-shards".to_owned())
            .spawn(work)
            .map_err(|error| ShardError::Thread(error.to_string()))?;
        Ok(Self { run_seed, next: step, batches: Some(batches), thread: Some(thread) })
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.batches = None; // its next batch is not taken, which ends the thread
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // a panic there has been told as a thread that ended
        }
    }
}

impl Task {
    /// The batch of a step; `order` is kept between calls.
    fn batch(
        &self,
        run_seed: u64,
        step: u64,
        order: &mut Option<VisitOrder>,
    ) -> Result<ShardBatch, ShardError> {
        let Self { shards, plan: BatchPlan { anchors, per_anchor, .. }, pool } = self;
        let chosen = self.anchors(run_seed, step, order);
        let image = shards.shape().bytes();
        let mut pixels = vec![0.0; anchors * per_anchor * image];
        let read: Result<Vec<Option<Vec<f32>>>, ShardError> = pool.install(|| {
            let rows = pixels.par_chunks_exact_mut(per_anchor * image).zip(&chosen).enumerate();
            rows.map(|(row, (pixels, &anchor))| {
                let wanted = views(run_seed, step, row, shards.views(anchor), *per_anchor);
                shards.read(anchor, &wanted, pixels)
            })
            .collect()
        });
        let latents: Option<Vec<Vec<f32>>> = read?.into_iter().collect();
        let labels = shards.classes().map(|_| {
            let classes = chosen.iter().map(|&anchor| shards.class(anchor).unwrap_or(0));
            classes.flat_map(|class| std::iter::repeat_n(class, *per_anchor)).collect()
        });
        Ok(ShardBatch { pixels, latents: latents.map(|latents| latents.concat()), labels })
    }

    fn anchors(&self, run_seed: u64, step: u64, order: &mut Option<VisitOrder>) -> Vec<usize> {
        let (all, batch) = (self.shards.anchors(), self.plan.anchors);
        if self.plan.shuffled {
            return order.get_or_insert_with(|| VisitOrder::new(run_seed, all)).batch(step, batch);
        }
        let first = (u128::from(step) * batch as u128 % all as u128) as usize;
        (0..batch).map(|offset| (first + offset) % all).collect()
    }
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
