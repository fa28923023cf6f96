//! Images of one shape, as bytes in a fixed order, with or without labels: in memory, mapped, or read when they are
//! wanted.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use zview_runtime::hash::{sha256_of_bytes, sha256_of_reader};
use zview_runtime::run_folder::ImagesSha256;

use crate::crop::CropBox;
use crate::error::{DataError, Reject};
use crate::file_list::FileList;
use crate::ignored::{Ignored, ignored_in_words};
use crate::load::CHUNK;
use crate::notes::say_once;
use crate::packed::MappedImages;
use crate::photographs::Photographs;
use crate::reading::with_workers;

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
    /// Image files that were left out.
    pub rejects: Vec<Reject>,
    /// Files of the data set that are no images, by why.
    pub ignored: Ignored,
    /// What was decided on the way to these images, one sentence each.
    pub notes: Vec<String>,
    /// That images are too small for what they are brought to, or for anything, where some are.
    #[serde(skip)]
    pub(crate) small: Option<Arc<String>>,
    /// The file or member of each stored image; none where images have no names.
    #[serde(skip)]
    files: Option<Arc<FileList>>,
    #[serde(skip)]
    store: Arc<Store>,
    /// Which of the stored images these are, in order; all where it is not given.
    #[serde(skip)]
    chosen: Option<Arc<[u32]>>,
}

/// Where pixels are.
#[derive(Debug)]
enum Store {
    /// (N, C, H, W), one byte per value.
    Memory(Vec<u8>),
    /// In files, decoded when they are wanted.
    Photographs(Photographs, usize),
    /// In a file that is mapped, which takes no memory that the system cannot take back.
    Mapped(MappedImages),
}

/// Gives an image, or the one that takes its place, and its number.
type ReadOne<'a> = dyn Fn(usize) -> Result<(usize, Cow<'a, [u8]>), DataError> + Sync + 'a;

/// Images that are read for a batch of a run, in order.
#[derive(Debug)]
pub struct ReadBatch {
    /// The image in each place: the wanted one, or the next one that can be used.
    pub images: Vec<usize>,
    /// (B, C, H, W) bytes.
    pub pixels: Vec<u8>,
}

impl ReadBatch {
    /// The pixels as numbers from 0 to 1 (byte / 255), (B, C, H, W).
    #[must_use]
    pub fn unit_floats(&self) -> Vec<f32> {
        self.pixels.iter().map(|&byte| f32::from(byte) / 255.0).collect()
    }
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
        check_labels(&name, labels.as_deref(), images, classes.len())?;
        Ok(Self::of(name, shape, Store::Memory(pixels), labels, classes))
    }

    /// A set of images that are read when they are wanted.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(crate) fn of_photographs(
        name: String,
        shape: ImageShape,
        photographs: Photographs,
        labels: Option<Vec<u32>>,
        classes: Vec<String>,
    ) -> Result<Self, DataError> {
        let images = photographs.files().len();
        check_labels(&name, labels.as_deref(), images, classes.len())?;
        let files = Some(Arc::clone(photographs.files()));
        let set = Self::of(name, shape, Store::Photographs(photographs, images), labels, classes);
        Ok(Self { files, ..set })
    }

    /// A set of images in a mapped file, of those that have a label where there are any.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(crate) fn of_mapped(
        name: String,
        shape: ImageShape,
        images: MappedImages,
        labels: Option<Vec<Option<u32>>>,
        classes: Vec<String>,
    ) -> Result<Self, DataError> {
        let all = images.len();
        let chosen: Option<Vec<u32>> = labels
            .as_ref()
            .map(|labels| (0..all as u32).filter(|&image| labels[image as usize].is_some()).collect());
        let labels: Option<Vec<u32>> = labels.map(|labels| labels.into_iter().flatten().collect());
        let chosen = chosen.filter(|chosen| chosen.len() < all);
        let there = chosen.as_ref().map_or(all, Vec::len);
        check_labels(&name, labels.as_deref(), there, classes.len())?;
        let set = Self::of(name, shape, Store::Mapped(images), labels, classes);
        Ok(Self { chosen: chosen.map(Into::into), ..set })
    }

    /// The same images with their pixels in memory, and their names.
    ///
    /// # Errors
    /// As [`Self::pixels`].
    pub(crate) fn into_memory(self) -> Result<Self, DataError> {
        let all: Vec<usize> = (0..self.len()).collect();
        let mut pixels = Vec::new();
        for some in all.chunks(CHUNK) {
            pixels.extend(self.read(some)?.pixels);
        }
        let names: Option<Vec<(String, u64)>> =
            all.iter().map(|&image| Some((self.name_of(image)?.to_owned(), 0))).collect();
        let Self { name, shape, labels, classes, .. } = self;
        let set = Self::new(name, shape, pixels, labels, classes)?;
        Ok(match names {
            Some(names) => set.of_files(Path::new(""), names),
            None => set,
        })
    }

    fn of(
        name: String,
        shape: ImageShape,
        store: Store,
        labels: Option<Vec<u32>>,
        classes: Vec<String>,
    ) -> Self {
        Self {
            name,
            shape,
            labels,
            classes,
            rejects: Vec::new(),
            ignored: Ignored::new(),
            notes: Vec::new(),
            small: None,
            files: None,
            store: Arc::new(store),
            chosen: None,
        }
    }

    /// The same images, of files or members of the data set at `root` with these names and lengths in bytes.
    #[must_use]
    pub fn of_files(self, root: &Path, files: impl IntoIterator<Item = (String, u64)>) -> Self {
        Self { files: Some(Arc::new(FileList::of_read(root, files))), ..self }
    }

    /// The file or member that an image is, as shown to people; `None` where images have no names.
    #[must_use]
    pub fn name_of(&self, index: usize) -> Option<&str> {
        match (&self.files, &*self.store) {
            (Some(files), _) => files.get(self.stored(index)),
            (None, Store::Mapped(images)) => images.name(self.stored(index)),
            (None, _) => None,
        }
    }

    /// Whether images are read each time that they are wanted, as they are too many for memory.
    #[must_use]
    pub fn is_streamed(&self) -> bool {
        matches!(*self.store, Store::Photographs(..))
    }

    /// Whether reading images may wait for a disk.
    #[must_use]
    pub fn waits_for_disk(&self) -> bool {
        !matches!(*self.store, Store::Memory(_))
    }

    /// The number of an image among those that are stored.
    fn stored(&self, index: usize) -> usize {
        self.chosen.as_ref().map_or(index, |chosen| chosen[index] as usize)
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
        match (&self.chosen, &*self.store) {
            (Some(chosen), _) => chosen.len(),
            (None, Store::Memory(pixels)) => pixels.len() / self.shape.bytes(),
            (None, Store::Photographs(_, images)) => *images,
            (None, Store::Mapped(images)) => images.len(),
        }
    }

    /// True when there is no image.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One image, (C, H, W) bytes. Panics, as a slice does, when `index` is not below [`Self::len`].
    ///
    /// # Errors
    /// [`DataError`] where it is read from disk and cannot be used.
    pub fn pixels(&self, index: usize) -> Result<Cow<'_, [u8]>, DataError> {
        match &*self.store {
            Store::Memory(pixels) => {
                let bytes = self.shape.bytes();
                Ok(Cow::Borrowed(&pixels[self.stored(index) * bytes..][..bytes]))
            }
            Store::Photographs(photographs, _) => photographs.pixels(self.stored(index)).map(Cow::Owned),
            Store::Mapped(images) => Ok(images.pixels(self.stored(index))),
        }
    }

    /// The images at `indices` as numbers from 0 to 1 (byte / 255), (B, C, H, W). Panics as [`Self::pixels`]. Those that
    /// are read from disk are decoded by the threads that read.
    ///
    /// # Errors
    /// As [`Self::pixels`].
    pub fn unit_floats(&self, indices: &[usize]) -> Result<Vec<f32>, DataError> {
        Ok(self.read(indices)?.unit_floats())
    }

    /// The images at `indices` as they are stored. Panics as [`Self::pixels`].
    ///
    /// # Errors
    /// As [`Self::pixels`].
    pub fn read(&self, indices: &[usize]) -> Result<ReadBatch, DataError> {
        self.read_each(indices, &|index| self.pixels(index).map(|pixels| (index, pixels)))
    }

    /// As [`Self::unit_floats`], but of an image that cannot be used the next one that can, where the set was loaded with
    /// a share of unusable files.
    ///
    /// # Errors
    /// [`DataError::Unreadable`]; [`DataError::TooManyRejects`] where more of them than that share were met.
    pub fn usable(&self, indices: &[usize]) -> Result<ReadBatch, DataError> {
        self.read_each(indices, &|index| match &*self.store {
            Store::Memory(_) | Store::Mapped(_) => self.pixels(index).map(|pixels| (index, pixels)),
            Store::Photographs(photographs, _) => {
                let read = |number| photographs.pixels(number).map(Cow::Owned);
                photographs.or_the_next(index, self.len(), |image| self.stored(image), read)
            }
        })
    }

    /// Parts of whole photographs: of the image at each of `indices` those that `choose` gives for its place in `indices`
    /// and its whole shape, each brought to `height` x `width`, (B * V, C, H, W) for V parts of each. Unusable images as in [`Self::usable`]. With the whole shape of each image.
    ///
    /// # Errors
    /// As [`Self::usable`].
    pub fn crops(
        &self,
        indices: &[usize],
        size: (usize, usize),
        choose: &(dyn Fn(usize, ImageShape) -> Vec<CropBox> + Sync),
    ) -> Result<(ReadBatch, Vec<ImageShape>), DataError> {
        let Store::Photographs(photographs, _) = &*self.store else {
            return Err(DataError::InvalidOption {
                option: "streamed",
                expected: "image files that are read each time".to_owned(),
                got: "images in memory".to_owned(),
            });
        };
        let one = |(place, &index): (usize, &usize)| {
            let mut whole = self.shape;
            let read = |number| {
                photographs.crop(number, size, &mut |shape| {
                    whole = shape;
                    choose(place, shape)
                })
            };
            let (image, parts) =
                photographs.or_the_next(index, self.len(), |image| self.stored(image), read)?;
            Ok((image, whole, parts.concat()))
        };
        let read: Result<Vec<_>, DataError> =
            with_workers(|| indices.par_iter().enumerate().map(one).collect());
        let (mut batch, mut shapes) = (ReadBatch { images: Vec::new(), pixels: Vec::new() }, Vec::new());
        for (image, whole, pixels) in read? {
            batch.images.push(image);
            batch.pixels.extend(pixels);
            shapes.push(whole);
        }
        Ok((batch, shapes))
    }

    /// What `each` makes of the number and the pixels (C, H, W) of every image, in order; several threads read.
    ///
    /// # Errors
    /// As [`Self::pixels`].
    pub fn map<T: Send>(&self, each: impl Fn(usize, &[u8]) -> T + Sync) -> Result<Vec<T>, DataError> {
        let work = || {
            let one = |index| self.pixels(index).map(|pixels| each(index, &pixels));
            (0..self.len()).into_par_iter().map(one).collect()
        };
        if self.waits_for_disk() { with_workers(work) } else { work() }
    }

    /// The image that is being read for longest, in words, where images are read from disk.
    #[must_use]
    pub fn reads(&self) -> Option<String> {
        match &*self.store {
            Store::Memory(_) | Store::Mapped(_) => None,
            Store::Photographs(photographs, _) => photographs.reads(),
        }
    }

    fn read_each<'a>(&'a self, indices: &[usize], read: &ReadOne<'a>) -> Result<ReadBatch, DataError> {
        let bytes = self.shape.bytes();
        let mut pixels = vec![0; indices.len() * bytes];
        let one = |(place, &index): (&mut [u8], &usize)| {
            let (image, found) = read(index)?;
            place.copy_from_slice(&found);
            Ok(image)
        };
        let images: Result<Vec<usize>, DataError> = if self.waits_for_disk() {
            with_workers(|| pixels.par_chunks_exact_mut(bytes).zip(indices).map(one).collect())
        } else {
            pixels.chunks_exact_mut(bytes).zip(indices).map(one).collect()
        };
        Ok(ReadBatch { images: images?, pixels })
    }

    /// The first `images` in stored order (all, if there are fewer). Image folders are stored class by
    /// class: take a shuffled selection where every class is wanted.
    #[must_use]
    pub fn first(&self, images: usize) -> Self {
        self.select(&(0..images.min(self.len())).collect::<Vec<_>>())
    }

    /// The images at `indices`, in that order. Panics as [`Self::pixels`]. Pixels are shared, not copied.
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        Self {
            labels: self.labels.as_ref().map(|labels| indices.iter().map(|&index| labels[index]).collect()),
            chosen: Some(indices.iter().map(|&index| self.stored(index) as u32).collect()),
            rejects: Vec::new(),
            ignored: Ignored::new(),
            notes: Vec::new(),
            small: None,
            ..self.clone()
        }
    }

    /// The same images, all of the only class `class`.
    #[must_use]
    pub fn of_one_class(&self, class: &str) -> Self {
        Self { labels: Some(vec![0; self.len()]), classes: vec![class.to_owned()], ..self.clone() }
    }

    /// SHA-256 that changes with the shape, any label and the order, and with any pixel; of images that are read each
    /// time with the files' names and lengths instead, and of packed ones with the hashes in their file. Not with what the set is called, nor where it is.
    #[must_use]
    pub fn content_sha256(&self) -> String {
        self.sha256(false)
    }

    /// What is compared of the images that a run learnt from.
    #[must_use]
    pub fn identity(&self) -> ImagesSha256 {
        let files = self.files.as_ref().map(|files| self.sha256_with(&self.of_files_sha256(files, false)));
        ImagesSha256 { pixels: (!self.is_streamed()).then(|| self.content_sha256()), files }
    }

    /// As [`Self::content_sha256`]; of images that are read each time with their files' times, too.
    #[must_use]
    pub fn features_sha256(&self) -> String {
        self.sha256(true)
    }

    fn sha256(&self, times: bool) -> String {
        let content = match &*self.store {
            Store::Memory(pixels) if self.chosen.is_none() => sha256_of_bytes(pixels),
            Store::Memory(pixels) => {
                sha256_of_reader(Chosen { set: self, pixels, at: 0 }).unwrap_or_default()
            }
            Store::Photographs(photographs, _) => {
                format!("{} of {:?}", self.of_files_sha256(photographs.files(), times), photographs.fit())
            }
            Store::Mapped(images) => images.sha256(self.chosen.as_deref()),
        };
        self.sha256_with(&content)
    }

    fn of_files_sha256(&self, files: &FileList, times: bool) -> String {
        files.sha256(&mut (0..self.len()).map(|index| self.stored(index)), times)
    }

    /// The SHA-256 of all but the pixels, with that of these.
    fn sha256_with(&self, content: &str) -> String {
        let ImageShape { channels, height, width } = self.shape;
        let images = self.len();
        let labels = self.labels.as_ref().map_or_else(
            || "none".to_owned(),
            |labels| {
                let bytes: Vec<u8> = labels.iter().flat_map(|label| label.to_le_bytes()).collect();
                sha256_of_bytes(&bytes)
            },
        );
        let summary = format!(
            "zview images 1\nimages {images}\nshape {channels} {height} {width}\npixels {content}\nlabels {labels}\n",
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
}

/// That there is a label for each image, each of a class.
fn check_labels(name: &str, labels: Option<&[u32]>, images: usize, classes: usize) -> Result<(), DataError> {
    let wrong = |expected, got: String| {
        Err(DataError::Inconsistent { name: name.to_owned(), field: "labels", expected, got })
    };
    let Some(labels) = labels else { return Ok(()) };
    if labels.len() != images {
        return wrong(format!("{images}, one per image"), labels.len().to_string());
    }
    match labels.iter().find(|&&label| label as usize >= classes) {
        Some(label) => wrong(format!("below the {classes} classes"), label.to_string()),
        None => Ok(()),
    }
}

/// The chosen of the images in memory, one after the other.
struct Chosen<'a> {
    set: &'a ImageSet,
    pixels: &'a [u8],
    /// In bytes.
    at: usize,
}

impl Read for Chosen<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.set.shape.bytes();
        let (image, from) = (self.at / bytes, self.at % bytes);
        if image >= self.set.len() {
            return Ok(0);
        }
        let rest = &self.pixels[self.set.stored(image) * bytes..][from..bytes];
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        self.at += read;
        Ok(read)
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
        assert_eq!(*set.pixels(1).unwrap(), [4, 5, 6, 7]);
        assert_eq!(
            set.unit_floats(&[2, 0]).unwrap()[..5],
            [8.0 / 255.0, 9.0 / 255.0, 10.0 / 255.0, 11.0 / 255.0, 0.0]
        );
        assert_eq!(set.class_counts(), [1, 2]);
        let white = ImageSet::new("white", SHAPE, vec![255; 4], None, Vec::new()).unwrap();
        assert_eq!(white.unit_floats(&[0]).unwrap(), [1.0; 4]);
        assert!(white.class_counts().is_empty());
    }

    #[test]
    fn selections_keep_labels_with_their_images() {
        let set = three_images();
        let chosen = set.select(&[2, 0]);
        assert_eq!(chosen.labels, Some(vec![1, 0]));
        assert_eq!(chosen.pixels(0).unwrap(), set.pixels(2).unwrap());
        assert_eq!(chosen.select(&[1]).pixels(0).unwrap(), set.pixels(0).unwrap());
        assert_eq!(chosen.select(&[1, 0]).content_sha256(), set.select(&[0, 2]).content_sha256());
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
