//! One encoder in training: its state, and one step.

use std::path::Path;
use std::time::Instant;

use burn::tensor::{Device, FloatDType, Gradients, Tensor};
use zview_data::ImageShape;
use zview_runtime::seed::{Purpose, Stream};

use super::loss_scale::{self, LossScale};
use super::precision::Precision;
use super::recipe::Recipe;
use super::stages::{PerStage, Stage, StageSeconds};
use crate::augment::Augmentation;
use crate::encoder::Encoder;
use crate::objective::Objective;
use crate::projector::Projector;
use crate::source::{SourceError, ViewSource};
use zview_network::checkpoint::{Checkpoint, CheckpointError};
use zview_network::optimizer::{Sgd, warmup_cosine};
use zview_network::{Cost, Mode, NamedTensors, StateError, TrainingCost, read_network, track_gradients};

/// Prefixes of the tensors' names in checkpoints.
const ENCODER: &str = "encoder.";
const PROJECTOR: &str = "projector";
/// Name of the loss scale among the optimizer's tensors.
const LOSS_SCALE: &str = "loss_scale";

/// Everything that changes from step to step, and what is needed to take one.
pub struct Trainer {
    recipe: Recipe,
    source: Box<dyn ViewSource>,
    augmentation: Augmentation,
    objective: Objective,
    device: Device,
    track_input: bool,
    /// The encoder.
    pub encoder: Encoder,
    /// The head between features and objective.
    pub projector: Projector,
    /// The optimizer of both.
    pub optimizer: Sgd,
    /// The factor of the loss where activations have 16 bits.
    pub loss_scale: Option<LossScale>,
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
    /// A trainer at step 0 on `device` (without autodiff). Initial weights depend on the seed alone.
    #[must_use]
    pub fn new(recipe: &Recipe, source: Box<dyn ViewSource>, device: &Device, on_gpu: bool) -> Self {
        let augmentation = Augmentation::new(&recipe.augment, source.shape(), device);
        let channels = source.shape().channels;
        let random = &mut Stream::new(recipe.seed, Purpose::Weights, 0, 0);
        let mut encoder = Encoder::new(&recipe.encoder, channels, random, device);
        let mut projector =
            Projector::new(encoder.feature_dimension(), &recipe.objective.projector, random, device);
        track_gradients(&mut encoder);
        track_gradients(&mut projector);
        let autodiff = device.clone().autodiff();
        let objective =
            Objective::new(&recipe.objective, recipe.train.batch, recipe.views.per_anchor, &autodiff);
        Self {
            source,
            augmentation,
            objective,
            device: device.clone(),
            // Backward through parameters alone gives wrong gradients on some GPU drivers
            // (tracel-ai/burn #5162); tracking the input avoids it and costs one small convolution.
            track_input: on_gpu,
            encoder,
            projector,
            optimizer: Sgd::new(&recipe.optimizer),
            loss_scale: (on_gpu && recipe.train.precision == Precision::F16)
                .then(|| LossScale::new(loss_scale::FIRST, device)),
            step: 0,
            seconds: StageSeconds::default(),
            synchronise_stages: false,
            after_stage: None,
            recipe: recipe.clone(),
        }
    }

    /// The learning rate of a step counted from 0.
    #[must_use]
    pub fn learning_rate(&self, step: u64) -> f64 {
        let train = &self.recipe.train;
        warmup_cosine(step, train.steps, train.warmup_steps, self.recipe.optimizer.lr)
    }

    /// What the encoder sees at a step counted from 0: views (B * V, C, H, W) in 0..1 after augmentation.
    ///
    /// # Errors
    /// [`SourceError`] where rendering fails.
    pub fn augmented_views(&mut self, step: u64) -> Result<Tensor<4>, SourceError> {
        let started = Instant::now();
        let views = self.source.views(self.recipe.seed, step)?;
        let started = self.stage_done(Stage::Views, started);
        let views = self.augmentation.apply(views, self.recipe.seed, step);
        self.stage_done(Stage::Augment, started);
        Ok(views)
    }

    /// One optimizer step; gives the loss, still on the device, shape `[1]`.
    ///
    /// # Errors
    /// [`SourceError`] where no views can be had.
    pub fn train_step(&mut self) -> Result<Tensor<1>, SourceError> {
        let views = self.augmented_views(self.step)?;
        let (loss, gradients) = self.loss_and_gradients(views);
        self.update(&gradients);
        Ok(loss)
    }

    /// The loss of augmented views (B * V, C, H, W), still on the device, shape `[1]`, and its gradients.
    /// The encoder's running statistics move.
    pub fn loss_and_gradients(&mut self, views: Tensor<4>) -> (Tensor<1>, Gradients) {
        let views = views.autodiff();
        let views = if self.track_input { views.require_grad() } else { views };
        let views = if self.loss_scale.is_some() { views.cast(FloatDType::F16) } else { views };
        let started = Instant::now();
        let features = self.encoder.forward(views, Mode::Train);
        let loss = self.objective.loss(self.projector.forward(features));
        let started = self.stage_done(Stage::Forward, started);
        let gradients = match &self.loss_scale {
            Some(scale) => scale.scaled(loss.clone()).backward(),
            None => loss.backward(),
        };
        self.stage_done(Stage::Backward, started);
        (loss.inner(), gradients)
    }

    /// Moves the weights along `gradients` at this step's learning rate, and counts the step.
    pub fn update(&mut self, gradients: &Gradients) {
        let started = Instant::now();
        let rate = self.learning_rate(self.step);
        let (optimizer, encoder, projector) = (&mut self.optimizer, &mut self.encoder, &mut self.projector);
        match &mut self.loss_scale {
            Some(scale) => {
                let gate = scale.gate((&*encoder, &*projector), gradients);
                optimizer.gated_step(encoder, ENCODER, gradients, rate, &gate);
                optimizer.gated_step(projector, PROJECTOR, gradients, rate, &gate);
            }
            None => {
                optimizer.step(encoder, ENCODER, gradients, rate);
                optimizer.step(projector, PROJECTOR, gradients, rate);
            }
        }
        self.stage_done(Stage::Optimize, started);
        self.step += 1;
    }

    /// What a step must do at least, by stage.
    #[must_use]
    pub fn cost(&self) -> PerStage<Cost> {
        let images = self.source.images();
        let ImageShape { channels, height, width } = self.augmentation.output_shape();
        let mut network = TrainingCost::default();
        let views = [images, channels, height, width];
        let features = self.encoder.cost(views, self.track_input, &mut network);
        self.objective.cost(self.projector.cost(features, &mut network), &mut network);
        PerStage {
            views: self.source.cost(),
            augment: self.augmentation.cost(images),
            forward: network.forward,
            backward: network.backward,
            optimize: self.optimizer.cost(&self.encoder) + self.optimizer.cost(&self.projector),
        }
    }

    /// Writes everything that changes to a checkpoint of the run folder `run`.
    ///
    /// # Errors
    /// [`CheckpointError`]; nothing half-written is left.
    pub fn checkpoint(&self, run: &Path) -> Result<Checkpoint, CheckpointError> {
        let mut model = NamedTensors::of_network(&self.encoder, ENCODER)?;
        model.extend(NamedTensors::of_network(&self.projector, PROJECTOR)?);
        let mut optimizer = self.optimizer.state()?;
        if let Some(scale) = &self.loss_scale {
            optimizer.add(LOSS_SCALE, scale.tensor())?;
        }
        Checkpoint::write(run, self.step, &[("model", model), ("optimizer", optimizer)])
    }

    /// Goes on from `checkpoint`.
    ///
    /// # Errors
    /// [`CheckpointError`] where a tensor does not fit the networks.
    pub fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        let mut model = checkpoint.open("model")?;
        read_network(&mut self.encoder, ENCODER, &mut model)?;
        read_network(&mut self.projector, PROJECTOR, &mut model)?;
        track_gradients(&mut self.encoder);
        track_gradients(&mut self.projector);
        if checkpoint.step() > 0 {
            let mut velocities = checkpoint.open("optimizer")?;
            self.optimizer.restore(&self.encoder, ENCODER, &mut velocities)?;
            self.optimizer.restore(&self.projector, PROJECTOR, &mut velocities)?;
            // A run that began in 32 bits, on a device without 16, has none.
            if self.loss_scale.is_some() && velocities.shape(LOSS_SCALE).is_some() {
                let scale = velocities.take(LOSS_SCALE, &[1]).map_err(StateError::from)?;
                self.loss_scale = Some(LossScale::new(scale[0], &self.device));
            }
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
