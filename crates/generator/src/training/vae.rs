//! A variational autoencoder (Kingma and Welling 2014, <https://arxiv.org/abs/1312.6114>; with classes as in
//! Sohn et al. 2015).
//!
//! q(z | x, y) = N(mu, diag(sigma²)) comes from an encoder, p(x | z, y) from the generator, whose pixels are
//! Bernoulli with the sigmoid of its logits. Minimised per image:
//!   -E_q[log p(x | z, y)] + beta KL(q || N(0, I)),   z = mu + sigma t, t ~ N(0, I),
//!   KL = 1/2 sum(mu² + sigma² - log sigma² - 1).

use burn::tensor::{Device, Tensor, activation};
use serde::{Deserialize, Serialize};
use zview_data::{DataError, ImageShape};
use zview_network::checkpoint::{Checkpoint, CheckpointError};
use zview_network::layers::{BatchNorm, Convolution, Init, Linear};
use zview_network::optimizer::{NamedGradients, Optimizer, OptimizerConfig};
use zview_network::{
    Mode, NamedTensors, Network, StateError, StateVisitor, read_network, track_gradients, training_input,
};
use zview_runtime::seed::{Purpose, Stream};

use super::batch::{Batches, normal_rows};
use super::config::GeneratorTraining;
use super::error::GeneratorTrainingError;
use super::layers::start_size;
use super::method::{Design, Method, MethodConfig, Setting, TrainedNetwork};
use super::problems::count_problem;
use super::train::AVERAGE;
use crate::architectures::Sequential;
use crate::layers::{Layer, Sigmoid};

/// The `[vae]` section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Channels of the encoder's first feature map; each next one has twice as many.
    pub encoder_width: usize,
    /// Weight of the divergence from the prior (the beta of a beta-VAE).
    pub kl_weight: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { encoder_width: 32, kl_weight: 1.0 }
    }
}

impl MethodConfig for Config {
    const UNUSED: &'static [&'static str] = &["optimizer.discriminator_lr"];

    fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> =
            count_problem("vae.encoder_width", self.encoder_width).into_iter().collect();
        if !(self.kl_weight >= 0.0 && self.kl_weight.is_finite()) {
            problems.push(format!("vae.kl_weight: expected 0 or more, got {}", self.kl_weight));
        }
        problems
    }
}

/// Prefixes of the tensors' names in checkpoints.
const GENERATOR: &str = "generator.";
const ENCODER: &str = "encoder.";

pub(super) struct Vae {
    config: Config,
    training: GeneratorTraining,
    design: Design,
    generator: Sequential,
    encoder: Encoder,
    optimizer: Optimizer,
    device: Device,
}

/// x and y to mu and log sigma².
#[derive(Debug, Clone)]
struct Encoder {
    stages: Vec<(Convolution, BatchNorm)>,
    posterior: Linear,
}

impl Encoder {
    fn new(mut width: usize, setting: &Setting<'_>, random: &mut Stream) -> Self {
        let Setting { training, shape, classes, device, .. } = *setting;
        let ImageShape { channels: mut inputs, height: mut side, .. } = shape;
        let mut stages = Vec::new();
        for _ in 0..start_size(side).map_or(1, |(_, doublings)| doublings) {
            let convolution = Convolution::new(inputs, width, 3, 2, Init::HeNormal, random, device);
            stages.push((convolution, BatchNorm::new(width, device)));
            (inputs, width, side) = (width, 2 * width, side / 2);
        }
        let flat = inputs * side * side + classes.unwrap_or(0);
        let posterior = Linear::new(flat, 2 * training.generator.latent_dimension, random, device);
        Self { stages, posterior }
    }

    /// Images (B, C, H, W) in 0 to 1 and one-hot classes (B, K) to mu (B, D) and log sigma² (B, D).
    fn forward(&mut self, images: Tensor<4>, classes: Option<Tensor<2>>) -> (Tensor<2>, Tensor<2>) {
        let mut map = images;
        for (convolution, norm) in &mut self.stages {
            map = norm.forward(convolution.forward(map), None, true, Mode::Train);
        }
        let [batch, channels, height, width] = map.dims();
        let flat = map.reshape([batch, channels * height * width]);
        let flat = match classes {
            Some(classes) => Tensor::cat(vec![flat, classes], 1),
            None => flat,
        };
        let posterior = self.posterior.forward(flat);
        let dimension = posterior.dims()[1] / 2;
        (posterior.clone().narrow(1, 0, dimension), posterior.narrow(1, dimension, dimension))
    }
}

impl Network for Encoder {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        for (index, (convolution, norm)) in self.stages.iter_mut().enumerate() {
            convolution.visit(&format!("{prefix}conv{index}"), visitor);
            norm.visit(&format!("{prefix}norm{index}"), visitor);
        }
        self.posterior.visit(&format!("{prefix}posterior"), visitor);
    }
}

impl Vae {
    pub(super) fn new(
        config: &Config,
        setting: &Setting<'_>,
        random: &mut Stream,
    ) -> Result<Self, GeneratorTrainingError> {
        let Setting { training, device, .. } = *setting;
        let design = Design::layer_list(setting, Layer::Sigmoid(Sigmoid {}), [0.0, 1.0]);
        let mut generator = design.network(setting, random)?;
        let mut encoder = Encoder::new(config.encoder_width, setting, random);
        track_gradients(&mut generator);
        track_gradients(&mut encoder);
        let adam = OptimizerConfig::adam(training.optimizer.beta1, training.optimizer.beta2);
        Ok(Self {
            config: config.clone(),
            training: training.clone(),
            design,
            generator,
            encoder,
            optimizer: Optimizer::new(&adam),
            device: device.clone(),
        })
    }
}

impl Method for Vae {
    fn loss_names(&self) -> &'static [&'static str] {
        &["reconstruction", "divergence"]
    }

    fn update(
        &mut self,
        batches: &mut Batches<'_>,
        step: u64,
        rate_factor: f64,
    ) -> Result<Vec<Tensor<1>>, DataError> {
        let (size, dimension) = (self.training.train.batch, self.training.generator.latent_dimension);
        let batch = batches.batch(step)?;
        let classes = batch.classes.map(Tensor::autodiff);
        let x = training_input(batch.images);
        let (mu, log_variance) = self.encoder.forward(x.clone(), classes.clone());
        let noise =
            normal_rows(size, dimension, (self.training.seed, Purpose::PosteriorNoise, step), &self.device);
        let z = mu.clone() + (log_variance.clone() * 0.5).exp() * noise.autodiff(); // mu + sigma t
        let logits = self.generator.train_but_last(z, classes.as_ref()); // the sigmoid is part of the loss
        // -log p(x | z) of Bernoulli pixels: softplus(l) - x l, as max(l, 0) - x l + log(1 + exp(-|l|)).
        let pixels =
            activation::relu(logits.clone()) - x * logits.clone() + (logits.abs().neg().exp() + 1.0).log();
        let reconstruction = pixels.sum() / size as f64;
        let divergence =
            (mu.square() + log_variance.clone().exp() - log_variance - 1.0).sum() * (0.5 / size as f64);
        let loss = reconstruction.clone() + divergence.clone() * self.config.kl_weight;
        let (mut backward, mut gradients) = (loss.backward(), NamedGradients::default());
        gradients.add(&self.generator, GENERATOR, &mut backward);
        gradients.add(&self.encoder, ENCODER, &mut backward);
        let mut update = self.optimizer.update(step + 1, self.training.optimizer.lr * rate_factor, None);
        update.step(&mut self.generator, GENERATOR, &mut gradients);
        update.step(&mut self.encoder, ENCODER, &mut gradients);
        Ok(vec![reconstruction.inner(), divergence.inner()])
    }

    fn network(&self) -> &dyn TrainedNetwork {
        &self.generator
    }

    fn design(&self) -> Design {
        self.design.clone()
    }

    fn model_state(&self) -> Result<NamedTensors, StateError> {
        let mut state = NamedTensors::of_network(&self.generator, GENERATOR)?;
        state.extend(NamedTensors::of_network(&self.encoder, ENCODER)?);
        Ok(state)
    }

    fn optimizer_state(&self) -> Result<NamedTensors, StateError> {
        self.optimizer.state()
    }

    fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        let mut model = checkpoint.open("model")?;
        read_network(&mut self.generator, GENERATOR, &mut model)?;
        read_network(&mut self.encoder, ENCODER, &mut model)?;
        model.set_aside(|name| name.starts_with(AVERAGE), "the running average, which is read apart");
        model.refuse_unused().map_err(StateError::from)?;
        track_gradients(&mut self.generator);
        track_gradients(&mut self.encoder);
        if checkpoint.step() > 0 {
            let mut moments = checkpoint.open("optimizer")?;
            self.optimizer.restore(&self.generator, GENERATOR, &mut moments)?;
            self.optimizer.restore(&self.encoder, ENCODER, &mut moments)?;
            moments.refuse_unused().map_err(StateError::from)?;
        }
        Ok(())
    }
}
