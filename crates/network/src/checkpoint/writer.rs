//! Writing checkpoints beside training.

use std::path::{Path, PathBuf};
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

use super::{CheckpointError, Retention, Snapshot};

/// A checkpoint that is on disk and was read back.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// Steps taken when its snapshot was made.
    pub step: u64,
    /// Seconds from the snapshot to the end of the reading back.
    pub seconds: f64,
    /// Older checkpoints that went.
    pub removed: usize,
}

/// Writes snapshots to a run folder on a thread, one at a time. Only bytes on the host cross to the thread. Dropping it
/// waits for the write under way.
#[derive(Debug)]
pub struct CheckpointWriter {
    run: PathBuf,
    retention: Retention,
    writing: Option<(u64, JoinHandle<Result<Written, CheckpointError>>)>,
    last_written: Option<u64>,
}

impl CheckpointWriter {
    /// A writer for the run folder `run`; `last_written` is the step of the checkpoint that the run goes on from.
    #[must_use]
    pub fn new(run: &Path, retention: Retention, last_written: Option<u64>) -> Self {
        Self { run: run.to_owned(), retention, writing: None, last_written }
    }

    /// The step of the last checkpoint that is on disk and intact.
    #[must_use]
    pub fn last_written(&self) -> Option<u64> {
        self.last_written
    }

    /// Begins to write `snapshot`, after waiting for the write before it, which is given where there was one.
    ///
    /// # Errors
    /// [`CheckpointError`] of the write before; then `snapshot` is not written.
    pub fn start(&mut self, snapshot: Snapshot) -> Result<Option<Written>, CheckpointError> {
        let before = self.finish()?;
        let (run, retention, step) = (self.run.clone(), self.retention, snapshot.step());
        let thread = Builder::new().name("checkpoint".to_owned()).spawn(move || {
            let started = Instant::now();
            let checkpoint = snapshot.write(&run)?;
            let removed = retention.apply(&run, &checkpoint)?;
            Ok(Written { step: checkpoint.step(), seconds: started.elapsed().as_secs_f64(), removed })
        });
        let thread = thread.map_err(|error| CheckpointError::Thread { step, reason: error.to_string() })?;
        self.writing = Some((step, thread));
        Ok(before)
    }

    /// The write under way if it has ended; waits for nothing.
    ///
    /// # Errors
    /// [`CheckpointError`] of that write.
    pub fn poll(&mut self) -> Result<Option<Written>, CheckpointError> {
        if self.writing.as_ref().is_some_and(|(_, thread)| thread.is_finished()) {
            self.finish()
        } else {
            Ok(None)
        }
    }

    /// Waits for the write under way, if there is one.
    ///
    /// # Errors
    /// [`CheckpointError`] of that write.
    pub fn finish(&mut self) -> Result<Option<Written>, CheckpointError> {
        let Some((step, thread)) = self.writing.take() else { return Ok(None) };
        let ended = thread.join().map_err(|_| CheckpointError::Thread {
            step,
            reason: "the thread that writes it panicked".to_owned(),
        })?;
        let written = ended?;
        self.last_written = Some(written.step);
        Ok(Some(written))
    }
}

impl Drop for CheckpointWriter {
    fn drop(&mut self) {
        // Another error is on its way already.
        if let Err(error) = self.finish() {
            tracing::error!("{error}");
        }
    }
}
