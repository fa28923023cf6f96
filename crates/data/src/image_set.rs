//! Images of one shape in memory, as bytes, in a fixed order, with or without labels.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zview_runtime::hash::sha256_of_bytes;

use crate::error::{DataError, Reject};
use crate::ignored::{Ignored, ignored_in_words};
use crate::notes::say_once;

/// Channels, height and width of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageShape {
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// In pixels.
    pub height: usize,
    /// In pixels.
    pub width: usize,
}

impl ImageShape {
    /// Bytes of one image (one byte per channel and pixel); the largest number if it overflows.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.channels.saturating_mul(self.height).saturating_mul(self.width)
    }
}

/// Images of one shape, in a fixed order.
#[derive(Clone, Serialize)]
pub struct ImageSet {
    /// What people call it.
    pub name: String,
    /// Shape of every image.
    pub shape: ImageShape,
    /// One class index per image, or none where the source has no labels.
    pub labels: Option<Vec<u32>>,
    /// Name of each class, by index.
    pub classes: Vec<String>,
    /// The file or member of each image, as shown to people; none where images have no names.
    #[serde(skip)]
    pub names: Option<Arc<Vec<String>>>,
    /// Image files that were left out.
    pub rejects: Vec<Reject>,
    /// Files of the data set that are no images, by why.
    pub ignored: Ignored,
    /// What was decided on the way to these images, one sentence each.
    pub notes: Vec<String>,
    /// That images are too small for what they are brought to, or for anything, where some are.
    #[serde(skip)]
    pub(crate) small: Option<Arc<String>>,
    /// (N, C, H, W)
    #[serde(skip)]
    pixels: Vec<u8>,
}

impl ImageSet {
    /// A set from its parts. `pixels` is (N, C, H, W), one byte per value.
    ///
    /// # Errors
    /// [`DataError::Inconsistent`] when lengths do not match, a label has no class, or the shape is empty.
    pub fn new(
        name: impl Into<String>,
        shape: ImageShape,
        pixels: Vec<u8>,
        labels: Option<Vec<u32>>,
        classes: Vec<String>,
    ) -> Result<Self, DataError> {
        let name = name.into();
        let wrong = |field, expected: String, got: String| {
            Err(DataError::Inconsistent { name: name.clone(), field, expected, got })
        };
        if shape.bytes() == 0 {
            return wrong("shape", "at least one channel, row and column".to_owned(), format!("{shape:?}"));
        }
        let images = pixels.len() / shape.bytes();
        if images * shape.bytes() != pixels.len() {
            let expected = format!("a multiple of {} bytes", shape.bytes());
            return wrong("pixels", expected, pixels.len().to_string());
        }
        if let Some(labels) = &labels {
            if labels.len() != images {
                return wrong("labels", format!("{images}, one per image"), labels.len().to_string());
            }
            if let Some(label) = labels.iter().find(|&&label| label as usize >= classes.len()) {
                return wrong("labels", format!("below the {} classes", classes.len()), label.to_string());
            }
        }
        Ok(Self {
            name,
            shape,
            labels,
            classes,
            names: None,
            rejects: Vec::new(),
            ignored: Ignored::new(),
            notes: Vec::new(),
            small: None,
            pixels,
        })
    }

    /// The account of how the images came about: what was decided, and what was not looked at.
    #[must_use]
    pub fn account(&self) -> Vec<String> {
        self.notes.iter().cloned().chain(ignored_in_words(&self.ignored, "files")).collect()
    }

    /// Warns, once, of images that are too small to be learnt from; gives the sentence.
    pub fn warn_of_small(&self) -> Option<&str> {
        let small: &str = self.small.as_ref()?;
        say_once(&self.name, small);
        Some(small)
    }

    /// Number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pixels.len() / self.shape.bytes()
    }

    /// True when there is no image.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pixels.is_empty()
    }

    /// One image, (C, H, W) bytes. Panics, as a slice does, when `index` is not below [`Self::len`].
    #[must_use]
    pub fn pixels(&self, index: usize) -> &[u8] {
        let bytes = self.shape.bytes();
        &self.pixels[index * bytes..][..bytes]
    }

    /// The images at `indices` as numbers from 0 to 1 (byte / 255), (B, C, H, W). Panics as [`Self::pixels`].
    #[must_use]
    pub fn unit_floats(&self, indices: &[usize]) -> Vec<f32> {
        let mut values = Vec::with_capacity(indices.len() * self.shape.bytes());
        for &index in indices {
            values.extend(self.pixels(index).iter().map(|&byte| f32::from(byte) / 255.0));
        }
        values
    }

    /// The first `images` in stored order (all, if there are fewer). Image folders are stored class by
    /// class: take a shuffled selection where every class is wanted.
    #[must_use]
    pub fn first(&self, images: usize) -> Self {
        let images = images.min(self.len());
        let pixels = self.pixels[..images * self.shape.bytes()].to_vec();
        let labels = self.labels.as_ref().map(|labels| labels[..images].to_vec());
        let names = self.names.as_ref().map(|names| Arc::new(names[..images].to_vec()));
        self.with(pixels, labels, names)
    }

    /// The images at `indices`, in that order. Panics as [`Self::pixels`].
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        let mut pixels = Vec::with_capacity(indices.len() * self.shape.bytes());
        for &index in indices {
            pixels.extend_from_slice(self.pixels(index));
        }
        let labels = self.labels.as_ref().map(|labels| indices.iter().map(|&index| labels[index]).collect());
        let names = self.names.as_ref();
        let names = names.map(|names| Arc::new(indices.iter().map(|&index| names[index].clone()).collect()));
        self.with(pixels, labels, names)
    }

    /// SHA-256 that changes with the shape, any pixel, any label and the order; not with names.
    #[must_use]
    pub fn content_sha256(&self) -> String {
        let ImageShape { channels, height, width } = self.shape;
        let pixels = sha256_of_bytes(&self.pixels);
        let labels = self.labels.as_ref().map_or_else(
            || "none".to_owned(),
            |labels| {
                let bytes: Vec<u8> = labels.iter().flat_map(|label| label.to_le_bytes()).collect();
                sha256_of_bytes(&bytes)
            },
        );
        let summary = format!(
            "zview images 1\nimages {}\nshape {channels} {height} {width}\npixels {pixels}\nlabels {labels}\n",
            self.len()
        );
        sha256_of_bytes(summary.as_bytes())
    }

    /// Images of each class, by index; empty when there are no labels.
    #[must_use]
    pub fn class_counts(&self) -> Vec<usize> {
        let Some(labels) = &self.labels else { return Vec::new() };
        let mut counts = vec![0; self.classes.len()];
        for &label in labels {
            counts[label as usize] += 1;
        }
        counts
    }

    /// The images of the classes that are `kept`, with no other class in the list.
    pub(crate) fn with_classes(self, kept: &[bool]) -> Self {
        let numbers: Vec<Option<u32>> = kept
            .iter()
            .scan(0, |next, &kept| {
                let number = kept.then_some(*next);
                *next += u32::from(kept);
                Some(number)
            })
            .collect();
        let number_of = |label: u32| numbers.get(label as usize).copied().flatten();
        let images: Vec<usize> = match &self.labels {
            Some(labels) => (0..self.len()).filter(|&image| number_of(labels[image]).is_some()).collect(),
            None => return self,
        };
        let mut set = self;
        if images.len() < set.len() {
            let mut fewer = set.select(&images);
            (fewer.rejects, fewer.ignored, fewer.notes) = (set.rejects, set.ignored, set.notes);
            set = fewer;
        }
        set.labels = set.labels.map(|labels| labels.into_iter().filter_map(number_of).collect());
        set.classes =
            set.classes.into_iter().zip(kept).filter(|(_, kept)| **kept).map(|(name, _)| name).collect();
        set
    }

    fn with(&self, pixels: Vec<u8>, labels: Option<Vec<u32>>, names: Option<Arc<Vec<String>>>) -> Self {
        Self {
            name: self.name.clone(),
            shape: self.shape,
            labels,
            classes: self.classes.clone(),
            names,
            rejects: Vec::new(),
            ignored: Ignored::new(),
            notes: Vec::new(),
            small: None,
            pixels,
        }
    }
}

/// Without the pixels, which would fill any log.
impl fmt::Debug for ImageSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ImageSet")
            .field("name", &self.name)
            .field("images", &self.len())
            .field("shape", &self.shape)
            .field("labelled", &self.labels.is_some())
            .field("classes", &self.classes)
            .field("rejects", &self.rejects)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape { channels: 1, height: 2, width: 2 };

    fn three_images() -> ImageSet {
        let classes = vec!["cat".to_owned(), "dog".to_owned()];
        ImageSet::new("three", SHAPE, (0..12).collect(), Some(vec![0, 1, 1]), classes).unwrap()
    }

    #[test]
    fn images_are_cut_and_scaled() {
        let set = three_images();
        assert_eq!(set.len(), 3);
        assert_eq!(set.pixels(1), [4, 5, 6, 7]);
        assert_eq!(
            set.unit_floats(&[2, 0])[..5],
            [8.0 / 255.0, 9.0 / 255.0, 10.0 / 255.0, 11.0 / 255.0, 0.0]
        );
        assert_eq!(set.class_counts(), [1, 2]);
        let white = ImageSet::new("white", SHAPE, vec![255; 4], None, Vec::new()).unwrap();
        assert_eq!(white.unit_floats(&[0]), [1.0; 4]);
        assert!(white.class_counts().is_empty());
    }

    #[test]
    fn selections_keep_labels_with_their_images() {
        let set = three_images();
        let chosen = set.select(&[2, 0]);
        assert_eq!(chosen.labels, Some(vec![1, 0]));
        assert_eq!(chosen.pixels(0), set.pixels(2));
        assert_eq!(set.first(2).labels, Some(vec![0, 1]));
        assert_eq!(set.first(99).content_sha256(), set.content_sha256());
        assert!(set.first(0).is_empty());
    }

    #[test]
    fn the_hash_sees_pixels_labels_shape_and_order_but_not_names() {
        let set = three_images();
        let rebuild = |shape, pixels: Vec<u8>, labels| {
            let classes = vec!["a".to_owned(), "b".to_owned()];
            ImageSet::new("other", shape, pixels, labels, classes).unwrap().content_sha256()
        };
        let pixels: Vec<u8> = (0..12).collect();
        assert_eq!(set.content_sha256(), rebuild(SHAPE, pixels.clone(), Some(vec![0, 1, 1])));
        let flat = ImageShape { channels: 1, height: 1, width: 4 };
        let mut one_changed = pixels.clone();
        one_changed[11] ^= 1;
        for other in [
            rebuild(flat, pixels.clone(), Some(vec![0, 1, 1])),
            rebuild(SHAPE, one_changed, Some(vec![0, 1, 1])),
            rebuild(SHAPE, pixels.clone(), Some(vec![1, 1, 1])),
            rebuild(SHAPE, pixels, None),
            set.select(&[1, 0, 2]).content_sha256(),
        ] {
            assert_ne!(set.content_sha256(), other);
        }
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let new = |pixels: usize, labels: Option<Vec<u32>>| {
            ImageSet::new("x", SHAPE, vec![0; pixels], labels, vec!["only".to_owned()])
                .map_err(|e| e.to_string())
        };
        assert!(new(7, None).unwrap_err().contains("multiple of 4 bytes"));
        assert!(new(8, Some(vec![0])).unwrap_err().contains("expected 2, one per image, got 1"));
        assert!(new(4, Some(vec![1])).unwrap_err().contains("below the 1 classes"));
        let empty = ImageShape { channels: 0, ..SHAPE };
        assert!(ImageSet::new("x", empty, Vec::new(), None, Vec::new()).is_err());
    }

    #[test]
    fn json_and_debug_leave_the_pixels_out() {
        let json = serde_json::to_value(three_images()).unwrap();
        assert_eq!(json["shape"]["height"], 2);
        assert!(json.get("pixels").is_none());
        assert!(!format!("{:?}", three_images()).contains("pixels"));
    }
}
