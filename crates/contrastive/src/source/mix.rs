//! Batches of which a fixed share is real.

use burn::tensor::Tensor;
use zview_data::ImageShape;
use zview_network::Cost;

use super::{GeneratorSource, RealSource, SourceError, ViewBatch, ViewSource};

/// Real anchors first, generated ones after them; the objective does not look at the order.
#[derive(Debug)]
pub struct MixSource {
    /// The real part; `None` where its share rounds to no anchor.
    pub real: Option<RealSource>,
    /// The generated part; `None` where its share rounds to no anchor.
    pub generated: Option<GeneratorSource>,
    /// The shape that both have.
    pub shape: ImageShape,
}

impl ViewSource for MixSource {
    fn shape(&self) -> ImageShape {
        self.shape
    }

    fn views(&mut self, run_seed: u64, step: u64) -> Result<ViewBatch, SourceError> {
        let mut parts = Vec::with_capacity(2);
        if let Some(real) = &mut self.real {
            parts.push(real.views(run_seed, step)?.images);
        }
        if let Some(generated) = &mut self.generated {
            parts.push(generated.views(run_seed, step)?.images);
        }
        Ok(ViewBatch { run_seed, step, images: Tensor::cat(parts, 0), latents: None, labels: None })
    }

    fn latent_dimension(&self) -> Option<usize> {
        None // the real ones have no latent
    }

    fn classes(&self) -> Option<usize> {
        None // nothing says that the generator's classes are those of the real images
    }

    fn images(&self) -> usize {
        let real = self.real.as_ref().map_or(0, ViewSource::images);
        real + self.generated.as_ref().map_or(0, ViewSource::images)
    }

    fn cost(&self) -> Cost {
        let parts = [self.real.as_ref().map(ViewSource::cost), self.generated.as_ref().map(ViewSource::cost)];
        let ImageShape { channels, height, width } = self.shape;
        let values = self.images() * channels * height * width;
        parts.into_iter().flatten().sum::<Cost>() + Cost::element_wise(0, values, 2)
    }
}
