//! One encoder in training: its state, and one step.

use std::path::PathBuf;
use std::time::Instant;

use burn::tensor::{Device, FloatDType, Tensor};
use serde_json::Value;
use zview_data::ImageShape;
use zview_runtime::device::read_floats;
use zview_runtime::seed::{Purpose, Stream};

use super::learner::Learner;
use super::recipe::Recipe;
use super::stages::{Stage, StageClock};
use crate::objective::{Outcome, Setting, check_classes};
use crate::source::{OpenSource, SourceError, ViewBatch, ViewSource, open_source};
use crate::watch::{OnlineProbe, view_agreement};
use zview_encoder::augment::Augmentation;
use zview_kernels::record_costs;
use zview_network::checkpoint::{Checkpoint, CheckpointError, Snapshot};
use zview_network::optimizer::{NamedGradients, warmup_cosine};
use zview_network::weights::StateDict;
use zview_network::{Mode, StateError, freeze};

/// Name, in a checkpoint's manifest, of the std of views whose distance adapts.
const VIEW_STD: &str = "view_std";
/// Steps between two measurements of how alike views are.
const ADAPT_EVERY: u64 = 10;

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

/// What the encoder sees.
pub struct Views {
    /// Where the views come from.
    pub source: Box<dyn ViewSource>,
    /// What becomes of their pixels.
    pub augmentation: Augmentation,
}

impl Views {
    /// The shape of what the encoder sees.
    #[must_use]
    pub fn shape(&self) -> ImageShape {
        self.augmentation.output_shape()
    }
}

/// Everything that changes from step to step, and what is needed to take one: what learns, what it sees, and the clock.
pub struct Trainer {
    recipe: Recipe,
    device: Device,
    /// What learns.
    pub learner: Learner,
    /// What it sees.
    pub views: Views,
    /// A classifier beside the encoder that learns from its features and teaches it nothing.
    pub online_probe: Option<OnlineProbe>,
    /// Steps taken so far.
    pub step: u64,
    /// Where the time goes.
    pub clock: StageClock,
}

impl std::fmt::Debug for Trainer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trainer").field("step", &self.step).finish_non_exhaustive()
    }
}

/// The source of a recipe's views, opened for training.
///
/// # Errors
/// [`SourceError`].
pub fn source_of(
    recipe: &Recipe,
    data_dir: Option<PathBuf>,
    device: &Device,
) -> Result<Box<dyn ViewSource>, SourceError> {
    let (anchors, anchor_choice) = (recipe.train.batch, recipe.anchors);
    let how = OpenSource { anchors, anchor_choice, data_dir, augment: &recipe.augment, device };
    open_source(&recipe.source, &recipe.views, &how)
}

impl Trainer {
    /// A trainer of the views that `recipe` names; named data sets are looked up in `data_dir` first.
    ///
    /// # Errors
    /// Those of opening them, and of [`Self::new`].
    pub fn open(recipe: &Recipe, data_dir: Option<PathBuf>, device: &Device) -> Result<Self, SourceError> {
        Self::new(recipe, source_of(recipe, data_dir, device)?, device)
    }

    /// A trainer at step 0 on `device` (without autodiff). Initial weights depend on the seed alone, or are those of
    /// `encoder.weights`.
    ///
    /// # Errors
    /// [`SourceError::Recipe`] where the objective needs what the views do not have, the encoder cannot take the
    /// images, or a group of `[[optimizer.groups]]` has no parameters; [`SourceError::Encoder`] where the weights do
    /// not fit it.
    pub fn new(recipe: &Recipe, source: Box<dyn ViewSource>, device: &Device) -> Result<Self, SourceError> {
        let augment = recipe.augment.of_images(source.shape().channels);
        let augmentation =
            Augmentation::new(&augment, source.shape(), device).of_views(recipe.views.per_anchor);
        let views = Views { source, augmentation };
        let setting = Setting {
            anchors: recipe.train.batch,
            per_anchor: recipe.views.per_anchor,
            latent_dimension: views.source.latent_dimension(),
            classes: views.source.classes(),
            run_seed: recipe.seed,
            device,
        };
        let random = &mut Stream::new(recipe.seed, Purpose::Weights, 0, 0);
        let learner = Learner::new(recipe, views.shape(), &setting, random)?;
        let online_probe = recipe.watch.online_probe.then(|| {
            let problem =
                "the views have no labels; set it to false, or take a conditional generator or labelled images";
            let classes = setting.classes.ok_or_else(|| SourceError::Recipe {
                field: "watch.online_probe",
                problem: problem.to_owned(),
            })?;
            check_classes("watch.online_probe", classes)?;
            Ok::<_, SourceError>(OnlineProbe::new(learner.encoder.feature_dimension(), classes, device))
        });
        Ok(Self {
            recipe: recipe.clone(),
            device: device.clone(),
            learner,
            views,
            online_probe: online_probe.transpose()?,
            step: 0,
            clock: StageClock::of(device),
        })
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
        let views = self.views.source.views(self.recipe.seed, micro_batch)?;
        let started = self.clock.stage_done(Stage::Views, started);
        let images = {
            let (images, cut_from) = (views.images.clone(), views.cut_from.as_deref());
            self.views.augmentation.apply_to(images, cut_from, self.recipe.seed, micro_batch)
        };
        self.clock.stage_done(Stage::Augment, started);
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
        let source = &mut self.views.source;
        if source.view_std().is_some() && self.step.is_multiple_of(ADAPT_EVERY) {
            let agreement = view_agreement(features.clone(), self.recipe.views.per_anchor);
            let agreement = read_floats(agreement).map_err(SourceError::Device)?;
            source.adapt(agreement[0]);
        }
        Ok(())
    }

    /// Bytes that the encoder's layers give for an image, which the backward pass reads again. Sends one through it.
    #[must_use]
    pub fn activation_bytes(&self) -> u64 {
        let ImageShape { channels, height, width } = self.views.shape();
        let image: Tensor<4> = Tensor::zeros([1, channels, height, width], &self.device);
        let image = if self.learner.loss_scale.is_some() { image.cast(FloatDType::F16) } else { image };
        let mut encoder = freeze(&self.learner.encoder);
        record_costs(|| encoder.forward(image, Mode::Train)).1.forward.written
    }

    /// The loss of a micro-batch of augmented views as its share of the step's, and the features, without gradients
    /// and still on the device; adds the gradients, which have the loss scale, to `gradients`. The encoder's running
    /// statistics move.
    pub fn add_gradients(&mut self, views: &ViewBatch, gradients: &mut NamedGradients) -> Outcome {
        let started = Instant::now();
        let Outcome { loss, features } = self.learner.forward(views);
        let loss = match self.recipe.train.accumulate {
            1 => loss,
            micro_batches => loss / micro_batches as f64,
        };
        let started = self.clock.stage_done(Stage::Forward, started);
        self.learner.backward(loss.clone(), gradients);
        self.clock.stage_done(Stage::Backward, started);
        Outcome { loss: loss.inner(), features: features.inner() }
    }

    /// Moves the weights along the `gradients` of a whole step at its learning rate, and counts the step.
    pub fn update(&mut self, mut gradients: NamedGradients) {
        let started = Instant::now();
        let rate = self.learning_rate(self.step);
        let gate = self.learner.gate(&gradients, self.recipe.train.logged_after(self.step + 1));
        self.learner.update(self.step, rate, gate.as_ref(), &mut gradients);
        let progress = self.step as f64 / self.recipe.train.steps.max(1) as f64;
        self.learner.objective.follow(&self.learner.encoder, progress);
        self.clock.stage_done(Stage::Optimize, started);
        self.step += 1;
    }

    /// Everything that changes, read from the device.
    ///
    /// # Errors
    /// [`StateError::Device`] where the device cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot, StateError> {
        let [mut model, mut optimizer] = self.learner.state()?;
        if let Some(probe) = &self.online_probe {
            let [probe_model, probe_optimizer] = probe.state()?;
            model.extend(probe_model);
            optimizer.extend(probe_optimizer);
        }
        let snapshot = Snapshot::new(self.step, vec![("model", model), ("optimizer", optimizer)]);
        Ok(match self.views.source.view_std() {
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
        self.learner.restore_weights(&mut model)?;
        if checkpoint.step() > 0 {
            let mut optimizer = checkpoint.open("optimizer")?;
            self.learner.restore_optimizer(&mut optimizer)?;
            if let Some(probe) = &mut self.online_probe {
                probe.restore(&mut model, &mut optimizer)?;
            }
            refuse_unused(optimizer)?;
        }
        refuse_unused(model)?;
        if let Some(std) = checkpoint.state(VIEW_STD).and_then(Value::as_f64) {
            self.views.source.set_view_std(std as f32);
        }
        self.step = checkpoint.step();
        Ok(())
    }
}
