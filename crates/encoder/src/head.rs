//! A linear head on an encoder: together they name the class of an image.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use zview_network::{NamedTensors, StateError, write_tensors};

use super::Encoder;
use super::config::EncoderConfig;
use super::file::metadata_with_classes;

/// logits = W F(x) + b, and what each of them is of.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassifierHead {
    /// The name of each class (C).
    pub classes: Vec<String>,
    /// W (C, D), row by row.
    pub weight: Vec<f32>,
    /// b (C).
    pub bias: Vec<f32>,
}

/// What the library of the encoder's architecture calls its head.
pub(super) fn head_name(config: &EncoderConfig) -> &'static str {
    if config.vit().is_some() { "head" } else { "fc" }
}

/// The tensors of the encoder and of its head.
pub(super) fn tensors_with_head(
    encoder: &Encoder,
    head: Option<&ClassifierHead>,
) -> Result<NamedTensors, StateError> {
    let mut tensors = NamedTensors::of_network(encoder, "")?;
    if let Some(head) = head {
        let (name, device) = (head_name(encoder.config()), Device::flex());
        let shape = [head.classes.len(), encoder.feature_dimension()];
        let weight = TensorData::new(head.weight.clone(), shape);
        tensors.add(&format!("{name}.weight"), Tensor::<2>::from_data(weight, &device))?;
        let bias = TensorData::new(head.bias.clone(), [head.bias.len()]);
        tensors.add(&format!("{name}.bias"), Tensor::<1>::from_data(bias, &device))?;
    }
    Ok(tensors)
}

/// Writes a classifier as safetensors in torchvision's or timm's naming; the header says its classes. It is an encoder's
/// file too: for that its head is not needed.
///
/// # Errors
/// [`StateError`].
pub fn save_classifier(encoder: &Encoder, head: &ClassifierHead, path: &Path) -> Result<(), StateError> {
    let metadata = metadata_with_classes(encoder, Some(head.classes.clone()));
    write_tensors(path, &tensors_with_head(encoder, Some(head))?, metadata)
}
