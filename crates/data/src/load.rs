//! From a name or path to an image set in memory.

use rayon::prelude::*;

use crate::decode::decode;
use crate::error::{DataError, Reject};
use crate::fit::PlanarImage;
use crate::image_set::{ImageSet, ImageShape};
use crate::named::{self, Resolved};
use crate::options::{LoadOptions, Split};
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
    let SplitContent { items, classes, mut rejects } = resolved.open(split, &options.limits)?;
    let classes = resolved.class_names(classes);
    let (shape, pixels, labels) = match items {
        Items::Packed { shape, pixels, labels } => {
            let (shape, pixels) = fit_packed(&resolved, shape, pixels, options)?;
            (shape, pixels, labels)
        }
        Items::Files(files) => {
            let file_count = files.len() + rejects.len();
            let decoded = decode_files(&resolved, split, &files, &mut rejects, options);
            // Too many rejects explain everything else, such as an empty set.
            check_rejects(&resolved, &rejects, file_count, options)?;
            decoded?
        }
    };
    let mut set = ImageSet::new(resolved.name, shape, pixels, labels, classes)?;
    if !rejects.is_empty() {
        tracing::warn!("{}: {} image files cannot be used and are left out", set.name, rejects.len());
    }
    set.rejects = rejects;
    Ok(set)
}

/// The first file (in name order) that decodes, as shape and path.
pub(crate) fn first_decodable<'a>(
    files: &'a [ImageFile],
    options: &LoadOptions,
) -> Option<(ImageShape, &'a str)> {
    let limits = &options.limits;
    files.iter().find_map(|file| {
        let shape = file.with_bytes(limits, |bytes| decode(bytes, limits, |image| image.shape)).ok()?;
        Some((shape, file.path.as_str()))
    })
}

type Decoded = (ImageShape, Vec<u8>, Option<Vec<u32>>);

fn decode_files(
    resolved: &Resolved,
    split: Split,
    files: &[ImageFile],
    rejects: &mut Vec<Reject>,
    options: &LoadOptions,
) -> Result<Decoded, DataError> {
    let limits = &options.limits;
    let (stored, first) = match first_decodable(files, options) {
        Some(first) => first,
        None => {
            rejects.extend(files.iter().filter_map(|file| {
                let reason = file.with_bytes(limits, |bytes| decode(bytes, limits, |_| ())).err()?;
                Some(Reject { path: file.path.clone(), reason })
            }));
            let remedy = "every image file was rejected: repair them";
            return Err(DataError::Empty { path: resolved.path.clone(), split, remedy });
        }
    };
    let channels = options.color.channels(stored.channels);
    let shape = fitted_shape(ImageShape { channels, ..stored }, options);
    check_set_bytes(resolved, files.len(), shape, options)?;

    let mut pixels = Vec::new();
    let mut labels = Vec::new();
    for chunk in files.chunks(CHUNK) {
        let fitted: Vec<Result<PlanarImage, String>> = chunk
            .par_iter()
            .map(|file| {
                let fit = |image: PlanarImage| {
                    let mut image = image.fit(channels, options.size);
                    if image.shape != shape {
                        image.pixels = Vec::new(); // only told, and could be large
                    }
                    image
                };
                file.with_bytes(limits, |bytes| decode(bytes, limits, fit))
            })
            .collect();
        for (file, image) in chunk.iter().zip(fitted) {
            match image {
                Err(reason) => rejects.push(Reject { path: file.path.clone(), reason }),
                Ok(image) if image.shape != shape => {
                    return Err(DataError::UnequalSizes {
                        first: first.to_owned(),
                        first_size: format!("{} x {}", shape.width, shape.height),
                        other: file.path.clone(),
                        other_size: format!("{} x {}", image.shape.width, image.shape.height),
                    });
                }
                Ok(image) => {
                    pixels.extend(image.pixels);
                    labels.extend(file.label);
                }
            }
        }
    }
    let labels = (!labels.is_empty()).then_some(labels);
    Ok((shape, pixels, labels))
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
            .map(|image| PlanarImage { shape: stored, pixels: image.to_vec() }.fit(channels, options.size))
            .collect();
        fitted.extend(images.into_iter().flat_map(|image| image.pixels));
    }
    Ok((shape, fitted))
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
