//! Saving a run while it goes on.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use zview_network::checkpoint::{Checkpoint, CheckpointError, CheckpointWriter, Retention, Score, Written};
use zview_runtime::run_folder::EventLog;

use super::divergence::NotFinite;
use super::pretrain::PretrainError;
use super::recipe::{Recipe, TrainConfig};
use super::trainer::Trainer;

/// By what the best checkpoint is told, in its manifest.
const MEAN_LOSS: &str = "mean training loss since the checkpoint before";
/// The same where there is an online probe.
const PROBE_ACCURACY: &str = "online probe's accuracy on the training stream since the checkpoint before";
/// Name of the last loss in a checkpoint's manifest.
const LOSS: &str = "loss";

/// Takes snapshots on the main thread and has them written on another.
pub(super) struct Saver {
    writer: CheckpointWriter,
    /// Step of the last snapshot.
    saved: Option<u64>,
    /// When that was, or when the run was opened.
    since: Instant,
    /// Age of the last snapshot at which the clock asks for the next.
    age: Option<Duration>,
    /// Sum and number of the losses since then.
    losses: (f64, u64),
    /// Right answers of the online probe since then, and how often it was asked.
    probed: (f64, u64),
}

impl Saver {
    /// For the run folder `run` of a run that goes on from the checkpoint of step `restored`.
    pub(super) fn new(run: &Path, config: &TrainConfig, restored: Option<u64>) -> Self {
        let retention = Retention { last: config.keep_checkpoints, best: config.keep_best };
        Self {
            writer: CheckpointWriter::new(run, retention, restored),
            saved: restored,
            since: Instant::now(),
            age: (config.checkpoint_minutes > 0).then(|| Duration::from_secs(60 * config.checkpoint_minutes)),
            losses: (0.0, 0),
            probed: (0.0, 0),
        }
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
        self.losses.0 += losses.iter().map(|&loss| f64::from(loss)).sum::<f64>();
        self.losses.1 += losses.len() as u64;
    }

    /// Takes note of what a `train` event says of the online probe, if there is one.
    pub(super) fn note_probe(&mut self, event: &Value) {
        let probe = &event["online_probe"];
        if let (Some(accuracy), Some(examples)) = (probe["accuracy"].as_f64(), probe["examples"].as_u64()) {
            self.probed.0 += accuracy * examples as f64;
            self.probed.1 += examples;
        }
    }

    /// Whether the clock asks for a checkpoint.
    pub(super) fn is_due(&self) -> bool {
        self.age.is_some_and(|age| self.since.elapsed() >= age)
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
        let score = score(std::mem::take(&mut self.losses), std::mem::take(&mut self.probed));
        let snapshot =
            snapshot.with_state("seed", recipe.seed).with_state(LOSS, json!(last_loss)).with_score(score);
        // After a power cut the log must reach as far as the checkpoint.
        events.synchronise()?;
        let before = self.writer.start(snapshot)?;
        self.saved = Some(trainer.step);
        self.since = Instant::now();
        log(before, events)
    }

    /// Waits for the write under way.
    pub(super) fn finish(&mut self, events: &mut EventLog) -> Result<(), PretrainError> {
        let written = self.writer.finish()?;
        log(written, events)
    }
}

/// How good a state is, from the sum and number of losses and of the online probe's right answers.
fn score(losses: (f64, u64), probed: (f64, u64)) -> Option<Score> {
    let (measure, (sum, count), higher_is_better) =
        if probed.1 > 0 { (PROBE_ACCURACY, probed, true) } else { (MEAN_LOSS, losses, false) };
    let value = sum / count as f64;
    (count > 0).then(|| Score { measure: measure.to_owned(), value, higher_is_better })
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
        let loss = checkpoint.state(LOSS).and_then(Value::as_f64).map(|loss| loss as f32);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_asks_for_a_checkpoint_every_ten_minutes_unless_it_is_told_not_to() {
        let run = tempfile::tempdir().unwrap();
        let due_after = |seconds: u64, minutes: Option<u64>| {
            let mut config = TrainConfig::default();
            config.checkpoint_minutes = minutes.unwrap_or(config.checkpoint_minutes);
            let mut saver = Saver::new(run.path(), &config, None);
            saver.since = Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
            saver.is_due()
        };
        assert!(!due_after(599, None) && due_after(601, None));
        assert!(due_after(61, Some(1)) && !due_after(1_000_000, Some(0)));
    }

    #[test]
    fn the_online_probe_decides_where_there_is_one() {
        let by_loss = score((6.0, 3), (0.0, 0)).unwrap();
        assert_eq!(
            (by_loss.measure.as_str(), by_loss.value, by_loss.higher_is_better),
            (MEAN_LOSS, 2.0, false)
        );
        let by_probe = score((6.0, 3), (3.0, 4)).unwrap();
        assert_eq!(
            (by_probe.measure.as_str(), by_probe.value, by_probe.higher_is_better),
            (PROBE_ACCURACY, 0.75, true)
        );
        assert_eq!(score((0.0, 0), (0.0, 0)), None);
    }
}
