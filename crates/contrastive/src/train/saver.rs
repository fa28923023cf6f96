//! Saving a run while it goes on.

use std::path::Path;

use serde_json::json;
use zview_network::checkpoint::{Checkpoint, CheckpointError, CheckpointWriter, Retention, Score, Written};
use zview_runtime::run_folder::EventLog;

use super::divergence::NotFinite;
use super::pretrain::PretrainError;
use super::recipe::{Recipe, TrainConfig};
use super::trainer::Trainer;

/// By what the best checkpoint is told, in its manifest.
const MEAN_LOSS: &str = "mean training loss since the checkpoint before";
/// Name of the last loss in a checkpoint's manifest.
const LOSS: &str = "loss";

/// Takes snapshots on the main thread and has them written on another.
pub(super) struct Saver {
    writer: CheckpointWriter,
    /// Step of the last snapshot.
    saved: Option<u64>,
    /// Sum and number of the losses since then.
    since: (f64, u64),
}

impl Saver {
    /// For the run folder `run` of a run that goes on from the checkpoint of step `restored`.
    pub(super) fn new(run: &Path, config: &TrainConfig, restored: Option<u64>) -> Self {
        let retention = Retention { last: config.keep_checkpoints, best: config.keep_best };
        Self { writer: CheckpointWriter::new(run, retention, restored), saved: restored, since: (0.0, 0) }
    }

    /// Waits for the write under way and gives the step of the last checkpoint that is on disk and intact. For a run
    /// that ends by another error: that of the write is only logged.
    pub(super) fn settled(&mut self, events: &mut EventLog) -> Option<u64> {
        if let Err(error) = self.finish(events) {
            tracing::error!("{error}");
        }
        self.writer.last_written()
    }

    /// Takes note of losses that were read.
    pub(super) fn count(&mut self, losses: &[f32]) {
        self.since.0 += losses.iter().map(|&loss| f64::from(loss)).sum::<f64>();
        self.since.1 += losses.len() as u64;
    }

    /// After each step: whether the write under way has ended, and how.
    pub(super) fn poll(&mut self, events: &mut EventLog) -> Result<(), PretrainError> {
        let written = self.writer.poll()?;
        log(written, events)
    }

    /// Snapshots `trainer`, whose losses are in the log, and begins to write. Waits for the write before it.
    pub(super) fn save(
        &mut self,
        trainer: &Trainer,
        recipe: &Recipe,
        last_loss: Option<f32>,
        events: &mut EventLog,
    ) -> Result<(), PretrainError> {
        if self.saved == Some(trainer.step) {
            return Ok(()); // a stop right after the regular one
        }
        let snapshot = trainer.snapshot()?;
        if let Some(name) = snapshot.first_not_finite() {
            return Err(PretrainError::NotFinite(NotFinite {
                step: trainer.step,
                what: format!("after step {} the tensor `{name}` is not finite", trainer.step),
                learning_rate: trainer.learning_rate(trainer.step.saturating_sub(1)),
                seed: recipe.seed,
                last_finite: last_loss.unwrap_or(f32::NAN),
                kept: NotFinite::kept(self.settled(events)),
            }));
        }
        let (sum, count) = std::mem::take(&mut self.since);
        let score = (count > 0).then(|| Score {
            measure: MEAN_LOSS.to_owned(),
            value: sum / count as f64,
            higher_is_better: false,
        });
        let snapshot =
            snapshot.with_state("seed", recipe.seed).with_state(LOSS, json!(last_loss)).with_score(score);
        // After a power cut the log must reach as far as the checkpoint.
        events.synchronise()?;
        let before = self.writer.start(snapshot)?;
        self.saved = Some(trainer.step);
        log(before, events)
    }

    /// Waits for the write under way.
    pub(super) fn finish(&mut self, events: &mut EventLog) -> Result<(), PretrainError> {
        let written = self.writer.finish()?;
        log(written, events)
    }
}

fn log(written: Option<Written>, events: &mut EventLog) -> Result<(), PretrainError> {
    if let Some(Written { step, seconds, removed }) = written {
        let event = json!({ "event": "checkpoint", "step": step, "seconds": seconds, "removed": removed });
        events.append(&event)?;
    }
    Ok(())
}

/// The checkpoint that a run goes on from, and the last loss before it.
pub(super) type Newest = (Checkpoint, Option<f32>);

/// The newest intact checkpoint of the run folder `run`, and the last loss before it; `None` for a run that was never
/// saved, which begins anew with a warning.
///
/// # Errors
/// [`CheckpointError`] where there are checkpoints and none can be used, or the log tells of some and there are none.
pub(super) fn newest(run: &Path) -> Result<Option<Newest>, PretrainError> {
    if let Some(checkpoint) = Checkpoint::newest(run)? {
        let loss = checkpoint.state(LOSS).and_then(serde_json::Value::as_f64).map(|loss| loss as f32);
        return Ok(Some((checkpoint, loss)));
    }
    match EventLog::last_saved_step(&run.join("events.jsonl"))? {
        0 => {
            tracing::warn!("{} was never saved: starting at step 0", run.display());
            Ok(None)
        }
        saved => Err(CheckpointError::Gone { run: run.to_owned(), saved }.into()),
    }
}
