//! What a method of training generators is; the loop does the rest.

use burn::tensor::{Device, Tensor};
use serde::Serialize;
use zview_data::{DataError, ImageShape};
use zview_network::checkpoint::{Checkpoint, CheckpointError};
use zview_network::{AnyNetwork, AnyVisitor, NamedTensors, Network, StateError, StateVisitor};

use super::batch::Batches;
use super::config::GeneratorTraining;
use crate::architectures::{Architecture, ArchitectureKind};
use crate::manifest::{Latent, Layer, Options};

/// The keys of one method, in the section that has its name.
pub trait MethodConfig: Default + Serialize {
    /// Keys of the sections that methods share, `section.key`, that this one has no use for.
    const UNUSED: &'static [&'static str] = &[];

    /// Everything wrong with the values, one line each.
    fn problems(&self) -> Vec<String>;
}

/// One way to train a generator.
pub(super) trait Method {
    /// The names of what [`Method::update`] gives.
    fn loss_names(&self) -> &'static [&'static str];

    /// Update number `step` (counted from 0) at `rate_factor` times the learning rates. Gives the losses, still on the
    /// device, each of shape (1).
    ///
    /// # Errors
    /// [`DataError`] where an image cannot be had.
    fn update(
        &mut self,
        batches: &mut Batches<'_>,
        step: u64,
        rate_factor: f64,
    ) -> Result<Vec<Tensor<1>>, DataError>;

    /// The generator as it stands. Its running average is what is written and shown.
    fn network(&self) -> &dyn TrainedNetwork;

    /// What the generator's manifest says of the network.
    fn design(&self) -> Design;

    /// Every tensor that an update changes, the optimizers' apart.
    ///
    /// # Errors
    /// [`StateError::Device`] where the device cannot be read.
    fn model_state(&self) -> Result<NamedTensors, StateError>;

    /// Every tensor of the optimizers.
    ///
    /// # Errors
    /// [`StateError::Device`] where the device cannot be read.
    fn optimizer_state(&self) -> Result<NamedTensors, StateError>;

    /// Goes on from `checkpoint`.
    ///
    /// # Errors
    /// [`CheckpointError`] where a tensor does not fit.
    fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), CheckpointError>;
}

/// A network in training that renders as the finished generator will: of noise, and classes where it is told them.
pub(super) trait TrainedNetwork: Architecture + AnyNetwork {
    /// A copy, which shares nothing that changes.
    fn boxed(&self) -> Box<dyn TrainedNetwork>;
}

impl<N: Architecture + Network + 'static> TrainedNetwork for N {
    fn boxed(&self) -> Box<dyn TrainedNetwork> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn TrainedNetwork> {
    fn clone(&self) -> Self {
        (**self).boxed()
    }
}

impl Network for Box<dyn TrainedNetwork> {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        (**self).visit_any(prefix, &mut AnyVisitor::new(visitor));
    }
}

/// What a manifest says of a network, beside what recipe and images decide.
#[derive(Debug, Clone)]
pub(super) struct Design {
    /// What reads the weights again.
    pub(super) architecture: ArchitectureKind,
    /// What the architecture is to be told.
    pub(super) options: Options,
    /// What goes in.
    pub(super) latent: Latent,
    /// The raw values for black and white.
    pub(super) range: [f32; 2],
    /// Of a layer list.
    pub(super) layers: Vec<Layer>,
}

/// What a method is made for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting<'a> {
    pub(super) training: &'a GeneratorTraining,
    pub(super) shape: ImageShape,
    /// K; `None` for an unconditional generator.
    pub(super) classes: Option<usize>,
    /// Without autodiff.
    pub(super) device: &'a Device,
}
