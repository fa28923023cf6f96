//! Features and images that are made up, for tests.
#![allow(clippy::unwrap_used)] // nothing here is a user's

use std::cell::{Cell, RefCell};

use burn::tensor::{Device, Tensor};
use zview_data::{ImageSet, ImageShape};
use zview_runtime::seed::{Purpose, Stream};

use crate::{FeatureExtractor, Features, TILE_ROWS};

/// Classes `0`, `1`, ...
#[must_use]
pub fn numbered(classes: usize) -> Vec<String> {
    (0..classes).map(|class| class.to_string()).collect()
}

/// `images` points around one random centre per class, centres `separation` apart per dimension.
#[must_use]
pub fn clouds(images: usize, dimension: usize, classes: usize, separation: f32, draw: u64) -> Features {
    let mut centre_stream = Stream::new(0, Purpose::Check, 100, dimension as u64);
    let centres: Vec<f32> = (0..classes * dimension).map(|_| separation * centre_stream.normal()).collect();
    let mut stream = Stream::new(1, Purpose::Check, 101, draw);
    let mut values = Vec::new();
    let mut labels = Vec::new();
    for image in 0..images {
        let class = image % classes;
        labels.push(class as u32);
        values.extend((0..dimension).map(|d| centres[class * dimension + d] + stream.normal()));
    }
    Features::new(values, dimension, labels, numbered(classes)).unwrap()
}

/// The same features in a mapped file.
#[must_use]
pub fn mapped(features: &Features) -> Features {
    let (labels, names) = (features.labels().to_vec(), features.class_names().to_vec());
    Features::in_temporary_file(features.dimension(), labels, names, |writer| {
        features.tiles(TILE_ROWS).try_for_each(|tile| writer.push(&tile))
    })
    .unwrap()
}

/// The pixels themselves as features.
#[derive(Debug)]
pub struct Pixels {
    /// Where images are expected.
    pub device: Device,
    /// D, the pixels of an image.
    pub dimension: usize,
    /// Divides the features: 0 makes them infinite or NaN.
    pub divisor: f32,
    /// Images of each batch so far.
    pub batches: RefCell<Vec<usize>>,
    /// How often features were asked for; part of the state if `changing`.
    pub calls: Cell<usize>,
    /// Whether the state changes with every call.
    pub changing: bool,
}

impl Pixels {
    /// Of images of so many pixels.
    #[must_use]
    pub fn new(dimension: usize) -> Self {
        Self {
            device: Device::flex(),
            dimension,
            divisor: 1.0,
            batches: RefCell::default(),
            calls: Cell::new(0),
            changing: false,
        }
    }
}

impl FeatureExtractor for Pixels {
    fn feature_dimension(&self) -> usize {
        self.dimension
    }

    fn features(&self, images: Tensor<4>) -> Tensor<2> {
        self.batches.borrow_mut().push(images.dims()[0]);
        self.calls.set(self.calls.get() + 1);
        images.flatten::<2>(1, 3) / self.divisor
    }

    fn device(&self) -> &Device {
        &self.device
    }

    fn state_sha256(&self) -> Result<String, String> {
        Ok(if self.changing { self.calls.get().to_string() } else { "same".to_owned() })
    }
}

/// Images of 1x1x2 pixels: `(10 * image, 1)` of 255, labels in turn.
#[must_use]
pub fn strip(images: usize, classes: usize) -> ImageSet {
    let shape = ImageShape { channels: 1, height: 1, width: 2 };
    let pixels = (0..images).flat_map(|image| [(10 * image % 256) as u8, 1]).collect();
    let labels = (0..images).map(|image| (image % classes) as u32).collect();
    let names = (0..classes).map(|class| class.to_string()).collect();
    ImageSet::new("strip", shape, pixels, Some(labels), names).unwrap()
}
