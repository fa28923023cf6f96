//! What one update is shown: real images, their classes, and latents.

use std::time::Duration;

use burn::tensor::{Device, Tensor, TensorData};
use zview_data::{DataError, ImageSet, ImageShape, VisitedBatches};
use zview_runtime::seed::{Purpose, Stream};

/// Real images and their classes.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    /// (B, C, H, W) in 0 to 1.
    pub(super) images: Tensor<4>,
    /// One-hot (B, K), for a conditional generator.
    pub(super) classes: Option<Tensor<2>>,
}

/// Gives the batches of a run, any of them at any time; those one after the other are read ahead.
#[derive(Debug)]
pub(super) struct Batches<'a> {
    images: &'a ImageSet,
    seed: u64,
    size: usize,
    visited: VisitedBatches,
    conditional: bool,
    device: Device,
}

impl<'a> Batches<'a> {
    /// Batches of `size` images. Every epoch is a fresh permutation that `seed` decides. `device` is one without autodiff.
    pub(super) fn new(
        images: &'a ImageSet,
        (seed, size): (u64, usize),
        conditional: bool,
        device: &Device,
    ) -> Self {
        let visited = VisitedBatches::new(images, size);
        Self { images, seed, size, visited, conditional, device: device.clone() }
    }

    /// Batch number `number`, counted from 0.
    ///
    /// # Errors
    /// [`DataError`] where an image cannot be had.
    pub(super) fn batch(&mut self, number: u64) -> Result<Batch, DataError> {
        let read = self.visited.batch(self.seed, number)?;
        let ImageShape { channels, height, width } = self.images.shape;
        let pixels = TensorData::new(read.unit_floats(), [self.size, channels, height, width]);
        Ok(Batch { images: Tensor::from_data(pixels, &self.device), classes: self.one_hot(&read.images) })
    }

    /// The classes of batch `number`, where they are learnt; no image is read for them.
    pub(super) fn classes(&self, number: u64) -> Option<Tensor<2>> {
        self.one_hot(&self.visited.images(self.seed, number))
    }

    /// How long was waited for images in all.
    pub(super) fn waited(&self) -> Duration {
        self.visited.waited()
    }

    fn one_hot(&self, images: &[usize]) -> Option<Tensor<2>> {
        let labels = self.images.labels.as_ref().filter(|_| self.conditional)?;
        let classes: Vec<usize> = images.iter().map(|&index| labels[index] as usize).collect();
        Some(one_hot(&classes, self.images.classes.len(), &self.device))
    }
}

/// (B) class indices to (B, K). A product with it picks rows, and its gradient is repeatable.
pub(super) fn one_hot(classes: &[usize], count: usize, device: &Device) -> Tensor<2> {
    let mut values = vec![0.0f32; classes.len() * count];
    for (row, &class) in values.chunks_exact_mut(count).zip(classes) {
        row[class] = 1.0;
    }
    Tensor::from_data(TensorData::new(values, [classes.len(), count]), device)
}

/// Standard normal values (B, D): one stream per row, keyed by (seed, purpose, number, row).
pub(super) fn normal_rows(
    rows: usize,
    dimension: usize,
    key: (u64, Purpose, u64),
    device: &Device,
) -> Tensor<2> {
    let (seed, purpose, number) = key;
    let mut values = vec![0.0f32; rows * dimension];
    for (row, values) in values.chunks_exact_mut(dimension).enumerate() {
        let mut stream = Stream::new(seed, purpose, number, row as u64);
        values.fill_with(|| stream.normal());
    }
    Tensor::from_data(TensorData::new(values, [rows, dimension]), device)
}
