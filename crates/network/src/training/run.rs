//! A run: its folder, its log, its checkpoints, and the loop.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zview_runtime::atomic::WriteError;
use zview_runtime::device::{ChosenDevice, MemoryUse};
use zview_runtime::forecast::{Forecast, StepTimes};
use zview_runtime::progress::Progress;
use zview_runtime::run_folder::{Environment, EventLog, RunFolder, read_run_json};
use zview_runtime::stop::StopSignal;
use zview_runtime::tensorboard::LiveTensorBoard;

use super::divergence::NotFinite;
use super::error::TrainingError;
use super::loss_log::LossLog;
use super::step::Step;
use crate::checkpoint::{Checkpoint, CheckpointError, CheckpointWriter, Retention, Written};

/// The log of a run folder.
const EVENTS: &str = "events.jsonl";

/// How long a run is, what it keeps, and where.
#[derive(Debug, Clone, Copy)]
pub struct RunPlan<'a> {
    /// What it does, as the progress says it.
    pub doing: &'static str,
    /// The names of a step's losses.
    pub losses: &'static [&'static str],
    /// How many of what a step is computed from, for the rate.
    pub per_step: (usize, &'static str),
    /// Decides every random draw.
    pub seed: u64,
    /// Steps in all.
    pub steps: u64,
    /// Losses are read from the device, checked and logged every so many steps; 0 leaves it to the checkpoints.
    pub log_every: u64,
    /// A checkpoint is written every so many steps; 0 leaves it to the clock.
    pub checkpoint_every: u64,
    /// A checkpoint is written where the last one is so many minutes old; 0 writes none by the clock.
    pub checkpoint_minutes: u64,
    /// Which checkpoints stay.
    pub retention: Retention,
    /// Where it computes.
    pub device: &'a ChosenDevice,
    /// Asks for an orderly end.
    pub stop: &'a StopSignal,
    /// Whether the forecast is told on stderr; it is in the log in any case.
    pub tell: bool,
    /// What makes a run that is too long shorter.
    pub shorter: &'static str,
    /// What may keep a run from diverging.
    pub steadier: &'static str,
}

/// How the loop ended.
#[derive(Debug, Clone, Copy)]
pub struct Trained {
    /// Seconds of this process, from the first step.
    pub seconds: f64,
    /// What a step is computed from, per second of this process; 0 without steps.
    pub per_second: f64,
    /// True where a signal ended the run early; the state is saved.
    pub stopped: bool,
}

/// What `result.json` says of the end of a run.
#[derive(Deserialize)]
struct Ended {
    steps: u64,
    stopped: bool,
}

/// A run in a folder that this process alone writes.
pub struct Run<'a> {
    plan: RunPlan<'a>,
    folder: RunFolder,
    events: EventLog,
    tensorboard: LiveTensorBoard,
    losses: LossLog,
    writer: CheckpointWriter,
    /// Step of the last snapshot.
    saved: Option<u64>,
    /// When that was, or when the run was opened.
    since: Instant,
}

impl std::fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl<'a> Run<'a> {
    /// A new run in `folder`, whose first event has what `started` has. It can be resumed once its configuration is
    /// written, which the caller does last.
    ///
    /// # Errors
    /// [`TrainingError`] where the folder cannot be written.
    pub fn begin(folder: RunFolder, plan: RunPlan<'a>, mut started: Value) -> Result<Self, TrainingError> {
        let mut events = EventLog::create(&folder.file(EVENTS))?;
        folder.write_json("environment.json", &Environment::of(plan.device))?;
        for (key, value) in [
            ("event", json!("started")),
            ("step", json!(0)),
            ("seed", json!(plan.seed)),
            ("selfcheck", json!(plan.device.selfcheck)),
        ] {
            started[key] = value;
        }
        events.append(&started)?;
        Ok(Self::opened(folder, plan, events, None))
    }

    /// The run in `folder`, which goes on from `checkpoint`, or from its beginning where there is none.
    ///
    /// # Errors
    /// [`TrainingError`] where the log cannot be read or written.
    pub fn resume(
        folder: RunFolder,
        plan: RunPlan<'a>,
        checkpoint: Option<&Checkpoint>,
    ) -> Result<Self, TrainingError> {
        let step = checkpoint.map_or(0, Checkpoint::step);
        let mut events = EventLog::reopen(&folder.file(EVENTS), step)?;
        let resumed = json!({ "event": "resumed", "step": step, "selfcheck": plan.device.selfcheck });
        events.append(&resumed)?;
        Ok(Self::opened(folder, plan, events, checkpoint))
    }

    fn opened(
        folder: RunFolder,
        plan: RunPlan<'a>,
        events: EventLog,
        checkpoint: Option<&Checkpoint>,
    ) -> Self {
        let mut losses = LossLog::new(plan.losses);
        let last = |name: &&str| Some(checkpoint?.state(name)?.as_f64()? as f32);
        losses.set_last(plan.losses.iter().map(last).collect::<Option<_>>().unwrap_or_default());
        Self {
            tensorboard: LiveTensorBoard::start(folder.path()),
            writer: CheckpointWriter::new(folder.path(), plan.retention, checkpoint.map(Checkpoint::step)),
            saved: checkpoint.map(Checkpoint::step),
            since: Instant::now(),
            losses,
            folder,
            plan,
            events,
        }
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// The losses of the last step that was read, by name.
    pub fn last_losses(&self) -> impl Iterator<Item = (&'static str, f32)> {
        self.losses.names().iter().copied().zip(self.losses.last().iter().copied())
    }

    /// Logs an event.
    ///
    /// # Errors
    /// [`TrainingError::Events`].
    pub fn append(&mut self, event: &Value) -> Result<(), TrainingError> {
        Ok(self.events.append(event)?)
    }

    /// Has `write` draw the picture `name` of the state after `step`, and logs it as `event`.
    ///
    /// # Errors
    /// That of `write`, or [`TrainingError`] where the folder or the log cannot be written.
    pub fn picture<E: From<TrainingError>>(
        &mut self,
        (event, step): (&str, u64),
        name: &str,
        write: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<(), E> {
        let path = self.folder.file(name);
        if let Some(folder) = path.parent() {
            let failed = |source| TrainingError::from(WriteError { path: folder.to_owned(), source });
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        write(&path)?;
        Ok(self.append(&json!({ "event": event, "step": step, "picture": name }))?)
    }

    /// Takes steps until the last or a stop, and saves the state that it ends with.
    ///
    /// # Errors
    /// Those of the steps, and [`TrainingError`]; what was saved before stays.
    pub fn train<S: Step>(&mut self, subject: &mut S) -> Result<Trained, S::Error> {
        let plan = self.plan;
        let (first_step, started) = (subject.steps_taken(), Instant::now());
        let mut progress = Progress::going_on(plan.doing, first_step, plan.steps);
        let mut timing = Some((StepTimes::default(), subject.size()));
        let taken_from = |step: u64| ((step - first_step) * plan.per_step.0 as u64) as f64;
        while subject.steps_taken() < plan.steps && !plan.stop.requested() {
            let step_started = Instant::now();
            let losses = subject.step()?;
            self.losses.push(losses);
            let step = subject.steps_taken();
            if let Some((times, _)) = &mut timing {
                // What does not fit on the device shows at once.
                self.losses.wait().map_err(|source| TrainingError::Device { step, source })?;
                times.note(step_started.elapsed().as_secs_f64());
            }
            if let Some((times, size)) = timing.take_if(|(times, _)| times.enough())
                && let Some(forecast) = Forecast::new(&times, size, plan.device)
            {
                self.tell(&forecast, step, &progress)?;
            }
            let written = self.writer.poll();
            self.log_written(written)?;
            let wanted = subject.after_step(self)?;
            let due = |every: u64| every > 0 && step.is_multiple_of(every);
            let checkpoint_due = due(plan.checkpoint_every) || is_old(self.since, plan.checkpoint_minutes);
            if due(plan.log_every) || checkpoint_due || wanted {
                let read = self.read(subject);
                self.tensorboard.follow();
                read?;
                let rate = taken_from(step) / started.elapsed().as_secs_f64();
                let waiting = waiting_in_words(subject.waited(), started.elapsed());
                let losses = self.losses.in_words();
                progress.update(step, &format!("{losses}, {rate:.0} {}/s{waiting}", plan.per_step.1));
            } else {
                progress.step(step);
            }
            if checkpoint_due {
                self.save(subject)?;
            }
        }
        let read = self.read(subject);
        self.tensorboard.follow();
        read?;
        let seconds = started.elapsed().as_secs_f64();
        progress.finish();
        self.save(subject)?;
        let written = self.writer.finish();
        self.log_written(written)?;
        let taken = taken_from(subject.steps_taken());
        let per_second = if taken == 0.0 { 0.0 } else { taken / seconds };
        Ok(Trained { seconds, per_second, stopped: subject.steps_taken() < plan.steps })
    }

    /// Writes `result.json`, unless there is one of the same end and no step was taken since (it would lose its speed and
    /// its seconds), and the last event, which says what there is to say (`said`) of the run.
    ///
    /// # Errors
    /// [`TrainingError`] where the folder cannot be written.
    pub fn end(
        mut self,
        (step, trained): (u64, &Trained),
        summary: &impl Serialize,
        said: &[String],
    ) -> Result<(), TrainingError> {
        let before = read_run_json::<Ended>(&self.folder.file("result.json"));
        let same_end = before.is_ok_and(|before| before.steps == step && before.stopped == trained.stopped);
        if trained.per_second > 0.0 || !same_end {
            self.folder.write_json("result.json", summary)?;
        }
        let event = if trained.stopped { "stopped" } else { "finished" };
        let mut ended = json!({ "event": event, "step": step, "seconds": trained.seconds });
        if !said.is_empty() {
            ended["said"] = json!(said);
        }
        self.append(&ended)?;
        self.tensorboard.follow();
        Ok(())
    }

    /// Reads the losses that are pending, checks that they and the weights are finite, and logs them. A gradient that is
    /// not finite shows in the weights; one that a loss scale held back does not, and is no fault.
    fn read<S: Step>(&mut self, subject: &mut S) -> Result<(), S::Error> {
        let steps = self.losses.steps() as u64;
        if steps == 0 {
            return Ok(());
        }
        let step = subject.steps_taken();
        let mut beside = subject.squared_weights();
        let weights = beside.len();
        beside.extend(subject.beside_losses());
        let read = self.losses.read(beside).map_err(|source| TrainingError::Device { step, source });
        let [losses, mut squares] = read?;
        let beside = squares.split_off(weights);
        let squares: f32 = squares.into_iter().sum();
        if let Some((step, what)) = self.losses.first_not_finite(step - steps, &losses, squares) {
            return Err(self.diverged(subject, step, what).into());
        }
        let mut event = json!({
            "event": "train", "step": step, "losses": self.losses.by_name(&losses),
            "learning_rate": subject.learning_rate(step.saturating_sub(1)),
            "memory": MemoryUse::now(&self.plan.device.device),
        });
        if weights > 0 {
            event["weight_norm"] = json!(squares.sqrt());
        }
        subject.log(event, &beside, &mut self.events)
    }

    /// Has the state written, unless a tensor is not finite: then what is there stays.
    fn save<S: Step>(&mut self, subject: &mut S) -> Result<(), S::Error> {
        let step = subject.steps_taken();
        if self.saved == Some(step) {
            return Ok(()); // a stop right after the regular one
        }
        let mut snapshot = subject.snapshot().map_err(TrainingError::from)?;
        if let Some(name) = snapshot.first_not_finite() {
            let what = format!("after step {step} the tensor `{name}` is not finite");
            return Err(self.diverged(subject, step, what).into());
        }
        snapshot = snapshot.with_state("seed", self.plan.seed);
        for (name, loss) in self.last_losses() {
            snapshot = snapshot.with_state(name, json!(loss));
        }
        // After a power cut the log must reach as far as the checkpoint.
        self.events.synchronise().map_err(TrainingError::from)?;
        let before = self.writer.start(snapshot);
        self.log_written(before)?;
        (self.saved, self.since) = (Some(step), Instant::now());
        Ok(())
    }

    /// Logs a checkpoint that is on disk and intact.
    fn log_written(
        &mut self,
        written: Result<Option<Written>, CheckpointError>,
    ) -> Result<(), TrainingError> {
        let Some(Written { step, seconds, removed }) = written? else { return Ok(()) };
        self.append(&json!({ "event": "checkpoint", "step": step, "seconds": seconds, "removed": removed }))
    }

    fn diverged<S: Step>(&mut self, subject: &S, step: u64, what: String) -> TrainingError {
        let written = self.writer.finish();
        if let Err(error) = self.log_written(written) {
            tracing::error!("{error}"); // the run ends by another
        }
        let not_finite = NotFinite {
            step,
            what,
            learning_rate: subject.learning_rate(step.saturating_sub(1)),
            seed: self.plan.seed,
            last_finite: self.losses.in_words(),
            remedy: self.plan.steadier,
            kept: NotFinite::kept(self.writer.last_written()),
        };
        let message = not_finite.to_string();
        match self.append(&json!({ "event": "not-finite", "step": step, "message": message })) {
            Ok(()) => not_finite.into(),
            Err(failed) => failed,
        }
    }

    /// Logs a forecast made at `step`, tells it, and warns of a run that takes very long.
    fn tell(&mut self, forecast: &Forecast, step: u64, progress: &Progress) -> Result<(), TrainingError> {
        if self.plan.tell {
            progress.say(&forecast.in_words());
        }
        for warning in forecast.warnings(self.plan.shorter) {
            tracing::warn!("{warning}");
        }
        let mut event = json!(forecast);
        event["event"] = json!("forecast");
        event["step"] = json!(step);
        self.append(&event)
    }
}

/// Whether a snapshot of `since` is so old that the clock asks for the next.
pub(super) fn is_old(since: Instant, minutes: u64) -> bool {
    minutes > 0 && since.elapsed() >= Duration::from_secs(60 * minutes)
}

/// The newest intact checkpoint of the run folder `run`; `None` for a run that was never saved, which begins anew with a
/// warning.
///
/// # Errors
/// [`CheckpointError`] where there are checkpoints and none can be used, or the log tells of some and there are none.
pub fn newest_checkpoint(run: &Path) -> Result<Option<Checkpoint>, TrainingError> {
    if let Some(checkpoint) = Checkpoint::newest(run)? {
        return Ok(Some(checkpoint));
    }
    match EventLog::last_saved_step(&run.join(EVENTS))? {
        0 => {
            tracing::warn!("{} was never saved: starting at step 0", run.display());
            Ok(None)
        }
        saved => Err(CheckpointError::Gone { run: run.to_owned(), saved }.into()),
    }
}
/// Which share of the time was waited for images, where it is one in a hundred or more.
fn waiting_in_words(waited: Option<Duration>, elapsed: Duration) -> String {
    let share = waited.map_or(0.0, |waited| waited.as_secs_f64() / elapsed.as_secs_f64().max(1e-9));
    if share < 0.01 { String::new() } else { format!(", {:.0} % waiting for images", 100.0 * share) }
}
