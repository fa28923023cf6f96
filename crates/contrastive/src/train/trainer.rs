//! One encoder in training: its state, and one step.

use std::path::Path;
use std::time::{Duration, Instant};

use burn::tensor::{Device, FloatDType, Tensor};
use serde_json::Value;
use zview_data::ImageShape;
use zview_runtime::device::read_floats;
use zview_runtime::seed::{Purpose, Stream};

use super::loss_scale::{self, LossScale};
use super::precision::Precision;
use super::recipe::Recipe;
use super::stages::{Stage, StageSeconds};
use crate::objective::{Objective, Outcome, Setting, check_classes};
use crate::source::{Epoch, SourceError, ViewBatch, ViewSource};
use crate::watch::{OnlineProbe, view_agreement};
use zview_encoder::augment::Augmentation;
use zview_encoder::{Encoder, InitialWeights};
use zview_kernels::record_costs;
use zview_network::checkpoint::{Checkpoint, CheckpointError, Snapshot};
use zview_network::optimizer::{NamedGradients, Optimizer, StepGate, warmup_cosine};
use zview_network::weights::StateDict;
use zview_network::{Mode, NamedTensors, StateError, freeze, parameter_names, read_network, track_gradients};

/// Prefix of the encoder's tensors in checkpoints; the objective's names begin with their parts' own.
pub const ENCODER: &str = "encoder.";
const OBJECTIVE: &str = "";
/// Name, in a checkpoint's manifest, of the std of views whose distance adapts.
const VIEW_STD: &str = "view_std";
/// Steps between two measurements of how alike views are.
const ADAPT_EVERY: u64 = 10;
/// Name of the loss scale among the optimizer's tensors.
const LOSS_SCALE: &str = "loss_scale";

/// Refuses a part of a checkpoint with a tensor that the run has no place for. The online probe measures and trains
/// nothing: a run may go on without it.
fn refuse_unused(mut part: StateDict) -> Result<(), CheckpointError> {
    part.set_aside(OnlineProbe::has, "the online probe's");
    Ok(part.refuse_unused().map_err(StateError::from)?)
}

/// What a step gives, still on the device and without gradients.
#[derive(Debug, Clone)]
pub struct StepOutcome {
    /// The loss before the update, shape `[1]`.
    pub loss: Tensor<1>,
    /// The encoder's features of the views (B * V, D).
    pub features: Tensor<2>,
    /// The views' classes (B * V), where they have any.
    pub labels: Option<Vec<i32>>,
}

/// Everything that changes from step to step, and what is needed to take one.
pub struct Trainer {
    recipe: Recipe,
    source: Box<dyn ViewSource>,
    augmentation: Augmentation,
    device: Device,
    track_input: bool,
    /// The encoder.
    pub encoder: Encoder,
    /// What is minimised, with the networks that are trained beside the encoder.
    pub objective: Objective,
    /// The optimizer of all of them.
    pub optimizer: Optimizer,
    /// The factor of the loss where activations have 16 bits.
    pub loss_scale: Option<LossScale>,
    /// The norm of the last step's gradients before clipping, `[1]`, on the device; `None` where it was not measured.
    pub gradient_norm: Option<Tensor<1>>,
    /// Where the encoder's weights came from, if from a file.
    pub initial_weights: Option<InitialWeights>,
    /// A classifier beside the encoder that learns from its features and teaches it nothing.
    pub online_probe: Option<OnlineProbe>,
    /// Steps taken so far.
    pub step: u64,
    /// Time spent, by stage.
    pub seconds: StageSeconds,
    /// Wait for the device after each stage, so that `seconds` are the device's.
    pub synchronise_stages: bool,
    /// Called at the end of each stage, after any waiting.
    pub after_stage: Option<Box<dyn FnMut(Stage)>>,
}

impl std::fmt::Debug for Trainer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trainer").field("step", &self.step).finish_non_exhaustive()
    }
}

impl Trainer {
    /// A trainer at step 0 on `device` (without autodiff). Initial weights depend on the seed alone, or are those of
    /// `encoder.weights`.
    ///
    /// # Errors
    /// [`SourceError::Recipe`] where the objective needs what the views do not have, the encoder cannot take the
    /// images, or a group of `[[optimizer.groups]]` has no parameters; [`SourceError::Encoder`] where the weights do
    /// not fit it.
    pub fn new(
        recipe: &Recipe,
        source: Box<dyn ViewSource>,
        device: &Device,
        on_gpu: bool,
    ) -> Result<Self, SourceError> {
        let augment = recipe.augment.of_images(source.shape().channels);
        let augmentation =
            Augmentation::new(&augment, source.shape(), device).of_views(recipe.views.per_anchor);
        let shape = augmentation.output_shape();
        let random = &mut Stream::new(recipe.seed, Purpose::Weights, 0, 0);
        let mut encoder = Encoder::new(&recipe.encoder, shape, random, device)?;
        let weights = recipe.encoder.weights.as_deref().map(Path::new);
        let branch = recipe.encoder.branch.as_deref();
        let initial_weights = weights.map(|path| encoder.load_weights(path, branch)).transpose()?;
        let setting = Setting {
            anchors: recipe.train.batch,
            per_anchor: recipe.views.per_anchor,
            latent_dimension: source.latent_dimension(),
            classes: source.classes(),
            run_seed: recipe.seed,
            device,
        };
        let mut objective = Objective::new(&recipe.objective, &setting, &encoder, random)?;
        let online_probe = recipe.watch.online_probe.then(|| {
            let problem =
                "the views have no labels; set it to false, or take a conditional generator or labelled images";
            let classes = setting.classes.ok_or_else(|| SourceError::Recipe {
                field: "watch.online_probe",
                problem: problem.to_owned(),
            })?;
            check_classes("watch.online_probe", classes)?;
            Ok::<_, SourceError>(OnlineProbe::new(encoder.feature_dimension(), classes, device, on_gpu))
        });
        let online_probe = online_probe.transpose()?;
        track_gradients(&mut encoder);
        track_gradients(&mut objective);
        let optimizer = Optimizer::new(&recipe.optimizer);
        let mut names = parameter_names(&encoder, ENCODER);
        names.extend(parameter_names(&objective, OBJECTIVE));
        optimizer
            .check_groups(&names)
            .map_err(|error| SourceError::Recipe { field: "optimizer.groups", problem: error.to_string() })?;
        Ok(Self {
            source,
            augmentation,
            device: device.clone(),
            // Backward through parameters alone gives wrong gradients on some GPU drivers
            // (tracel-ai/burn #5162); tracking the input avoids it and costs one small convolution.
            track_input: on_gpu,
            encoder,
            objective,
            optimizer,
            loss_scale: (on_gpu && recipe.train.precision == Precision::F16)
                .then(|| LossScale::new(loss_scale::FIRST, device)),
            gradient_norm: None,
            online_probe,
            step: 0,
            seconds: StageSeconds::default(),
            synchronise_stages: false,
            after_stage: None,
            recipe: recipe.clone(),
            initial_weights,
        })
    }

    /// The std of views whose distance adapts; `None` where it is fixed.
    #[must_use]
    pub fn view_std(&self) -> Option<f32> {
        self.source.view_std()
    }

    /// How long views were waited for in all, where another thread reads them.
    #[must_use]
    pub fn waited(&self) -> Option<Duration> {
        self.source.waited()
    }

    /// What of the source was damaged and left out, and why.
    #[must_use]
    pub fn left_out(&self) -> Vec<String> {
        self.source.left_out()
    }

    /// How the source's images came about: what was decided, and what was not looked at.
    #[must_use]
    pub fn account(&self) -> Vec<String> {
        self.source.account()
    }

    /// What an epoch of the source is; `None` where there is no end of fresh anchors.
    #[must_use]
    pub fn epoch(&self) -> Option<Epoch> {
        self.source.epoch()
    }

    /// The shape of what the encoder sees.
    #[must_use]
    pub fn view_shape(&self) -> ImageShape {
        self.augmentation.output_shape()
    }

    /// Where it computes (without autodiff).
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The learning rate of a step counted from 0.
    #[must_use]
    pub fn learning_rate(&self, step: u64) -> f64 {
        let (train, optimizer) = (&self.recipe.train, &self.recipe.optimizer);
        warmup_cosine(step, train.steps, train.warmup_steps, optimizer.lr, optimizer.final_lr_share)
    }

    /// What the encoder sees in a micro-batch counted from 0 (those of step s begin at s * train.accumulate): views
    /// after augmentation, with what is known of them.
    ///
    /// # Errors
    /// [`SourceError`] where rendering fails.
    pub fn augmented_views(&mut self, micro_batch: u64) -> Result<ViewBatch, SourceError> {
        let started = Instant::now();
        let views = self.source.views(self.recipe.seed, micro_batch)?;
        let started = self.stage_done(Stage::Views, started);
        let images = self.augmentation.apply(views.images.clone(), self.recipe.seed, micro_batch);
        self.stage_done(Stage::Augment, started);
        Ok(ViewBatch { images, ..views })
    }

    /// One optimizer step; gives the loss `[1]`, its mean over the step's micro-batches, and the features
    /// (B * V, D) of the last of them, both still on the device.
    ///
    /// # Errors
    /// [`SourceError`] where no views can be had.
    pub fn train_step(&mut self) -> Result<StepOutcome, SourceError> {
        let mut gradients = NamedGradients::default();
        let first = self.step * self.recipe.train.accumulate;
        let mut views = self.augmented_views(first)?;
        let Outcome { mut loss, mut features } = self.add_gradients(&views, &mut gradients);
        for micro_batch in first + 1..first + self.recipe.train.accumulate {
            views = self.augmented_views(micro_batch)?;
            let outcome = self.add_gradients(&views, &mut gradients);
            (loss, features) = (loss + outcome.loss, outcome.features);
        }
        self.update(gradients);
        self.adapt_views(&features)?;
        if let (Some(probe), Some(labels)) = (&mut self.online_probe, &views.labels) {
            probe.learn(features.clone(), labels, self.step);
        }
        Ok(StepOutcome { loss, features, labels: views.labels })
    }

    /// Every so many steps tells a source whose views adapt how alike the encoder finds them.
    fn adapt_views(&mut self, features: &Tensor<2>) -> Result<(), SourceError> {
        if self.source.view_std().is_some() && self.step.is_multiple_of(ADAPT_EVERY) {
            let agreement = view_agreement(features.clone(), self.recipe.views.per_anchor);
            let agreement = read_floats(agreement).map_err(SourceError::Device)?;
            self.source.adapt(agreement[0]);
        }
        Ok(())
    }

    /// The loss of augmented views and the features, with their gradients recorded. The encoder's running
    /// statistics move.
    pub fn forward(&mut self, views: &ViewBatch) -> Outcome {
        let images = views.images.clone().autodiff();
        let images = if self.track_input { images.require_grad() } else { images };
        let images = if self.loss_scale.is_some() { images.cast(FloatDType::F16) } else { images };
        self.objective.forward(&mut self.encoder, images, views)
    }

    /// Bytes that the encoder's layers give for an image, which the backward pass reads again. Sends one through it.
    #[must_use]
    pub fn activation_bytes(&self) -> u64 {
        let ImageShape { channels, height, width } = self.view_shape();
        let image = Tensor::zeros([1, channels, height, width], &self.device);
        let image = if self.loss_scale.is_some() { image.cast(FloatDType::F16) } else { image };
        let mut encoder = freeze(&self.encoder);
        record_costs(|| encoder.forward(image, Mode::Train)).1.forward.written
    }

    /// The loss of a micro-batch of augmented views as its share of the step's, and the features, without gradients
    /// and still on the device; adds the gradients, which have the loss scale, to `gradients`. The encoder's running
    /// statistics move.
    pub fn add_gradients(&mut self, views: &ViewBatch, gradients: &mut NamedGradients) -> Outcome {
        let started = Instant::now();
        let Outcome { loss, features } = self.forward(views);
        let loss = match self.recipe.train.accumulate {
            1 => loss,
            micro_batches => loss / micro_batches as f64,
        };
        let started = self.stage_done(Stage::Forward, started);
        let mut backward = match &self.loss_scale {
            Some(scale) => scale.scaled(loss.clone()).backward(),
            None => loss.backward(),
        };
        gradients.add(&self.encoder, ENCODER, &mut backward);
        gradients.add(&self.objective, OBJECTIVE, &mut backward);
        self.stage_done(Stage::Backward, started);
        Outcome { loss: loss.inner(), features: features.inner() }
    }

    /// Moves the weights along the `gradients` of a whole step at its learning rate, and counts the step.
    pub fn update(&mut self, mut gradients: NamedGradients) {
        let started = Instant::now();
        let rate = self.learning_rate(self.step);
        let gate = self.gate(&gradients);
        if let (Some(scale), Some(gate)) = (&mut self.loss_scale, &gate) {
            scale.follow(gate);
        }
        self.gradient_norm = gate.as_ref().map(StepGate::norm);
        let mut update = self.optimizer.update(self.step + 1, rate, gate.as_ref());
        update.step(&mut self.encoder, ENCODER, &mut gradients);
        update.step(&mut self.objective, OBJECTIVE, &mut gradients);
        drop(update);
        let progress = self.step as f64 / self.recipe.train.steps.max(1) as f64;
        self.objective.follow(&self.encoder, progress);
        self.stage_done(Stage::Optimize, started);
        self.step += 1;
    }

    /// What measures `gradients`, where they are scaled or clipped, or their norm is logged.
    fn gate(&self, gradients: &NamedGradients) -> Option<StepGate> {
        let scale = self.loss_scale.as_ref().map(LossScale::tensor);
        let clip_norm = self.recipe.optimizer.clip_norm;
        let wanted = scale.is_some() || clip_norm.is_some() || self.recipe.train.logged_after(self.step + 1);
        wanted.then(|| StepGate::new(gradients, scale, clip_norm)).flatten()
    }

    /// Everything that changes, read from the device.
    ///
    /// # Errors
    /// [`StateError::Device`] where the device cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot, StateError> {
        let mut model = NamedTensors::of_network(&self.encoder, ENCODER)?;
        model.extend(NamedTensors::of_network(&self.objective, OBJECTIVE)?);
        let mut optimizer = self.optimizer.state()?;
        if let Some(scale) = &self.loss_scale {
            optimizer.add(LOSS_SCALE, scale.tensor())?;
        }
        if let Some(probe) = &self.online_probe {
            let [probe_model, probe_optimizer] = probe.state()?;
            model.extend(probe_model);
            optimizer.extend(probe_optimizer);
        }
        let snapshot = Snapshot::new(self.step, vec![("model", model), ("optimizer", optimizer)]);
        Ok(match self.source.view_std() {
            Some(std) => snapshot.with_state(VIEW_STD, f64::from(std)),
            None => snapshot,
        })
    }

    /// Goes on from `checkpoint`.
    ///
    /// # Errors
    /// [`CheckpointError`] where a tensor does not fit the networks.
    pub fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        let mut model = checkpoint.open("model")?;
        read_network(&mut self.encoder, ENCODER, &mut model)?;
        read_network(&mut self.objective, OBJECTIVE, &mut model)?;
        track_gradients(&mut self.encoder);
        track_gradients(&mut self.objective);
        if checkpoint.step() > 0 {
            let mut velocities = checkpoint.open("optimizer")?;
            if self.loss_scale.is_none() {
                velocities.set_aside(|name| name == LOSS_SCALE, "of a device with 16 bits");
            }
            self.optimizer.restore(&self.encoder, ENCODER, &mut velocities)?;
            self.optimizer.restore(&self.objective, OBJECTIVE, &mut velocities)?;
            // A run that began in 32 bits, on a device without 16, has none.
            if self.loss_scale.is_some() && velocities.shape(LOSS_SCALE).is_some() {
                let scale = velocities.take(LOSS_SCALE, &[1]).map_err(StateError::from)?;
                self.loss_scale = Some(LossScale::new(scale[0], &self.device));
            }
            if let Some(probe) = &mut self.online_probe {
                probe.restore(&mut model, &mut velocities)?;
            }
            refuse_unused(velocities)?;
        }
        refuse_unused(model)?;
        if let Some(std) = checkpoint.state(VIEW_STD).and_then(Value::as_f64) {
            self.source.set_view_std(std as f32);
        }
        self.step = checkpoint.step();
        Ok(())
    }

    fn stage_done(&mut self, stage: Stage, started: Instant) -> Instant {
        if self.synchronise_stages {
            // A failure shows at the next reading of a tensor, with a better message.
            let _ = self.device.sync();
        }
        let now = self.seconds.add(stage, started);
        if let Some(after_stage) = &mut self.after_stage {
            after_stage(stage);
        }
        now
    }
}
