//! Views from a generator: neighbouring latents, rendered.

use zview_data::ImageShape;
use zview_generator::{AnchorsConfig, Generator, LatentSampler, ViewsConfig};

use super::{Epoch, SourceError, ViewBatch, ViewSource};

/// Anchors of a generator with their views: fresh ones at every step, never the same latent twice, or a fixed number
/// of them.
#[derive(Debug)]
pub struct GeneratorSource {
    generator: Generator,
    sampler: LatentSampler,
    /// Number of the first anchor within its step, where other generators have those before it.
    first_anchor: u64,
    anchors: usize,
    /// How many anchors there are; without it there is no end of them.
    unique: Option<u64>,
    adaptive: bool,
}

impl GeneratorSource {
    /// Batches of `anchors` anchors with views as `views` says; `first_anchor` is the number of the first of them
    /// within its step.
    ///
    /// # Errors
    /// As [`LatentSampler::new`].
    pub fn new(
        generator: Generator,
        views: &ViewsConfig,
        anchors_config: AnchorsConfig,
        (first_anchor, anchors): (u64, usize),
    ) -> Result<Self, SourceError> {
        let sampler = LatentSampler::new(views, anchors_config, &generator)?;
        let adaptive = views.wanted_agreement().is_some();
        let unique = anchors_config.unique;
        Ok(Self { generator, sampler, first_anchor, anchors, unique, adaptive })
    }
}

impl ViewSource for GeneratorSource {
    fn shape(&self) -> ImageShape {
        let output = self.generator.output();
        ImageShape { channels: output.channels, height: output.height, width: output.width }
    }

    fn views(&mut self, run_seed: u64, step: u64) -> Result<ViewBatch, SourceError> {
        let anchors = (self.first_anchor, self.anchors);
        let batch = self.sampler.sample(&self.generator, run_seed, step, anchors)?;
        let images = self.generator.render(&batch)?;
        Ok(ViewBatch {
            run_seed,
            step,
            images,
            cut_from: None,
            latents: Some(batch.latents),
            labels: batch.condition,
        })
    }

    fn latent_dimension(&self) -> Option<usize> {
        Some(self.sampler.latent_dimension())
    }

    fn classes(&self) -> Option<usize> {
        self.generator.classes()
    }

    fn epoch(&self) -> Option<Epoch> {
        let anchors = self.unique?;
        Some(Epoch { anchors, per_batch: self.anchors, unit: "anchors" })
    }

    fn view_std(&self) -> Option<f32> {
        self.adaptive.then(|| self.sampler.std())
    }

    fn set_view_std(&mut self, std: f32) {
        self.sampler.set_std(std);
    }

    fn adapt(&mut self, agreement: f32) {
        self.sampler.adapt(agreement);
    }
}
