//! A generative adversarial network with the hinge loss (Lim and Ye 2017, <https://arxiv.org/abs/1705.02894>)
//! and spectral norm (Miyato et al. 2018, <https://arxiv.org/abs/1802.05957>).
//!
//! D minimises E[max(0, 1 - D(x, y))] + E[max(0, 1 + D(G(z, y), y))], G minimises -E[D(G(z, y), y)];
//! x are real images in -1 to 1, y their classes (the generator is asked for the same ones), z ~ N(0, I).
//! There is no gradient penalty: spectral norm keeps D from growing steep.

use burn::tensor::{Device, Tensor, activation};
use serde::{Deserialize, Serialize};
use zview_data::DataError;
use zview_network::checkpoint::{Checkpoint, CheckpointError};
use zview_network::optimizer::{NamedGradients, Optimizer, OptimizerConfig};
use zview_network::{NamedTensors, StateError, freeze, read_network, track_gradients, training_input};
use zview_runtime::seed::{Purpose, Stream};

use super::batch::{Batches, normal_rows};
use super::config::GeneratorTraining;
use super::discriminator::Discriminator;
use super::error::GeneratorTrainingError;
use super::method::{Design, Method, MethodConfig, Setting, TrainedNetwork};
use super::problems::{count_problem, none_problem};
use super::train::AVERAGE;
use crate::architectures::Sequential;
use crate::layers::{Layer, Tanh};

/// The `[gan]` section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Channels of the discriminator's first feature map; each next one has twice as many.
    pub discriminator_width: usize,
    /// Discriminator updates per generator update.
    pub discriminator_steps: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { discriminator_width: 32, discriminator_steps: 1 }
    }
}

impl MethodConfig for Config {
    fn problems(&self) -> Vec<String> {
        let width = count_problem("gan.discriminator_width", self.discriminator_width);
        let steps = none_problem("gan.discriminator_steps", self.discriminator_steps);
        width.into_iter().chain(steps).collect()
    }
}

/// Prefixes of the tensors' names in checkpoints.
const GENERATOR: &str = "generator.";
const DISCRIMINATOR: &str = "discriminator.";

pub(super) struct Gan {
    config: Config,
    training: GeneratorTraining,
    design: Design,
    generator: Sequential,        // G
    discriminator: Discriminator, // D
    generator_optimizer: Optimizer,
    discriminator_optimizer: Optimizer,
    device: Device,
}

impl Gan {
    pub(super) fn new(
        config: &Config,
        setting: &Setting<'_>,
        random: &mut Stream,
    ) -> Result<Self, GeneratorTrainingError> {
        let Setting { training, shape, classes, device } = *setting;
        let design = Design::layer_list(setting, Layer::Tanh(Tanh {}), [-1.0, 1.0]);
        let mut generator = design.network(setting, random)?;
        let mut discriminator =
            Discriminator::new(shape, config.discriminator_width, classes, random, device);
        track_gradients(&mut generator);
        track_gradients(&mut discriminator);
        let adam = OptimizerConfig::adam(training.optimizer.beta1, training.optimizer.beta2);
        let adam = Optimizer::new(&adam);
        Ok(Self {
            config: config.clone(),
            training: training.clone(),
            design,
            generator,
            discriminator,
            generator_optimizer: adam.clone(),
            discriminator_optimizer: adam,
            device: device.clone(),
        })
    }

    fn latents(&self, purpose: Purpose, number: u64) -> Tensor<2> {
        let (rows, dimension) = (self.training.train.batch, self.training.generator.latent_dimension);
        normal_rows(rows, dimension, (self.training.seed, purpose, number), &self.device)
    }

    /// Update `number` of D, counted from 0; gives its loss.
    fn update_discriminator(
        &mut self,
        batches: &mut Batches<'_>,
        number: u64,
        lr: f64,
    ) -> Result<Tensor<1>, DataError> {
        let batch = batches.batch(number)?;
        let real = batch.images * 2.0 - 1.0;
        let z = self.latents(Purpose::DiscriminatorLatent, number);
        let fake = freeze(&self.generator).train(z, batch.classes.as_ref());
        let (real, fake) = (training_input(real), fake.autodiff());
        let classes = batch.classes.map(Tensor::autodiff);
        let discriminator = self.discriminator.normalised();
        let real_score = discriminator.score(real, classes.as_ref());
        let fake_score = discriminator.score(fake, classes.as_ref());
        let loss =
            activation::relu(real_score.neg() + 1.0).mean() + activation::relu(fake_score + 1.0).mean();
        let mut gradients = NamedGradients::of(&self.discriminator, DISCRIMINATOR, loss.backward());
        let mut update = self.discriminator_optimizer.update(number + 1, lr, None);
        update.step(&mut self.discriminator, DISCRIMINATOR, &mut gradients);
        Ok(loss.inner())
    }

    /// Update `step` of G, counted from 0; gives its loss.
    fn update_generator(&mut self, batches: &Batches<'_>, step: u64, lr: f64) -> Tensor<1> {
        // The classes of a batch that D was just shown.
        let number = step * self.config.discriminator_steps;
        let classes = batches.classes(number).map(Tensor::autodiff);
        let z = training_input(self.latents(Purpose::GeneratorLatent, step));
        let fake = self.generator.train(z, classes.as_ref());
        let loss = self.discriminator.normalised().frozen().score(fake, classes.as_ref()).mean().neg();
        let mut gradients = NamedGradients::of(&self.generator, GENERATOR, loss.backward());
        let mut update = self.generator_optimizer.update(step + 1, lr, None);
        update.step(&mut self.generator, GENERATOR, &mut gradients);
        loss.inner()
    }
}

impl Method for Gan {
    fn loss_names(&self) -> &'static [&'static str] {
        &["discriminator", "generator"]
    }

    fn update(
        &mut self,
        batches: &mut Batches<'_>,
        step: u64,
        rate_factor: f64,
    ) -> Result<Vec<Tensor<1>>, DataError> {
        let rates = (self.training.optimizer.discriminator_lr, self.training.optimizer.lr);
        let updates = self.config.discriminator_steps;
        let mut discriminator_loss = Tensor::zeros([1], &self.device);
        for update in 0..updates {
            let number = step * updates + update;
            discriminator_loss = self.update_discriminator(batches, number, rates.0 * rate_factor)?;
        }
        Ok(vec![discriminator_loss, self.update_generator(batches, step, rates.1 * rate_factor)])
    }

    fn network(&self) -> &dyn TrainedNetwork {
        &self.generator
    }

    fn design(&self) -> Design {
        self.design.clone()
    }

    fn model_state(&self) -> Result<NamedTensors, StateError> {
        let mut state = NamedTensors::of_network(&self.generator, GENERATOR)?;
        state.extend(NamedTensors::of_network(&self.discriminator, DISCRIMINATOR)?);
        Ok(state)
    }

    fn optimizer_state(&self) -> Result<NamedTensors, StateError> {
        let mut state = self.generator_optimizer.state()?;
        state.extend(self.discriminator_optimizer.state()?);
        Ok(state)
    }

    fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        let mut model = checkpoint.open("model")?;
        read_network(&mut self.generator, GENERATOR, &mut model)?;
        read_network(&mut self.discriminator, DISCRIMINATOR, &mut model)?;
        model.set_aside(|name| name.starts_with(AVERAGE), "the running average, which is read apart");
        model.refuse_unused().map_err(StateError::from)?;
        track_gradients(&mut self.generator);
        track_gradients(&mut self.discriminator);
        if checkpoint.step() > 0 {
            let mut moments = checkpoint.open("optimizer")?;
            self.generator_optimizer.restore(&self.generator, GENERATOR, &mut moments)?;
            self.discriminator_optimizer.restore(&self.discriminator, DISCRIMINATOR, &mut moments)?;
            moments.refuse_unused().map_err(StateError::from)?;
        }
        Ok(())
    }
}
