//! Views that were rendered elsewhere, read from shards while training goes on.

use std::time::Duration;

use burn::tensor::{Device, Tensor, TensorData};
use zview_data::ImageShape;
use zview_data::view_shards::BatchReader;

use zview_runtime::run_folder::ImagesSha256;

use super::{Epoch, SourceError, ViewBatch, ViewSource};

/// Anchors of view shards with V of their views, read ahead by a thread of its own.
#[derive(Debug)]
pub struct ShardSource {
    reader: BatchReader,
    device: Device,
}

impl ShardSource {
    /// The batches of `reader`, uploaded to `device`. Warns of each shard that was left out, and of what
    /// was decided.
    #[must_use]
    pub fn new(reader: BatchReader, device: &Device) -> Self {
        for damage in &reader.shards().skipped {
            tracing::warn!("left out: {damage}");
        }
        for note in &reader.shards().notes {
            tracing::warn!("{}: {note}", reader.shards().path().display());
        }
        Self { reader, device: device.clone() }
    }
}

impl ViewSource for ShardSource {
    fn shape(&self) -> ImageShape {
        self.reader.shards().shape()
    }

    fn views(&mut self, run_seed: u64, step: u64) -> Result<ViewBatch, SourceError> {
        let batch = self.reader.batch(run_seed, step)?;
        let ImageShape { channels, height, width } = self.shape();
        let plan = self.reader.plan();
        let pixels = TensorData::new(batch.pixels, [plan.anchors * plan.per_anchor, channels, height, width]);
        let images = Tensor::from_data(pixels, &self.device);
        Ok(ViewBatch { run_seed, step, images, cut_from: None, latents: batch.latents, labels: batch.labels })
    }

    fn latent_dimension(&self) -> Option<usize> {
        self.reader.shards().latent_dimension()
    }

    fn classes(&self) -> Option<usize> {
        self.reader.shards().classes()
    }

    fn epoch(&self) -> Option<Epoch> {
        let (shards, plan) = (self.reader.shards(), self.reader.plan());
        Some(Epoch { anchors: shards.anchors() as u64, per_batch: plan.anchors, unit: "anchors" })
    }

    fn waited(&self) -> Option<Duration> {
        Some(self.reader.waited())
    }

    fn content_sha256(&self) -> ImagesSha256 {
        let pixels = Some(self.reader.shards().content_sha256().to_owned());
        ImagesSha256 { pixels, files: None }
    }

    fn left_out(&self) -> Vec<String> {
        self.reader.shards().skipped.iter().map(ToString::to_string).collect()
    }

    fn account(&self) -> Vec<String> {
        self.reader.shards().account()
    }
}
