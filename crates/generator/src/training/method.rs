//! What a method of training generators has to do; the loop does the rest.

use burn::tensor::{Device, Tensor};
use zview_data::ImageShape;
use zview_network::checkpoint::{Checkpoint, CheckpointError};
use zview_network::{NamedTensors, StateError};
use zview_runtime::seed::{Purpose, Stream};

use super::batch::Batches;
use super::config::{GeneratorTraining, MethodKind};
use super::gan::Gan;
use super::layer_network::LayerNetwork;
use super::vae::Vae;
use crate::layers::{Layer, Sigmoid, Tanh};

/// One way to train a generator.
pub(super) trait Method {
    /// The names of what [`Method::update`] gives.
    fn loss_names(&self) -> &'static [&'static str];

    /// Update number `step` (counted from 0) at `rate_factor` times the learning rates. Gives the losses, still on the
    /// device, each of shape (1).
    fn update(&mut self, batches: &mut Batches<'_>, step: u64, rate_factor: f64) -> Vec<Tensor<1>>;

    /// The generator as it stands.
    fn generator(&self) -> &LayerNetwork;

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

/// The method's table: adding one is a file and a line in each arm here.
pub(super) fn new_method(setting: &Setting<'_>) -> Box<dyn Method> {
    let random = &mut Stream::new(setting.training.seed, Purpose::Weights, 0, 0);
    match setting.training.method {
        MethodKind::Gan => Box::new(Gan::new(setting, random)),
        MethodKind::Vae => Box::new(Vae::new(setting, random)),
    }
}

/// The last layer of the method's generator, and the raw values that it gives for black and white.
pub(super) fn output_layer(method: MethodKind) -> (Layer, [f32; 2]) {
    match method {
        MethodKind::Gan => (Layer::Tanh(Tanh {}), [-1.0, 1.0]),
        MethodKind::Vae => (Layer::Sigmoid(Sigmoid {}), [0.0, 1.0]),
    }
}
