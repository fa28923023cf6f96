//! The first updates of a training with nothing written, so that one device can be compared with another.

use burn::tensor::{Device, Tensor};
use zview_data::ImageSet;
use zview_network::training::TrainingError;
use zview_runtime::device::read_floats;

use super::batch::Batches;
use super::config::GeneratorTraining;
use super::error::GeneratorTrainingError;
use super::{Setting, new_method};

/// The losses of the first `updates` updates, (updates, losses of the method), on `device` (without autodiff).
/// Recipe and images must go together: see [`GeneratorTraining::problems_with`].
///
/// # Errors
/// [`GeneratorTrainingError`] where the device fails.
pub fn first_losses(
    training: &GeneratorTraining,
    images: &ImageSet,
    device: &Device,
    updates: u64,
) -> Result<Vec<Vec<f32>>, GeneratorTrainingError> {
    let conditional = training.generator.conditional;
    let mut method = new_method(&Setting {
        training,
        shape: images.shape,
        classes: conditional.then_some(images.classes.len()),
        device,
    })?;
    let mut batches = Batches::new(images, (training.seed, training.train.batch), conditional, device);
    let mut read = |step: u64| {
        let losses = method.update(&mut batches, step, training.rate_factor(step))?;
        read_floats(Tensor::cat(losses, 0))
            .map_err(|source| TrainingError::Device { step: step + 1, source }.into())
    };
    (0..updates).map(&mut read).collect()
}
