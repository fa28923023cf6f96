//! Images that lie in a mapped file: the system reads what is touched, and may forget it again.

use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;
use zview_runtime::hash::sha256_of_bytes;

use super::layout::INTEGER_BYTES;
use super::open::integer;
use crate::error::Reject;
use crate::image_set::ImageShape;
use crate::options::{Fit, Split};
use crate::resize::PlanarImage;

/// Where the names of images lie in the file, and their hashes.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub(super) text: Range<usize>,
    pub(super) ends: Range<usize>,
    pub(super) sha256: [Option<String>; 2],
}

/// Images of one shape in a mapped file.
#[derive(Debug)]
pub(crate) struct MappedImages {
    path: PathBuf,
    split: Split,
    map: Arc<Mmap>,
    /// Where they lie.
    pixels: Range<usize>,
    stored: ImageShape,
    names: Option<Names>,
    images_per_hash: usize,
    hashes: Vec<String>,
    /// What each is brought to when it is read, where that is not what is stored.
    fit: Option<(ImageShape, Fit)>,
}

impl MappedImages {
    pub(super) fn new(
        (path, split): (&Path, Split),
        map: &Arc<Mmap>,
        (pixels, stored): (Range<usize>, ImageShape),
        names: Option<Names>,
        (images_per_hash, hashes): (usize, Vec<String>),
    ) -> Self {
        let (path, map) = (path.to_owned(), Arc::clone(map));
        Self { path, split, map, pixels, stored, names, images_per_hash, hashes, fit: None }
    }

    /// The same, each brought to `shape` when it is read.
    pub(crate) fn fitted(self, shape: ImageShape, fit: Fit) -> Self {
        Self { fit: Some((shape, fit)), ..self }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.pixels.len() / self.stored.bytes()
    }

    /// The shape in the file.
    pub(crate) fn stored(&self) -> ImageShape {
        self.stored
    }

    /// All pixels as they are stored, (N, C, H, W).
    pub(crate) fn all(&self) -> &[u8] {
        &self.map[self.pixels.clone()]
    }

    /// Image `number`, (C, H, W). Panics, as a slice does, where there is none.
    pub(crate) fn pixels(&self, number: usize) -> Cow<'_, [u8]> {
        let bytes = self.stored.bytes();
        let stored = &self.all()[number * bytes..][..bytes];
        match self.fit {
            None => Cow::Borrowed(stored),
            Some((shape, fit)) => {
                let image = PlanarImage { shape: self.stored, pixels: stored.to_vec() };
                Cow::Owned(image.fit(shape.channels, fit).pixels)
            }
        }
    }

    /// The name of image `number`; `None` where it has none.
    pub(crate) fn name(&self, number: usize) -> Option<&str> {
        let Names { text, ends, .. } = self.names.as_ref()?;
        let end = |number: usize| {
            let end = self.map[ends.clone()].chunks_exact(INTEGER_BYTES as usize).nth(number).map(integer)?;
            usize::try_from(end).ok()
        };
        let start = number.checked_sub(1).map_or(Some(0), end)?;
        std::str::from_utf8(self.map[text.clone()].get(start..end(number)?)?).ok()
    }

    /// SHA-256 of the `chosen` images by the hashes in the file and what is made of them; none of them is read.
    pub(crate) fn sha256(&self, chosen: Option<&[u32]>) -> String {
        let all = sha256_of_bytes(self.hashes.concat().as_bytes());
        let is_all = |chosen: &&[u32]| {
            chosen.len() == self.len() && chosen.iter().enumerate().all(|(at, &image)| at == image as usize)
        };
        let which = match chosen.filter(|chosen| !is_all(chosen)) {
            None => String::new(),
            Some(chosen) => {
                let numbers: Vec<u8> = chosen.iter().flat_map(|image| image.to_le_bytes()).collect();
                format!(" images {}", sha256_of_bytes(&numbers))
            }
        };
        let fit = self.fit.map_or_else(String::new, |fit| format!(" {fit:?}"));
        format!("packed {all} by {}{which}{fit}", self.images_per_hash)
    }

    /// The images that have one hash together, by number, and their pixels as they are stored.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (Range<usize>, &[u8])> {
        let (per_hash, images) = (self.images_per_hash, self.len());
        self.all().chunks(per_hash.saturating_mul(self.stored.bytes())).enumerate().map(
            move |(number, pixels)| {
                let first = number * per_hash;
                (first..(first + per_hash).min(images), pixels)
            },
        )
    }

    /// What is wrong with a part that [`Self::parts`] gave, where its pixels are not those that were written.
    pub(crate) fn damage(&self, images: &Range<usize>, pixels: &[u8]) -> Option<Reject> {
        let hash = self.hashes.get(images.start / self.images_per_hash)?;
        (sha256_of_bytes(pixels) != *hash).then(|| Reject {
            path: self.path.display().to_string(),
            reason: format!(
                "{} images {} to {} are not those that were written: their SHA-256 is another",
                self.split,
                images.start,
                images.end - 1
            ),
        })
    }

    /// What is wrong with the names.
    pub(crate) fn damaged_names(&self) -> Option<Reject> {
        let Names { text, ends, sha256 } = self.names.as_ref()?;
        let got = [text, ends].map(|place| Some(sha256_of_bytes(&self.map[place.clone()])));
        (got != *sha256).then(|| Reject {
            path: self.path.display().to_string(),
            reason: format!(
                "the names of the {} images are not those that were written: their SHA-256 is another",
                self.split
            ),
        })
    }
}
