//! Training a classifier on labelled images.

use std::time::Instant;

use burn::tensor::{Device, Tensor, TensorData};
use zview_data::{ImageSet, VisitedBatches};
use zview_encoder::augment::Augmentation;
use zview_network::optimizer::{NamedGradients, Optimizer, StepGate, warmup_cosine};
use zview_network::training::LossLog;
use zview_network::{count_parameters, track_gradients, training_input};
use zview_runtime::run_folder::LOSS;

use super::candidate::Candidate;
use super::classifier::{Classifier, ENCODER, cross_entropy};
use super::config::FineTuneConfig;
use super::layers::layer_groups;
use super::told::Told;
use crate::ProbeError;

/// Updates between two readings of the losses from the device.
const READ_EVERY: u64 = 20;

/// A classifier in training.
pub(super) struct Training {
    pub(super) classifier: Classifier,
    optimizer: Optimizer,
    clip_norm: Option<f64>,
    device: Device,
    steps_taken: u64,
}

/// How training ended.
pub(super) enum Trained {
    /// With finite losses.
    Finished(Box<Classifier>),
    /// With a loss that is not finite, seen after so many updates.
    Diverged(u64),
}

impl Training {
    /// Of `classifier` on `device` (without autodiff), with layer-wise rates.
    pub(super) fn new(
        mut classifier: Classifier,
        candidate: Candidate,
        config: &FineTuneConfig,
        device: &Device,
    ) -> Self {
        track_gradients(&mut classifier);
        let mut optimizer = config.optimizer_config(candidate.learning_rate);
        optimizer.groups = layer_groups(classifier.encoder.config(), ENCODER, candidate.layer_decay);
        Self {
            classifier,
            optimizer: Optimizer::new(&optimizer),
            clip_norm: config.clip_norm,
            device: device.clone(),
            steps_taken: 0,
        }
    }

    /// One update at rate `lr` on images (B, C, H, W) in 0..1 and `labels` (B); gives the loss `[1]` before it, on
    /// the device.
    pub(super) fn step(&mut self, images: Tensor<4>, labels: &[u32], lr: f64) -> Tensor<1> {
        let logits = self.classifier.forward(training_input(images));
        let loss = cross_entropy(logits, labels, &self.device);
        let mut gradients = NamedGradients::of(&self.classifier, "", loss.backward());
        let gate = self.clip_norm.and_then(|norm| StepGate::new(&gradients, None, Some(norm)));
        self.steps_taken += 1;
        let mut update = self.optimizer.update(self.steps_taken, lr, gate.as_ref());
        update.step(&mut self.classifier, "", &mut gradients);
        loss.inner()
    }
}

/// The labelled images that are learnt from.
#[derive(Clone, Copy)]
pub(super) struct TrainingSet<'a> {
    pub(super) images: &'a ImageSet,
    /// Class of each image of the set.
    pub(super) labels: &'a [u32],
    /// Which of them are learnt from.
    pub(super) chosen: &'a [usize],
    /// Images per update.
    pub(super) batch: usize,
    /// Updates.
    pub(super) steps: u64,
    /// Decides order and augmentation.
    pub(super) seed: u64,
}

/// Trains `classifier` by one candidate, and tells of each step.
///
/// # Errors
/// A device that fails.
pub(super) fn train(
    classifier: Classifier,
    candidate: Candidate,
    lesson: TrainingSet<'_>,
    config: &FineTuneConfig,
    device: &Device,
    told: &mut Told,
) -> Result<Trained, ProbeError> {
    let shape = lesson.images.shape;
    let augmentation = Augmentation::new(&config.augment, shape, device);
    let mut batches = VisitedBatches::new(&lesson.images.select(lesson.chosen), lesson.batch);
    let mut training = Training::new(classifier, candidate, config, device);
    let warmup = (config.warmup_share * lesson.steps as f64).round() as u64;
    let mut losses = LossLog::new(&[LOSS]);
    for step in 0..lesson.steps {
        let started = Instant::now();
        let batch = batches.batch(lesson.seed, step)?;
        let labels: Vec<u32> =
            batch.images.iter().map(|&position| lesson.labels[lesson.chosen[position]]).collect();
        let size = [labels.len(), shape.channels, shape.height, shape.width];
        let pixels = TensorData::new(batch.unit_floats(), size);
        let images = augmentation.apply(Tensor::from_data(pixels, device), lesson.seed, step);
        let lr = warmup_cosine(step, lesson.steps, warmup, candidate.learning_rate, 0.0);
        losses.push([training.step(images, &labels, lr)]);
        told.step();
        let timing = told.is_timing();
        if timing || (step + 1).is_multiple_of(READ_EVERY) || step + 1 == lesson.steps {
            let read = losses.read(Vec::new());
            let [read, _] = read.map_err(|source| ProbeError::Training { step: step + 1, source })?;
            if read.iter().any(|loss| !loss.is_finite()) {
                return Ok(Trained::Diverged(step + 1));
            }
            told.losses(&losses);
        }
        if timing {
            told.timed(started.elapsed().as_secs_f64(), || count_parameters(&training.classifier));
        }
    }
    Ok(Trained::Finished(Box::new(training.classifier)))
}
