//! The latent space that directions lie in, and rendering from it.

use burn::tensor::{Int, Tensor, TensorData};
use zview_runtime::seed::{Purpose, Stream};

use super::error::DirectionsError;
use crate::architectures::IntermediateSpace;
use crate::{Generator, LatentSpace};

/// One latent space of one generator.
#[derive(Clone, Copy)]
pub(super) struct Space<'a> {
    generator: &'a Generator,
    /// `None` is z.
    intermediate: Option<&'a dyn IntermediateSpace>,
}

/// Drawn latents z with classes, and the streams after these draws, for whatever else a row needs.
pub(super) struct Drawn {
    /// (B, D).
    pub(super) z: Vec<f32>,
    /// (B), for a conditional generator.
    pub(super) classes: Option<Vec<i32>>,
    /// (B).
    pub(super) streams: Vec<Stream>,
}

impl<'a> Space<'a> {
    pub(super) fn new(generator: &'a Generator, space: LatentSpace) -> Result<Self, DirectionsError> {
        let intermediate = match space {
            LatentSpace::Z => {
                generator.check_straight_directions()?;
                None
            }
            LatentSpace::W => Some(generator.intermediate()?),
        };
        Ok(Self { generator, intermediate })
    }

    pub(super) fn name(&self) -> LatentSpace {
        if self.intermediate.is_some() { LatentSpace::W } else { LatentSpace::Z }
    }

    /// The number of values of one latent.
    pub(super) fn dimension(&self) -> usize {
        self.intermediate.map_or(self.generator.latent_dimension(), IntermediateSpace::dimension)
    }

    /// The weights (D, F) that a latent is first multiplied with.
    pub(super) fn first_layer(&self) -> Result<Tensor<2>, DirectionsError> {
        match self.intermediate {
            Some(intermediate) => Some(intermediate.first_layer()),
            None => self.generator.network().first_layer(),
        }
        .ok_or_else(|| DirectionsError::NoFirstLayer { generator: self.generator.name().to_owned() })
    }

    /// z and classes of `rows` rows, each from a stream of its own; z truncated at `truncation`.
    pub(super) fn draw(&self, seed: u64, step: u64, first_row: u64, rows: usize, truncation: f32) -> Drawn {
        let dimension = self.generator.latent_dimension();
        let mut z = Vec::with_capacity(rows * dimension);
        let mut classes = self.generator.classes().map(|_| Vec::with_capacity(rows));
        let streams = (0..rows as u64)
            .map(|row| {
                let mut stream = Stream::new(seed, Purpose::Walk, step, first_row + row);
                z.extend(self.generator.prior().draw_z(&mut stream, truncation));
                if let (Some(drawn), Some(count)) = (&mut classes, self.generator.classes()) {
                    drawn.push(stream.below(count as u64) as i32);
                }
                stream
            })
            .collect();
        Drawn { z, classes, streams }
    }

    /// The drawn latents in this space (B, D), and their classes, on the generator's device.
    pub(super) fn upload(&self, drawn: &Drawn) -> (Tensor<2>, Option<Tensor<1, Int>>) {
        let (rows, device) = (drawn.streams.len(), self.generator.device());
        let z = TensorData::new(drawn.z.clone(), [rows, self.generator.latent_dimension()]);
        let z = Tensor::from_data(z, device);
        let classes = drawn.classes.as_ref().map(|classes| {
            let classes = TensorData::new(classes.clone(), [rows]);
            Tensor::from_data(classes, device)
        });
        (self.intermediate.map_or(z.clone(), |intermediate| intermediate.w_from_z(z)), classes)
    }

    /// Latents (B, D) of this space to images (B, C, H, W) with 0 for black and 1 for white, not clamped: beyond
    /// these, gradients would vanish.
    pub(super) fn image(
        &self,
        latents: Tensor<2>,
        classes: Option<Tensor<1, Int>>,
    ) -> Result<Tensor<4>, DirectionsError> {
        let raw = match self.intermediate {
            Some(intermediate) => intermediate.raw_image_from_w(latents),
            None => self.generator.raw_image_from_latent(latents, classes)?,
        };
        let [low, high] = self.generator.output().range;
        Ok(if [low, high] == [0.0, 1.0] { raw } else { (raw - low) / (high - low) })
    }
}
