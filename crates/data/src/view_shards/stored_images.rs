//! What the images of view shards have in common, and what they are brought to.

use std::collections::BTreeMap;

use super::ShardOptions;
use crate::image_set::ImageShape;
use crate::load::mixed_colours;

/// The images seen so far.
#[derive(Debug, Clone, Default)]
pub(super) struct StoredImages {
    /// Height and width of the first.
    extent: Option<(usize, usize)>,
    grey: usize,
    colour: usize,
    /// How many there are of each (width, height, channels).
    pub(super) sizes: BTreeMap<(usize, usize, usize), usize>,
}

impl StoredImages {
    /// One more image.
    ///
    /// # Errors
    /// Where its size differs from the others' and no common one is asked for.
    pub(super) fn add(&mut self, shape: ImageShape, options: &ShardOptions) -> Result<(), String> {
        let is_grey = shape.channels == 1;
        let one = Self {
            extent: Some((shape.height, shape.width)),
            grey: usize::from(is_grey),
            colour: usize::from(!is_grey),
            sizes: BTreeMap::from([((shape.width, shape.height, shape.channels), 1)]),
        };
        self.merge(&one, options)
    }

    /// More images.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub(super) fn merge(&mut self, other: &Self, options: &ShardOptions) -> Result<(), String> {
        if let (Some(expected), Some(got), None) = (self.shape(), other.shape(), options.size) {
            let same_channels = ImageShape { channels: expected.channels, ..got };
            if same_channels != expected {
                return Err(format!("{}; set `source.size` to bring all to one", differ(expected, got)));
            }
        }
        self.extent = self.extent.or(other.extent);
        self.grey += other.grey;
        self.colour += other.colour;
        for (size, images) in &other.sizes {
            *self.sizes.entry(*size).or_default() += images;
        }
        Ok(())
    }

    /// As stored: in colour if any is; `None` without images.
    pub(super) fn shape(&self) -> Option<ImageShape> {
        let (height, width) = self.extent?;
        Some(ImageShape { channels: if self.colour > 0 { 3 } else { 1 }, height, width })
    }

    /// What all are brought to.
    pub(super) fn fitted(&self, options: &ShardOptions) -> Option<ImageShape> {
        let stored = self.shape()?;
        let channels = options.color.channels(stored.channels);
        let (height, width) = options.size.map_or((stored.height, stored.width), |size| (size, size));
        Some(ImageShape { channels, height, width })
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.grey + self.colour
    }

    /// What is to be said of them.
    pub(super) fn note(&self, options: &ShardOptions) -> Option<String> {
        let as_stored = options.color == crate::options::ColorMode::AsStored;
        (as_stored && self.colour > 0).then(|| mixed_colours(self.grey, self.count())).flatten()
    }
}

/// That two shapes differ.
pub(super) fn differ(expected: ImageShape, got: ImageShape) -> String {
    let shown = |shape: ImageShape| format!("{} x {} x {}", shape.channels, shape.height, shape.width);
    format!("{} (channels, height, width), others are {}", shown(got), shown(expected))
}
