//! From a name or path to an image set: in memory where it fits there, else read when it is wanted.

use std::sync::Arc;

use rayon::prelude::*;
use zview_runtime::allocator::give_back_freed_memory;
use zview_runtime::words::counted;

use crate::decode::decode;
use crate::error::{DataError, Reject};
use crate::ignored::ignored_in_words;
use crate::image_set::{ImageSet, ImageShape};
use crate::named::{self, OpenedSet, Resolved};
use crate::notes::say_once;
use crate::options::{ColorMode, LoadOptions, Split};
use crate::packed::MappedImages;
use crate::photographs::{PhotographOptions, Photographs};
use crate::resize::PlanarImage;
use crate::source::{ImageFile, Items, SplitContent};

/// Images decoded at once before their pixels are put together.
pub(crate) const CHUNK: usize = 1024;
const SHOWN_REJECTS: usize = 10;

/// Loads one split of a data set: a name (`mnist`) or a path, whose format is found from what is there.
///
/// The order of the images, and with it the result, depends on names and content only, not on the
/// file system or the number of threads.
///
/// # Errors
/// [`DataError`], naming the file, what was expected and the remedy.
pub fn load(name_or_path: &str, split: Split, options: &LoadOptions) -> Result<ImageSet, DataError> {
    options.check()?;
    let resolved = named::resolve(name_or_path, options.data_dir.as_deref())?;
    let mut opened = resolved.open(options)?;
    let SplitContent { items, classes, mut rejects, ignored, mut notes } =
        resolved.take(&mut opened, split, options)?;
    let small;
    let mut set = match items {
        Items::Packed { shape, pixels, labels } => {
            let images = pixels.len() / shape.bytes().max(1);
            small = small_images(if is_small(shape, options) { images } else { 0 }, images, options);
            let (shape, pixels) = fit_packed(&resolved, shape, pixels, options)?;
            ImageSet::new(resolved.name, shape, pixels, labels, classes)?
        }
        Items::Mapped { images, labels } => {
            let count = images.len();
            small = small_images(if is_small(images.stored(), options) { count } else { 0 }, count, options);
            fit_mapped(&resolved, images, labels, classes, options)?
        }
        Items::Files(files) => {
            let mut loading = Files { resolved: &resolved, opened: &mut opened, split, options, classes };
            let loaded = loading.load(files, &mut rejects)?;
            notes.extend(loaded.note);
            small = loaded.small;
            loaded.set
        }
    };
    if !rejects.is_empty() {
        let are = if rejects.len() == 1 { "is" } else { "are" };
        let files = counted(rejects.len(), "image file");
        tracing::warn!("{}: {files} cannot be used and {are} left out", set.name);
    }
    for note in &notes {
        say_once(&set.name, note);
    }
    if let Some(words) = ignored_in_words(&ignored, "files") {
        tracing::info!("{}: {words}", set.name);
    }
    set.small = small.map(Arc::new);
    set.rejects = rejects;
    set.ignored = ignored;
    set.notes = notes;
    Ok(set)
}

/// Image files of a split on their way to a set.
struct Files<'a> {
    resolved: &'a Resolved,
    opened: &'a mut OpenedSet,
    split: Split,
    options: &'a LoadOptions,
    classes: Vec<String>,
}

struct Loaded {
    set: ImageSet,
    /// What was decided.
    note: Option<String>,
    /// That some are small.
    small: Option<String>,
}

/// Files from which on the memory of looking through them counts.
const MANY_FILES: usize = 100_000;
/// Files whose headers say whether all are of the wanted size already.
const HEADERS: usize = 64;

impl Files<'_> {
    fn load(&mut self, files: Vec<ImageFile>, rejects: &mut Vec<Reject>) -> Result<Loaded, DataError> {
        let (resolved, options) = (self.resolved, self.options);
        let file_count = files.len() + rejects.len();
        let first = first_decodable(&files, options).map(|(shape, name)| (shape, name.to_owned()));
        if let Some((first, _)) = first.as_ref().filter(|(first, _)| self.is_streamed(&files, *first)) {
            check_rejects(resolved, rejects, file_count, options)?;
            return self.streamed(files, *first);
        }
        let before = rejects.len();
        let mut decoding = Decoding::new(resolved, self.split, options);
        let decoded = decoding.all(&files, first.clone(), rejects);
        if let Some((first, _)) = first.filter(|_| options.streamed && decoding.resized > 0) {
            rejects.truncate(before);
            return self.streamed(files, first);
        }
        // Too many rejects explain everything else, such as an empty set.
        check_rejects(resolved, rejects, file_count, options)?;
        decoded?;
        let as_stored = options.color == ColorMode::AsStored;
        let note = if as_stored { decoding.settle_colour(self.opened) } else { None };
        let small = small_images(decoding.small, decoding.images, options);
        let files = std::mem::take(&mut decoding.files);
        let (shape, pixels, labels) = decoding.finish();
        let set = ImageSet::new(&*resolved.name, shape, pixels, labels, std::mem::take(&mut self.classes))?;
        Ok(Loaded { set: set.of_files(&resolved.path, files), note, small })
    }

    /// Whether images are read each time that they are wanted: more than may be in memory, or asked for and not all of
    /// the wanted size.
    fn is_streamed(&self, files: &[ImageFile], first: ImageShape) -> bool {
        let options = self.options;
        let shape = fitted_shape(ImageShape { channels: options.color.channels(3), ..first }, options);
        let fits = (files.len() as u64).saturating_mul(shape.bytes() as u64) <= options.memory();
        let limits = &options.limits;
        let is_of_size = |file: &ImageFile| {
            let stored = file.shape(limits);
            stored.is_ok_and(|stored| {
                Some((stored.height, stored.width)) == options.size.map(|side| (side, side))
            })
        };
        !fits || (options.streamed && !files.iter().take(HEADERS).all(is_of_size))
    }

    fn streamed(&mut self, files: Vec<ImageFile>, first: ImageShape) -> Result<Loaded, DataError> {
        let (resolved, options) = (self.resolved, self.options);
        let colour = Colour::of_files(&files, resolved, self.opened, self.split, options);
        let shape = fitted_shape(ImageShape { channels: colour.channels, ..first }, options);
        let labels = files.iter().map(|file| file.label).collect();
        let photographs = PhotographOptions {
            shape,
            fit: options.fit(),
            limits: options.limits.clone(),
            max_reject_share: options.max_reject_share,
        };
        let small = small_among(&files, options);
        let many = files.len() > MANY_FILES;
        let photographs = Photographs::new(&resolved.path, files, photographs);
        if many {
            give_back_freed_memory(); // looking through them took several times what is kept of them
        }
        let classes = std::mem::take(&mut self.classes);
        let set = ImageSet::of_photographs(resolved.name.clone(), shape, photographs, labels, classes)?;
        Ok(Loaded { set, note: colour.note, small })
    }
}

/// What colour all images are brought to.
struct Colour {
    channels: usize,
    /// Why, where that is not what these images are.
    note: Option<String>,
}

impl Colour {
    /// Of images that are not decoded yet, by their headers.
    fn of_files(
        files: &[ImageFile],
        resolved: &Resolved,
        opened: &mut OpenedSet,
        split: Split,
        options: &LoadOptions,
    ) -> Self {
        match options.color {
            ColorMode::AsStored if any_colour(files, options) => Self { channels: 3, note: None },
            ColorMode::AsStored if other_split_has_colour(resolved, opened, split, options) => Self {
                channels: 3,
                note: Some(grey_beside_colour(split, &format!("the {} split", other(split)))),
            },
            color => Self { channels: color.channels(1), note: None },
        }
    }
}

fn other(split: Split) -> Split {
    if split == Split::Train { Split::Test } else { Split::Train }
}

fn other_split_has_colour(
    resolved: &Resolved,
    opened: &mut OpenedSet,
    split: Split,
    options: &LoadOptions,
) -> bool {
    match resolved.take(opened, other(split), options) {
        Ok(SplitContent { items: Items::Files(files), .. }) => any_colour(&files, options),
        _ => false, // no such split, or one that tells what is wrong when it is loaded
    }
}

fn grey_beside_colour(split: Split, what: &str) -> String {
    format!("the images of the {split} split are grey, but {what} has colour: all are taken as RGB")
}

/// Images that are looked at for their size where not all are decoded.
const LOOKED_AT: usize = 1_000;
/// Below this side an image shows hardly anything, in pixels.
const LEAST_SIDE: usize = 8;

/// The side below which an image is small: enlarged to more than twice its size it has nothing new to show.
fn least_side(options: &LoadOptions) -> usize {
    options.size.map_or(0, |size| size.div_ceil(2)).max(LEAST_SIDE)
}

fn is_small(stored: ImageShape, options: &LoadOptions) -> bool {
    stored.height.min(stored.width) < least_side(options)
}

/// The sentence on small images among `files`, or, where there are many, among some that lie evenly in them.
fn small_among(files: &[ImageFile], options: &LoadOptions) -> Option<String> {
    let looked = files.len().min(LOOKED_AT);
    let is_small = |number: usize| {
        let stored = files[number * files.len() / looked].shape(&options.limits);
        stored.is_ok_and(|stored| is_small(stored, options))
    };
    let small = (0..looked).into_par_iter().filter(|&number| is_small(number)).count();
    small_images(small, looked, options)
}

/// The sentence on `small` of `images` images that are.
fn small_images(small: usize, images: usize, options: &LoadOptions) -> Option<String> {
    let (least, of) = match (least_side(options), options.size) {
        (least, Some(size)) if least > LEAST_SIDE => {
            (least, format!(", half of the {size} that all are brought to (`size`)"))
        }
        (least, _) => (least, String::new()),
    };
    let are = if small == 1 { "is" } else { "are" };
    (small > 0).then(|| {
        format!(
            "{small} of {images} images {are} smaller than {least} pixels{of}: there is little to learn from them; leave \
             them out, or check that they are the right ones"
        )
    })
}

/// The first file (in name order) that decodes, as shape and path.
fn first_decodable<'a>(files: &'a [ImageFile], options: &LoadOptions) -> Option<(ImageShape, &'a str)> {
    let limits = &options.limits;
    files.iter().find_map(|file| {
        let shape = file.with_bytes(limits, |bytes| decode(bytes, limits, |image| image.shape)).ok()?;
        Some((shape, file.path.as_str()))
    })
}

/// Whether any image of `files` is in colour, by their headers.
pub(crate) fn any_colour(files: &[ImageFile], options: &LoadOptions) -> bool {
    files.par_iter().any(|file| file.is_colour(&options.limits))
}

/// The sentence on a set that has both, where the decision is not what every image is.
pub(crate) fn mixed_colours(grey: usize, images: usize) -> Option<String> {
    (grey > 0).then(|| {
        format!(
            "{grey} of {images} images are grey, others are in colour: all are taken as RGB, for training and testing; \
             set the colour to grey or rgb to choose"
        )
    })
}

/// What an image was before it was fitted.
struct Stored {
    /// Of its file.
    bytes: u64,
    is_grey: bool,
    is_resized: bool,
    is_small: bool,
}

/// Image files on their way into memory.
struct Decoding<'a> {
    resolved: &'a Resolved,
    split: Split,
    options: &'a LoadOptions,
    /// Of the images so far; height and width of all.
    shape: ImageShape,
    pixels: Vec<u8>,
    labels: Vec<u32>,
    /// Names and lengths.
    files: Vec<(String, u64)>,
    images: usize,
    grey: usize,
    small: usize,
    /// Whether a file that cannot be decoded says that it is in colour.
    colour_rejected: bool,
    /// Images that were not of the wanted size.
    resized: usize,
}

impl<'a> Decoding<'a> {
    fn new(resolved: &'a Resolved, split: Split, options: &'a LoadOptions) -> Self {
        Self {
            resolved,
            split,
            options,
            shape: ImageShape { channels: options.color.channels(1), height: 0, width: 0 },
            pixels: Vec::new(),
            labels: Vec::new(),
            files: Vec::new(),
            images: 0,
            grey: 0,
            small: 0,
            colour_rejected: false,
            resized: 0,
        }
    }

    /// All `files`, of which the `first` that can be decoded has that shape and name.
    fn all(
        &mut self,
        files: &[ImageFile],
        first: Option<(ImageShape, String)>,
        rejects: &mut Vec<Reject>,
    ) -> Result<(), DataError> {
        let (options, limits) = (self.options, &self.options.limits);
        let Some((stored, first)) = first else {
            rejects.extend(files.iter().filter_map(|file| {
                let reason = file.with_bytes(limits, |bytes| decode(bytes, limits, |_| ())).err()?;
                Some(Reject { path: file.path.clone(), reason })
            }));
            let remedy = "every image file was rejected: repair them";
            return Err(DataError::Empty { path: self.resolved.path.clone(), split: self.split, remedy });
        };
        self.shape = fitted_shape(ImageShape { channels: self.shape.channels, ..stored }, options);
        for chunk in files.chunks(CHUNK) {
            let extent = (self.shape.height, self.shape.width);
            let fitted: Vec<Result<(PlanarImage, Stored), (String, bool)>> = chunk
                .par_iter()
                .map(|file| {
                    let fit = |bytes: u64, image: PlanarImage| {
                        let is_grey = image.shape.channels == 1;
                        let is_resized = (image.shape.height, image.shape.width) != extent;
                        let is_small = is_small(image.shape, options);
                        let stored = Stored { bytes, is_grey, is_resized, is_small };
                        let channels = options.color.channels(image.shape.channels);
                        let mut image = image.fit(channels, options.fit());
                        if (image.shape.height, image.shape.width) != extent {
                            image.pixels = Vec::new(); // only told, and could be large
                        }
                        (image, stored)
                    };
                    let decoded = file.with_bytes(limits, |bytes| {
                        decode(bytes, limits, |image| fit(bytes.len() as u64, image))
                    });
                    decoded.map_err(|reason| {
                        (reason, options.color == ColorMode::AsStored && file.is_colour(limits))
                    })
                })
                .collect();
            for (file, image) in chunk.iter().zip(fitted) {
                match image {
                    Err((reason, is_colour)) => {
                        self.colour_rejected |= is_colour;
                        rejects.push(Reject { path: file.path.clone(), reason });
                    }
                    Ok((image, _)) if (image.shape.height, image.shape.width) != extent => {
                        return Err(DataError::UnequalSizes {
                            first,
                            first_size: format!("{} x {}", self.shape.width, self.shape.height),
                            other: file.path.clone(),
                            other_size: format!("{} x {}", image.shape.width, image.shape.height),
                        });
                    }
                    Ok((image, stored)) => self.add(image, &stored, file),
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, image: PlanarImage, stored: &Stored, file: &ImageFile) {
        if image.shape.channels > self.shape.channels {
            self.become_colour();
        }
        self.pixels.extend(image.with_channels(self.shape.channels).pixels);
        self.labels.extend(file.label);
        self.files.push((file.path.clone(), stored.bytes));
        self.images += 1;
        self.grey += usize::from(stored.is_grey);
        self.resized += usize::from(stored.is_resized);
        self.small += usize::from(stored.is_small);
    }

    /// What was grey so far becomes RGB.
    fn become_colour(&mut self) {
        let area = self.shape.bytes();
        self.shape.channels = 3;
        if !self.pixels.is_empty() {
            self.pixels = self.pixels.chunks_exact(area).flat_map(|plane| plane.repeat(3)).collect();
        }
    }

    /// Grey only where no image of either split is in colour, so that both have the same channels.
    fn settle_colour(&mut self, opened: &mut OpenedSet) -> Option<String> {
        if self.shape.channels == 1 {
            let colour_in_other = !self.colour_rejected
                && other_split_has_colour(self.resolved, opened, self.split, self.options);
            if self.colour_rejected || colour_in_other {
                self.become_colour();
                let other = format!("the {} split", other(self.split));
                let why = if colour_in_other { &other } else { "a file that is left out" };
                return Some(grey_beside_colour(self.split, why));
            }
        }
        if self.shape.channels == 3 { mixed_colours(self.grey, self.images) } else { None }
    }

    fn finish(self) -> (ImageShape, Vec<u8>, Option<Vec<u32>>) {
        let labels = (!self.labels.is_empty()).then_some(self.labels);
        (self.shape, self.pixels, labels)
    }
}

fn check_rejects(
    resolved: &Resolved,
    rejects: &[Reject],
    files: usize,
    options: &LoadOptions,
) -> Result<(), DataError> {
    if rejects.len() as f64 <= options.max_reject_share * files as f64 {
        return Ok(());
    }
    Err(DataError::TooManyRejects {
        path: resolved.path.clone(),
        first_rejects: rejects[..rejects.len().min(SHOWN_REJECTS)].to_vec(),
        rejects: rejects.len(),
        files,
        max_reject_share: options.max_reject_share,
    })
}

fn fit_packed(
    resolved: &Resolved,
    stored: ImageShape,
    pixels: Vec<u8>,
    options: &LoadOptions,
) -> Result<(ImageShape, Vec<u8>), DataError> {
    let channels = options.color.channels(stored.channels);
    let shape = fitted_shape(ImageShape { channels, ..stored }, options);
    check_set_bytes(resolved, pixels.len() / stored.bytes(), shape, options)?;
    if shape == stored {
        return Ok((shape, pixels));
    }
    let mut fitted = Vec::new();
    for chunk in pixels.chunks(CHUNK * stored.bytes()) {
        let images: Vec<PlanarImage> = chunk
            .par_chunks(stored.bytes())
            .map(|image| PlanarImage { shape: stored, pixels: image.to_vec() }.fit(channels, options.fit()))
            .collect();
        fitted.extend(images.into_iter().flat_map(|image| image.pixels));
    }
    Ok((shape, fitted))
}

/// Mapped images as they are where they have the wanted shape; else brought to it, in memory where that fits there, or
/// each time that they are read.
fn fit_mapped(
    resolved: &Resolved,
    images: MappedImages,
    labels: Option<Vec<Option<u32>>>,
    classes: Vec<String>,
    options: &LoadOptions,
) -> Result<ImageSet, DataError> {
    let stored = images.stored();
    let channels = options.color.channels(stored.channels);
    let shape = fitted_shape(ImageShape { channels, ..stored }, options);
    let images = if shape == stored { images } else { images.fitted(shape, options.fit()) };
    let set = ImageSet::of_mapped(resolved.name.clone(), shape, images, labels, classes)?;
    if shape == stored {
        return Ok(set);
    }
    let bytes = (set.len() as u64).saturating_mul(shape.bytes() as u64);
    if bytes > options.memory().min(options.limits.max_set_bytes) { Ok(set) } else { set.into_memory() }
}

/// What `stored` becomes under `options.size`.
pub(crate) fn fitted_shape(stored: ImageShape, options: &LoadOptions) -> ImageShape {
    match options.size {
        Some(size) => ImageShape { height: size, width: size, ..stored },
        None => stored,
    }
}

fn check_set_bytes(
    resolved: &Resolved,
    images: usize,
    shape: ImageShape,
    options: &LoadOptions,
) -> Result<(), DataError> {
    let bytes = (images as u64).saturating_mul(shape.bytes() as u64);
    if bytes <= options.limits.max_set_bytes {
        return Ok(());
    }
    let ImageShape { channels, height, width } = shape;
    Err(DataError::TooLarge {
        path: resolved.path.clone(),
        what: format!("decoding {images} images of {channels} x {height} x {width}"),
        bytes: bytes.to_string(),
        limit: options.limits.max_set_bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_files::{idx, png_of, put};

    fn loaded(root: &std::path::Path, size: Option<usize>) -> ImageSet {
        let options = LoadOptions { size, ..LoadOptions::default() };
        load(root.to_str().unwrap(), Split::Train, &options).unwrap()
    }

    #[test]
    fn images_of_a_pixel_are_counted_and_told() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "train/a/1.png", &png_of(1, 1, 3, 1));
        put(root.path(), "train/a/2.png", &png_of(1, 1, 3, 2));
        let told = |size| loaded(root.path(), size).warn_of_small().map(str::to_owned);
        let all = told(None).unwrap();
        assert!(all.starts_with("2 of 2 images are smaller than 8 pixels: "), "{all}");
        // Side by side with larger ones, which are brought to the same size.
        put(root.path(), "train/b/3.png", &png_of(40, 15, 3, 3));
        put(root.path(), "train/b/4.png", &png_of(16, 40, 3, 4));
        let some = told(Some(32)).unwrap();
        assert!(some.starts_with("3 of 4 images are smaller than 16 pixels, half of the 32 that"), "{some}");
        assert!(told(Some(8)).unwrap().starts_with("2 of 4 images are smaller than 8 pixels: "));
        let digits = tempfile::tempdir().unwrap();
        put(digits.path(), "train-images-idx3-ubyte", &idx(&[2, 2, 2], &[0; 8]));
        put(digits.path(), "train-labels-idx1-ubyte", &idx(&[2], &[0, 1]));
        assert!(
            loaded(digits.path(), None).warn_of_small().unwrap().starts_with("2 of 2 images are smaller")
        );
        let fine = tempfile::tempdir().unwrap();
        put(fine.path(), "train/a/1.png", &png_of(8, 8, 1, 1));
        assert_eq!(loaded(fine.path(), None).warn_of_small(), None);
        assert_eq!(loaded(fine.path(), Some(16)).warn_of_small(), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn files_whose_names_are_no_utf_8_keep_different_names() {
        use std::os::unix::ffi::OsStrExt;
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("train/a");
        std::fs::create_dir_all(&folder).unwrap();
        for (name, seed) in [(&b"caf\xe8.png"[..], 1), (b"caf\xe9.png", 2)] {
            std::fs::write(folder.join(std::ffi::OsStr::from_bytes(name)), png_of(8, 8, 1, seed)).unwrap();
        }
        let set = loaded(root.path(), None);
        let ends = |image, with| set.name_of(image).unwrap().ends_with(with);
        assert!(ends(0, "/caf%E8.png") && ends(1, "/caf%E9.png"), "{:?}", set.name_of(0));
    }
}
