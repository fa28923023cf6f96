//! Views from a generator: neighbouring latents, rendered.

use zview_data::ImageShape;
use zview_generator::{Generator, ViewsConfig, sample_latents};
use zview_network::Cost;

use super::{SourceError, ViewBatch, ViewSource};

/// Fresh anchors at every step, never the same latent twice.
#[derive(Debug)]
pub struct GeneratorSource {
    generator: Generator,
    views: ViewsConfig,
    anchors: usize,
}

impl GeneratorSource {
    /// Batches of `anchors` anchors with views as `views` says.
    #[must_use]
    pub fn new(generator: Generator, views: ViewsConfig, anchors: usize) -> Self {
        Self { generator, views, anchors }
    }
}

impl ViewSource for GeneratorSource {
    fn shape(&self) -> ImageShape {
        let output = self.generator.output();
        ImageShape { channels: output.channels, height: output.height, width: output.width }
    }

    fn views(&mut self, run_seed: u64, step: u64) -> Result<ViewBatch, SourceError> {
        let (dimension, classes) = (self.generator.latent_dimension(), self.generator.classes());
        let latents = sample_latents(&self.views, dimension, classes, run_seed, step, self.anchors);
        let images = self.generator.render(&latents)?;
        Ok(ViewBatch { run_seed, step, images, latents: Some(latents.z), labels: latents.condition })
    }

    fn latent_dimension(&self) -> Option<usize> {
        Some(self.generator.latent_dimension())
    }

    fn classes(&self) -> Option<usize> {
        self.generator.classes()
    }

    fn images(&self) -> usize {
        self.anchors * self.views.per_anchor
    }

    fn cost(&self) -> Cost {
        if self.views.sampler().views_differ() {
            return self.generator.cost(self.images());
        }
        // Each anchor is rendered once, and its image repeated.
        let ImageShape { channels, height, width } = self.shape();
        let moved = (self.anchors + self.images()) * channels * height * width;
        self.generator.cost(self.anchors) + Cost::new(0, moved)
    }
}
