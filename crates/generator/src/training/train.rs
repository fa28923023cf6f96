//! The loop: from a recipe and images to a generator in a run folder.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use burn::tensor::Tensor;
use serde::Serialize;
use serde_json::json;
use zview_data::ImageSet;
use zview_network::checkpoint::{Checkpoint, CheckpointError, Retention, Snapshot};
use zview_network::{NamedTensors, WeightAverage, read_network};
use zview_runtime::device::{ChosenDevice, MemoryUse, read_floats};
use zview_runtime::forecast::{Forecast, RunSize, StepTimes};
use zview_runtime::progress::{Progress, say};
use zview_runtime::run_folder::{
    CONFIG, Environment, EventLog, IMAGES_SHA256, RunFolder, RunFolderError, other_images,
};
use zview_runtime::stop::StopSignal;
use zview_runtime::tensorboard::LiveTensorBoard;

use super::batch::Batches;
use super::config::GeneratorTraining;
use super::error::GeneratorTrainingError;
use super::method::{Method, Setting, TrainedNetwork};
use super::new_method;
use super::output::{self, write_generator};
use super::picture::{check_sample_size, write_samples};
use crate::Manifest;

/// Prefix of the averaged weights' names in checkpoints.
pub(super) const AVERAGE: &str = "average.";

/// What makes a run that is too long shorter.
const SHORTER: &str =
    "lower train.steps, train.batch or source.size, or take a smaller generator or a faster --device";

/// What training needs beside recipe and images.
#[derive(Debug, Clone)]
pub struct GeneratorTrainingOptions<'a> {
    /// The run folder; afterwards also the generator's folder.
    pub out: &'a Path,
    /// Continue the run that is there.
    pub resume: bool,
    /// Where to compute.
    pub device: &'a ChosenDevice,
    /// Asks for an orderly end.
    pub stop: &'a StopSignal,
}

/// What came out; `result.json` and `--json`.
#[derive(Debug, Clone, Serialize)]
pub struct GeneratorTrainingSummary {
    /// The run folder.
    pub run: PathBuf,
    /// The generator's name.
    pub name: String,
    /// The manifest that loads it.
    pub manifest: PathBuf,
    /// Steps taken in all.
    pub steps: u64,
    /// The losses of the last step by name.
    pub losses: std::collections::BTreeMap<String, f32>,
    /// Real images per second of this process that the generator was moved on.
    pub images_per_second: f64,
    /// Seconds of this process, from the first step.
    pub seconds: f64,
    /// The device's name.
    pub device: String,
    /// Trained numbers in the generator.
    pub parameters: usize,
    /// True where a signal ended the run early; the state is saved.
    pub stopped: bool,
}

/// Trains a generator on `images` and leaves it in the run folder: `generator.toml` and
/// the weights that it names (renewed with every checkpoint), `samples/`, `checkpoints/`, `events.jsonl`.
/// The same recipe, images and CPU build give the same bits, resumed or not.
///
/// # Errors
/// [`GeneratorTrainingError`]; what was saved before stays.
pub fn train_generator(
    training: &GeneratorTraining,
    images: &ImageSet,
    options: &GeneratorTrainingOptions<'_>,
) -> Result<GeneratorTrainingSummary, GeneratorTrainingError> {
    training.check_with(images)?;
    let mut run = Run::open(training, images, options)?;
    let mut tensorboard = LiveTensorBoard::start(options.out);
    let first_step = run.step;
    let started = Instant::now();
    let steps = training.train.steps;
    let mut progress = Progress::going_on("training the generator", first_step, steps);
    let mut timing = Some(StepTimes::default());
    let rate = |step: u64| {
        (step - first_step) as f64 * training.train.batch as f64 / started.elapsed().as_secs_f64()
    };
    while run.step < steps && !options.stop.requested() {
        let step_started = Instant::now();
        run.update();
        progress.step(run.step);
        if let Some(times) = &mut timing {
            run.wait()?;
            times.note(step_started.elapsed().as_secs_f64());
        }
        if let Some(times) = timing.take_if(|times| times.enough())
            && let Some(forecast) =
                Forecast::new(&times, run.size(images, steps - first_step), options.device)
        {
            progress.say(&forecast.in_words());
            run.tell(&forecast)?;
        }
        let due = |every: u64| every > 0 && run.step.is_multiple_of(every);
        let (log, samples) = (due(training.train.log_every), due(training.train.samples_every));
        let checkpoint = due(training.train.checkpoint_every) || run.is_old();
        if log || checkpoint || samples {
            run.read_losses()?;
            progress.update(run.step, &format!("{}, {:.0} images/s", run.losses_in_words(), rate(run.step)));
        }
        if samples {
            run.write_samples()?;
        }
        if checkpoint {
            run.save()?;
        }
        if log || checkpoint || samples {
            tensorboard.follow();
        }
    }
    run.read_losses()?;
    let seconds = started.elapsed().as_secs_f64();
    progress.finish();
    run.save()?;
    run.write_samples()?;
    tensorboard.follow();
    let summary = GeneratorTrainingSummary {
        run: options.out.to_owned(),
        name: training.name.clone(),
        manifest: options.out.join(output::MANIFEST),
        steps: run.step,
        losses: run.method.loss_names().iter().map(ToString::to_string).zip(run.losses.clone()).collect(),
        images_per_second: if run.step == first_step { 0.0 } else { rate(run.step) },
        seconds,
        device: options.device.name.clone(),
        parameters: run.method.network().parameters(),
        stopped: run.step < steps,
    };
    run.folder.write_json("result.json", &summary)?;
    let event = if summary.stopped { "stopped" } else { "finished" };
    run.events.append(&json!({ "event": event, "step": run.step, "seconds": seconds }))?;
    Ok(summary)
}

/// A run under way.
struct Run<'a> {
    training: &'a GeneratorTraining,
    options: &'a GeneratorTrainingOptions<'a>,
    folder: RunFolder,
    events: EventLog,
    batches: Batches<'a>,
    method: Box<dyn Method>,
    average: WeightAverage<Box<dyn TrainedNetwork>>,
    manifest: Manifest,
    /// Updates taken so far.
    step: u64,
    /// Losses that are still on the device, each (1), update after update.
    pending: Vec<Tensor<1>>,
    /// The losses that were read last.
    losses: Vec<f32>,
    /// Step of the last checkpoint.
    saved: Option<u64>,
    /// When that was, or when the run was opened.
    since: Instant,
    /// Step of the last sample grid.
    shown: Option<u64>,
}

impl<'a> Run<'a> {
    fn open(
        training: &'a GeneratorTraining,
        images: &'a ImageSet,
        options: &'a GeneratorTrainingOptions<'a>,
    ) -> Result<Self, GeneratorTrainingError> {
        let device = &options.device.device;
        let conditional = training.generator.conditional;
        let method = new_method(&Setting {
            training,
            shape: images.shape,
            classes: conditional.then_some(images.classes.len()),
            device,
            track_input: options.device.is_gpu(),
        })?;
        let manifest = output::manifest(training, images, method.design());
        check_sample_size(&options.out.join("samples"), &manifest)?;
        let average = WeightAverage::new(&method.network().boxed(), training.train.average_decay);
        let (folder, events) = open_folder(training, images, options)?;
        let mut run = Self {
            training,
            options,
            folder,
            events,
            batches: Batches::new(images, training.seed, conditional, device),
            method,
            average,
            manifest,
            step: 0,
            pending: Vec::new(),
            losses: Vec::new(),
            saved: None,
            since: Instant::now(),
            shown: None,
        };
        if options.resume {
            run.restore()?;
        }
        Ok(run)
    }

    fn restore(&mut self) -> Result<(), GeneratorTrainingError> {
        match Checkpoint::newest(self.folder.path())? {
            Some(checkpoint) => {
                self.method.restore(&checkpoint)?;
                let mut model = checkpoint.open("model")?;
                read_network(&mut self.average.network, AVERAGE, &mut model)?;
                self.step = checkpoint.step();
                self.saved = Some(checkpoint.step());
                let steps = self.training.train.steps;
                if self.step >= steps {
                    say(&format!(
                        "{} is finished ({steps} of {steps} steps), nothing is left to do: a longer run is a new one, with \
                         another --out",
                        self.folder.path().display()
                    ));
                }
            }
            None => {
                let saved = EventLog::last_saved_step(&self.folder.file("events.jsonl"))?;
                if saved > 0 {
                    return Err(CheckpointError::Gone { run: self.folder.path().to_owned(), saved }.into());
                }
                tracing::warn!("{} has no checkpoint yet: starting at step 0", self.folder.path().display());
            }
        }
        self.events = EventLog::reopen(&self.folder.file("events.jsonl"), self.step)?;
        self.events.append(
            &json!({ "event": "resumed", "step": self.step, "selfcheck": self.options.device.selfcheck }),
        )?;
        Ok(())
    }

    fn update(&mut self) {
        let factor = self.training.rate_factor(self.step);
        let losses = self.method.update(&mut self.batches, self.step, factor);
        self.step += 1;
        self.average.update(&self.method.network().boxed(), self.step);
        self.pending.extend(losses);
    }

    /// Reads the losses that are pending in one transfer, checks them, and logs the last.
    fn read_losses(&mut self) -> Result<(), GeneratorTrainingError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let names = self.method.loss_names();
        let losses = read_floats(Tensor::cat(std::mem::take(&mut self.pending), 0))
            .map_err(|source| GeneratorTrainingError::Device { step: Some(self.step), source })?;
        let first = self.step - (losses.len() / names.len()) as u64;
        if let Some(index) = losses.iter().position(|loss| !loss.is_finite()) {
            let step = first + (index / names.len()) as u64 + 1;
            return Err(self.diverged(format!("{} loss", names[index % names.len()]), step));
        }
        self.losses = losses[losses.len() - names.len()..].to_vec();
        let named: std::collections::BTreeMap<&str, f32> =
            names.iter().copied().zip(self.losses.iter().copied()).collect();
        let memory = MemoryUse::now(&self.options.device.device);
        self.events
            .append(&json!({ "event": "train", "step": self.step, "losses": named, "memory": memory }))?;
        Ok(())
    }

    fn losses_in_words(&self) -> String {
        let words = self.method.loss_names().iter().zip(&self.losses);
        words.map(|(name, loss)| format!("{name} {loss:.3}")).collect::<Vec<_>>().join(", ")
    }

    /// Checkpoint and generator, unless a weight is not finite: then what is there stays.
    fn save(&mut self) -> Result<(), GeneratorTrainingError> {
        let mut model = self.method.model_state()?;
        model.extend(NamedTensors::of_network(&self.average.network, AVERAGE)?);
        if let Some(name) = model.first_not_finite() {
            return Err(self.diverged(format!("weight {name}"), self.step));
        }
        let run = self.folder.path();
        let parts = vec![("model", model), ("optimizer", self.method.optimizer_state()?)];
        let snapshot = Snapshot::new(self.step, parts).with_state("seed", self.training.seed);
        let retention = Retention { last: self.training.train.keep_checkpoints, best: false };
        self.events.synchronise()?;
        let checkpoint = snapshot.write(run)?;
        retention.apply(run, &checkpoint)?;
        self.events.append(&json!({ "event": "checkpoint", "step": self.step }))?;
        write_generator(run, &self.manifest, &*self.finished_generator(), self.step)?;
        self.saved = Some(self.step);
        self.since = Instant::now();
        Ok(())
    }

    /// Whether the clock asks for a checkpoint.
    fn is_old(&self) -> bool {
        let minutes = self.training.train.checkpoint_minutes;
        minutes > 0 && self.since.elapsed() >= Duration::from_secs(60 * minutes)
    }

    /// Waits for the device to have computed what is pending.
    fn wait(&self) -> Result<(), GeneratorTrainingError> {
        let last = self.pending.last().cloned();
        let read = last.map_or(Ok(Vec::new()), read_floats);
        read.map(|_| ()).map_err(|source| GeneratorTrainingError::Device { step: Some(self.step), source })
    }

    /// How large the run is, with what is left of it at the first step of this process.
    fn size(&self, images: &ImageSet, steps_left: u64) -> RunSize {
        let (train, shape) = (&self.training.train, images.shape);
        RunSize {
            steps: train.steps,
            steps_left,
            epochs: Some(train.steps as f64 * train.batch as f64 / images.len().max(1) as f64),
            epoch_of: Some(format!("{} images", images.len())),
            parameters: self.method.network().parameters(),
            view: [shape.channels, shape.height, shape.width],
            memory_estimate: None,
        }
    }

    /// Logs a forecast, and warns of a run that takes very long.
    fn tell(&mut self, forecast: &Forecast) -> Result<(), GeneratorTrainingError> {
        for warning in forecast.warnings(SHORTER) {
            tracing::warn!("{warning}");
        }
        let mut event = json!(forecast);
        event["event"] = json!("forecast");
        event["step"] = json!(self.step);
        Ok(self.events.append(&event)?)
    }

    /// What is written and shown: the average, or the last weights where there is none.
    fn finished_generator(&self) -> Box<dyn TrainedNetwork> {
        let averaged = self.training.train.average_decay > 0.0;
        if averaged { self.average.network.clone() } else { self.method.network().boxed() }
    }

    fn write_samples(&mut self) -> Result<(), GeneratorTrainingError> {
        if self.shown.replace(self.step) == Some(self.step) {
            return Ok(()); // the end of the run is a step with samples
        }
        let name = format!("samples/step-{:08}.png", self.step);
        let network = zview_network::freeze(&self.finished_generator());
        let (path, device) = (self.folder.file(&name), &self.options.device.device);
        write_samples(&path, &*network, &self.manifest, self.training.seed, device)?;
        Ok(self.events.append(&json!({ "event": "samples", "step": self.step, "picture": name }))?)
    }

    fn diverged(&mut self, what: String, step: u64) -> GeneratorTrainingError {
        let kept = match self.saved {
            Some(saved) => format!("the generator and the checkpoint of step {saved} are kept"),
            None => "nothing was saved before it (train.checkpoint_every)".to_owned(),
        };
        let error = GeneratorTrainingError::NotFinite { what, step, seed: self.training.seed, kept };
        let event = json!({ "event": "not-finite", "step": step, "message": error.to_string() });
        match self.events.append(&event) {
            Ok(()) => error,
            Err(failed) => failed.into(),
        }
    }
}

fn open_folder(
    training: &GeneratorTraining,
    images: &ImageSet,
    options: &GeneratorTrainingOptions<'_>,
) -> Result<(RunFolder, EventLog), GeneratorTrainingError> {
    let samples = |folder: &RunFolder| {
        let path = folder.file("samples");
        std::fs::create_dir_all(&path).map_err(|source| zview_runtime::atomic::WriteError { path, source })
    };
    if options.resume {
        let folder = RunFolder::resume(options.out)?;
        let stored = GeneratorTraining::of_run(&folder)?;
        let training = &training.with_path_as_in(&stored);
        const MINUTES: &str = "train.checkpoint_minutes";
        // Images may have moved: whether they are the same is asked of themselves.
        folder.check_same_config(&stored, training, [&[MINUTES, "source.data"], &[MINUTES]])?;
        if let Some(changed) = other_images(options.out, &images.name, &images.content_sha256()) {
            return Err(RunFolderError::Changed { path: options.out.to_owned(), changed }.into());
        }
        samples(&folder)?;
        let events = EventLog::reopen(&folder.file("events.jsonl"), u64::MAX)?;
        return Ok((folder, events));
    }
    let folder = RunFolder::create(options.out)?;
    samples(&folder)?;
    let mut events = EventLog::create(&folder.file("events.jsonl"))?;
    folder.write_json("environment.json", &Environment::of(options.device))?;
    let selfcheck = options.device.selfcheck;
    let mut started = json!({ "event": "started", "step": 0, "selfcheck": selfcheck });
    started[IMAGES_SHA256] = json!(images.content_sha256());
    started[CONFIG] = json!(training.with_absolute_paths());
    events.append(&started)?;
    folder.write_config(&training.with_absolute_paths())?;
    Ok((folder, events))
}
