//! What one update is shown: real images, their classes, and latents.

use burn::tensor::{Device, Tensor, TensorData};
use zview_data::{ImageSet, VisitOrder};
use zview_runtime::seed::{Purpose, Stream};

/// Real images and their classes.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    /// (B, C, H, W) in 0 to 1.
    pub(super) images: Tensor<4>,
    /// One-hot (B, K), for a conditional generator.
    pub(super) classes: Option<Tensor<2>>,
}

/// Gives the batches of a run, any of them at any time.
#[derive(Debug)]
pub(super) struct Batches<'a> {
    images: &'a ImageSet,
    order: VisitOrder,
    conditional: bool,
    device: Device,
}

impl<'a> Batches<'a> {
    /// Every epoch is a fresh permutation that `seed` decides. `device` is one without autodiff.
    pub(super) fn new(images: &'a ImageSet, seed: u64, conditional: bool, device: &Device) -> Self {
        let order = VisitOrder::new(seed, images.len());
        Self { images, order, conditional, device: device.clone() }
    }

    /// Batch number `number` (counted from 0) of `size` images.
    pub(super) fn batch(&mut self, number: u64, size: usize) -> Batch {
        let indices = self.order.batch(number, size);
        let shape = self.images.shape;
        let pixels = self.images.unit_floats(&indices);
        let pixels = TensorData::new(pixels, [size, shape.channels, shape.height, shape.width]);
        let labels = self.images.labels.as_ref().filter(|_| self.conditional);
        let classes = labels.map(|labels| {
            let classes: Vec<usize> = indices.iter().map(|&index| labels[index] as usize).collect();
            one_hot(&classes, self.images.classes.len(), &self.device)
        });
        Batch { images: Tensor::from_data(pixels, &self.device), classes }
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
