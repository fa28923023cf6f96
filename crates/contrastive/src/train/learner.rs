//! What learns: the networks, their optimizer, and their state in checkpoints.

use std::path::Path;

use burn::tensor::{FloatDType, Tensor};
use zview_data::ImageShape;
use zview_encoder::{Encoder, InitialWeights};
use zview_network::checkpoint::CheckpointError;
use zview_network::optimizer::{NamedGradients, Optimizer, StepGate};
use zview_network::weights::StateDict;
use zview_network::{
    NamedTensors, StateError, count_parameters, parameter_names, read_network, track_gradients,
    training_input,
};
use zview_runtime::device::is_cpu;
use zview_runtime::seed::Stream;

use super::loss_scale::{self, LossScale};
use super::precision::Precision;
use super::recipe::Recipe;
use crate::objective::{Objective, Outcome, Setting};
use crate::source::{SourceError, ViewBatch};

/// Prefix of the encoder's tensors in checkpoints; the objective's names begin with their parts' own.
pub const ENCODER: &str = "encoder.";
const OBJECTIVE: &str = "";
/// Name of the loss scale among the optimizer's tensors.
const LOSS_SCALE: &str = "loss_scale";

/// The networks in training, and what moves them.
#[derive(Debug)]
pub struct Learner {
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
}

impl Learner {
    /// Before the first step, for images of `shape`.
    ///
    /// # Errors
    /// As [`super::Trainer::new`].
    pub(super) fn new(
        recipe: &Recipe,
        shape: ImageShape,
        setting: &Setting<'_>,
        random: &mut Stream,
    ) -> Result<Self, SourceError> {
        let device = setting.device;
        let mut encoder = Encoder::new(&recipe.encoder, shape, random, device)?;
        let weights = recipe.encoder.weights.as_deref().map(Path::new);
        let branch = recipe.encoder.branch.as_deref();
        let initial_weights = weights.map(|path| encoder.load_weights(path, branch)).transpose()?;
        let mut objective = Objective::new(&recipe.objective, setting, &encoder, random)?;
        track_gradients(&mut encoder);
        track_gradients(&mut objective);
        let optimizer = Optimizer::new(&recipe.optimizer);
        let mut names = parameter_names(&encoder, ENCODER);
        names.extend(parameter_names(&objective, OBJECTIVE));
        optimizer
            .check_groups(&names)
            .map_err(|error| SourceError::Recipe { field: "optimizer.groups", problem: error.to_string() })?;
        let halved = recipe.train.precision == Precision::F16 && !is_cpu(device);
        let loss_scale = halved.then(|| LossScale::new(loss_scale::FIRST, device));
        Ok(Self { encoder, objective, optimizer, loss_scale, gradient_norm: None, initial_weights })
    }

    /// The loss of augmented views and the features, with their gradients recorded. The encoder's running statistics
    /// move.
    pub fn forward(&mut self, views: &ViewBatch) -> Outcome {
        let images = training_input(views.images.clone());
        let images = if self.loss_scale.is_some() { images.cast(FloatDType::F16) } else { images };
        self.objective.forward(&mut self.encoder, images, views)
    }

    /// Adds the gradients of `loss`, which have the loss scale, to `gradients`.
    pub(super) fn backward(&self, loss: Tensor<1>, gradients: &mut NamedGradients) {
        let mut backward = match &self.loss_scale {
            Some(scale) => scale.scaled(loss).backward(),
            None => loss.backward(),
        };
        gradients.add(&self.encoder, ENCODER, &mut backward);
        gradients.add(&self.objective, OBJECTIVE, &mut backward);
    }

    /// What measures `gradients`, where they are scaled or clipped, or their norm is `logged`.
    pub(super) fn gate(&self, gradients: &NamedGradients, logged: bool) -> Option<StepGate> {
        let scale = self.loss_scale.as_ref().map(LossScale::tensor);
        let clip_norm = self.optimizer.config().clip_norm;
        let wanted = scale.is_some() || clip_norm.is_some() || logged;
        wanted.then(|| StepGate::new(gradients, scale, clip_norm)).flatten()
    }

    /// Moves the weights along the `gradients` of step `step`, counted from 0, which went through `gate`.
    pub(super) fn update(
        &mut self,
        step: u64,
        rate: f64,
        gate: Option<&StepGate>,
        gradients: &mut NamedGradients,
    ) {
        if let (Some(scale), Some(gate)) = (&mut self.loss_scale, gate) {
            scale.follow(gate);
        }
        self.gradient_norm = gate.map(StepGate::norm);
        let mut update = self.optimizer.update(step + 1, rate, gate);
        update.step(&mut self.encoder, ENCODER, gradients);
        update.step(&mut self.objective, OBJECTIVE, gradients);
    }

    /// How many numbers are trained.
    #[must_use]
    pub fn count_parameters(&self) -> usize {
        count_parameters(&self.encoder) + count_parameters(&self.objective)
    }

    /// The parts `model` and `optimizer` of a checkpoint, read from the device.
    ///
    /// # Errors
    /// [`StateError::Device`].
    pub(super) fn state(&self) -> Result<[NamedTensors; 2], StateError> {
        let mut model = NamedTensors::of_network(&self.encoder, ENCODER)?;
        model.extend(NamedTensors::of_network(&self.objective, OBJECTIVE)?);
        let mut optimizer = self.optimizer.state()?;
        if let Some(scale) = &self.loss_scale {
            optimizer.add(LOSS_SCALE, scale.tensor())?;
        }
        Ok([model, optimizer])
    }

    /// Takes the weights out of a checkpoint's part `model`.
    ///
    /// # Errors
    /// [`CheckpointError`] where a tensor does not fit.
    pub(super) fn restore_weights(&mut self, model: &mut StateDict) -> Result<(), CheckpointError> {
        read_network(&mut self.encoder, ENCODER, model)?;
        read_network(&mut self.objective, OBJECTIVE, model)?;
        track_gradients(&mut self.encoder);
        track_gradients(&mut self.objective);
        Ok(())
    }

    /// Takes what the optimizer keeps out of the part `optimizer` of a checkpoint of a run that took steps.
    ///
    /// # Errors
    /// [`CheckpointError`] where a tensor does not fit.
    pub(super) fn restore_optimizer(&mut self, part: &mut StateDict) -> Result<(), CheckpointError> {
        match &mut self.loss_scale {
            None => part.set_aside(|name| name == LOSS_SCALE, "of a device with 16 bits"),
            // A run that began in 32 bits, on a device without 16, has none.
            Some(scale) if part.shape(LOSS_SCALE).is_some() => {
                let value = part.take(LOSS_SCALE, &[1]).map_err(StateError::from)?;
                *scale = LossScale::new(value[0], &scale.tensor().device());
            }
            Some(_) => {}
        }
        self.optimizer.restore(&self.encoder, ENCODER, part)?;
        Ok(self.optimizer.restore(&self.objective, OBJECTIVE, part)?)
    }
}
