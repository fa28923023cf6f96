//! From a recipe and images to a generator in a run folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use burn::tensor::Tensor;
use serde::Serialize;
use serde_json::json;
use zview_data::ImageSet;
use zview_network::checkpoint::{Checkpoint, CheckpointError, Retention, Snapshot};
use zview_network::training::{Run, RunPlan, Step, TrainingError, newest_checkpoint};
use zview_network::{NamedTensors, StateError, WeightAverage, freeze, read_network};
use zview_runtime::device::ChosenDevice;
use zview_runtime::forecast::RunSize;
use zview_runtime::progress::say;
use zview_runtime::run_folder::{CONFIG, RunFolder, RunFolderError, other_images};
use zview_runtime::stop::StopSignal;

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
/// What may keep a run from diverging.
const STEADIER: &str = "lower optimizer.lr or optimizer.discriminator_lr and start anew with --out";

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
    let mut subject = Subject::new(training, images, options.device)?;
    check_sample_size(&options.out.join("samples"), &subject.manifest)?;
    let mut run = open(&mut subject, options)?;
    let trained = run.train(&mut subject)?;
    subject.write_samples(&mut run)?;
    let summary = GeneratorTrainingSummary {
        run: options.out.to_owned(),
        name: training.name.clone(),
        manifest: options.out.join(output::MANIFEST),
        steps: subject.step,
        losses: run.last_losses().map(|(name, loss)| (name.to_owned(), loss)).collect(),
        images_per_second: trained.per_second,
        seconds: trained.seconds,
        device: options.device.name.clone(),
        parameters: subject.method.network().parameters(),
        stopped: trained.stopped,
    };
    run.end((subject.step, &trained), &summary, &[])?;
    Ok(summary)
}

/// The run in the folder that `options` name: a new one, or one that goes on, where `subject` is put.
fn open<'a>(
    subject: &mut Subject<'_>,
    options: &GeneratorTrainingOptions<'a>,
) -> Result<Run<'a>, TrainingError> {
    let (training, images, out) = (subject.training, subject.images, options.out);
    let plan = plan(training, subject.method.loss_names(), options);
    if !options.resume {
        let folder = RunFolder::create(out)?;
        let resolved = training.with_absolute_paths();
        let mut started = json!(images.identity());
        started[CONFIG] = json!(resolved);
        let run = Run::begin(folder, plan, started)?;
        run.folder().write_config(&resolved)?;
        return Ok(run);
    }
    let folder = RunFolder::resume(out)?;
    let stored = GeneratorTraining::of_run(&folder)?;
    const MINUTES: &str = "train.checkpoint_minutes";
    // Images may have moved: whether they are the same is asked of themselves.
    let free: [&[&str]; 2] = [&[MINUTES, "source.data"], &[MINUTES]];
    folder.check_same_config(&stored, &training.with_paths_as_in(&stored), free)?;
    if let Some(changed) = other_images(out, &images.name, &images.identity()) {
        return Err(RunFolderError::Changed { path: out.to_owned(), changed }.into());
    }
    let checkpoint = newest_checkpoint(out)?;
    if let Some(checkpoint) = &checkpoint {
        subject.restore(checkpoint)?;
        // A kill may have come between the two.
        write_generator(out, &subject.manifest, &subject.weights()?, subject.step)?;
    }
    let run = Run::resume(folder, plan, checkpoint.as_ref())?;
    let steps = training.train.steps;
    if subject.step >= steps {
        say(&format!(
            "{} is finished ({steps} of {steps} steps), nothing is left to do: a longer run is a new one, with another \
             --out",
            out.display()
        ));
    }
    Ok(run)
}

/// What the loop needs to know of `training`.
fn plan<'a>(
    training: &GeneratorTraining,
    losses: &'static [&'static str],
    options: &GeneratorTrainingOptions<'a>,
) -> RunPlan<'a> {
    let train = &training.train;
    RunPlan {
        doing: "training the generator",
        losses,
        per_step: (train.batch, "images"),
        seed: training.seed,
        steps: train.steps,
        log_every: train.log_every,
        checkpoint_every: train.checkpoint_every,
        checkpoint_minutes: train.checkpoint_minutes,
        retention: Retention { last: train.keep_checkpoints, best: false },
        device: options.device,
        stop: options.stop,
        tell: true,
        shorter: SHORTER,
        steadier: STEADIER,
    }
}

/// A generator in training.
struct Subject<'a> {
    training: &'a GeneratorTraining,
    images: &'a ImageSet,
    device: &'a ChosenDevice,
    batches: Batches<'a>,
    method: Box<dyn Method>,
    average: WeightAverage<Box<dyn TrainedNetwork>>,
    manifest: Manifest,
    /// Updates taken so far.
    step: u64,
    /// Step of the last sample grid.
    shown: Option<u64>,
}

impl<'a> Subject<'a> {
    fn new(
        training: &'a GeneratorTraining,
        images: &'a ImageSet,
        device: &'a ChosenDevice,
    ) -> Result<Self, GeneratorTrainingError> {
        let conditional = training.generator.conditional;
        let method = new_method(&Setting {
            training,
            shape: images.shape,
            classes: conditional.then_some(images.classes.len()),
            device: &device.device,
        })?;
        let manifest = output::manifest(training, images, method.design());
        let average = WeightAverage::new(&method.network().boxed(), training.train.average_decay);
        Ok(Self {
            training,
            images,
            device,
            batches: Batches::new(images, (training.seed, training.train.batch), conditional, &device.device),
            method,
            average,
            manifest,
            step: 0,
            shown: None,
        })
    }

    fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        self.method.restore(checkpoint)?;
        read_network(&mut self.average.network, AVERAGE, &mut checkpoint.open("model")?)?;
        self.step = checkpoint.step();
        Ok(())
    }

    /// What is written and shown: the average, or the last weights where there is none.
    fn finished_generator(&self) -> Box<dyn TrainedNetwork> {
        let averaged = self.training.train.average_decay > 0.0;
        if averaged { self.average.network.clone() } else { self.method.network().boxed() }
    }

    /// The weights of the generator's file.
    fn weights(&self) -> Result<NamedTensors, StateError> {
        NamedTensors::of_network(&self.finished_generator(), "")
    }

    fn write_samples(&mut self, run: &mut Run<'_>) -> Result<(), GeneratorTrainingError> {
        let step = self.step;
        if self.shown.replace(step) == Some(step) {
            return Ok(()); // the end of the run is a step with samples
        }
        let network = freeze(&self.finished_generator());
        run.picture(("samples", step), &format!("samples/step-{step:08}.png"), |path| {
            write_samples(path, &*network, &self.manifest, (self.training.seed, step), &self.device.device)
        })
    }
}

impl Step for Subject<'_> {
    type Error = GeneratorTrainingError;

    fn steps_taken(&self) -> u64 {
        self.step
    }

    fn learning_rate(&self, step: u64) -> f64 {
        self.training.optimizer.lr * self.training.rate_factor(step)
    }

    fn size(&self) -> RunSize {
        let (train, shape) = (&self.training.train, self.images.shape);
        RunSize {
            steps: train.steps,
            steps_left: train.steps.saturating_sub(self.step),
            epochs: Some(train.steps as f64 * train.batch as f64 / self.images.len().max(1) as f64),
            epoch_of: Some(format!("{} images", self.images.len())),
            parameters: self.method.network().parameters(),
            view: [shape.channels, shape.height, shape.width],
            memory_estimate: None,
        }
    }

    fn step(&mut self) -> Result<Vec<Tensor<1>>, GeneratorTrainingError> {
        let factor = self.training.rate_factor(self.step);
        let losses = self.method.update(&mut self.batches, self.step, factor)?;
        self.step += 1;
        self.average.update(&self.method.network().boxed(), self.step);
        Ok(losses)
    }

    fn waited(&self) -> Option<Duration> {
        self.images.is_streamed().then(|| self.batches.waited())
    }

    fn after_step(&mut self, run: &mut Run<'_>) -> Result<bool, GeneratorTrainingError> {
        let every = self.training.train.samples_every;
        let due = every > 0 && self.step.is_multiple_of(every);
        if due {
            self.write_samples(run)?;
        }
        Ok(due)
    }

    fn snapshot(&mut self) -> Result<Snapshot, StateError> {
        let mut model = self.method.model_state()?;
        model.extend(NamedTensors::of_network(&self.average.network, AVERAGE)?);
        let parts = vec![("model", model), ("optimizer", self.method.optimizer_state()?)];
        let (manifest, weights, step) = (self.manifest.clone(), self.weights()?, self.step);
        let product = move |run: &Path| write_generator(run, &manifest, &weights, step);
        Ok(Snapshot::new(step, parts).with_product(product))
    }
}
