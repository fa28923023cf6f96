//! An encoder that only evaluates.

use std::collections::HashMap;

use burn::tensor::{Device, Tensor};
use zview_data::ImageShape;
use zview_network::{Mode, NamedTensors, StateError, freeze};
use zview_runtime::hash::sha256_of_bytes;

use super::{Encoder, EncoderConfig, UnfitImages};

/// An encoder that only evaluates.
#[derive(Debug, Clone)]
pub struct FrozenEncoder {
    encoder: Encoder,
    device: Device,
    /// How a file of other origin was read, where its tensors alone do not say it.
    read_as: Option<String>,
}

impl FrozenEncoder {
    /// Freezes a copy of `encoder`.
    #[must_use]
    pub fn new(encoder: &Encoder, device: &Device) -> Self {
        Self { encoder: freeze(encoder), device: device.clone(), read_as: None }
    }

    /// The same, with how the file was read as a part of [`Self::state_sha256`].
    pub(super) fn read_as(self, how: String) -> Self {
        Self { read_as: Some(how), ..self }
    }

    /// The encoder, without gradients.
    #[must_use]
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// Channels of the images it takes.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.encoder.images().channels
    }

    /// The side of the images that it takes, in pixels; `None` where it takes any.
    #[must_use]
    pub fn side(&self) -> Option<usize> {
        self.encoder.side()
    }

    /// The side of the images that it is to be given where nothing else is asked for: the one that it takes, or that it
    /// was trained on.
    #[must_use]
    pub fn usual_side(&self) -> Option<usize> {
        self.side().or_else(|| self.encoder.view()?.side())
    }

    /// Refuses images of a shape that it does not take.
    ///
    /// # Errors
    /// [`UnfitImages`].
    pub fn check_images(&self, shape: ImageShape) -> Result<(), UnfitImages> {
        let (field, takes) = match self.side() {
            _ if shape.channels != self.channels() => ("--color", format!("{} channels", self.channels())),
            Some(side) if [shape.height, shape.width] != [side; 2] => {
                ("--size", format!("{side}x{side} pixels"))
            }
            _ => return Ok(()),
        };
        let ImageShape { channels, height, width } = shape;
        let problem = format!(
            "the encoder takes images of {takes}, got {channels} channels of {height}x{width} pixels; resize or convert \
             them"
        );
        Err(UnfitImages { field, problem })
    }

    /// What it was made from.
    #[must_use]
    pub fn config(&self) -> &EncoderConfig {
        self.encoder.config()
    }

    /// The device it computes on.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// How many features an image gets (D).
    #[must_use]
    pub fn feature_dimension(&self) -> usize {
        self.encoder.feature_dimension()
    }

    /// Features (B, D) of images (B, C, H, W) in 0..1, with running statistics.
    #[must_use]
    pub fn features(&self, images: Tensor<4>) -> Tensor<2> {
        // The clone costs one reference count per tensor; evaluation changes nothing in it.
        self.encoder.clone().forward(images, Mode::Evaluate)
    }

    /// SHA-256 over every tensor, to see that nothing changed, and over how a file of other origin was read.
    ///
    /// # Errors
    /// [`StateError`] where the device cannot be read.
    pub fn state_sha256(&self) -> Result<String, StateError> {
        let tensors = NamedTensors::of_network(&self.encoder, "")?;
        let mut bytes = tensors.to_bytes(HashMap::new())?;
        bytes.extend(self.read_as.iter().flat_map(|how| how.bytes()));
        Ok(sha256_of_bytes(&bytes))
    }
}
