//! Images of a split as they are counted, one after the other.

use std::collections::BTreeMap;
use std::ops::Range;

use rayon::prelude::*;
use zview_runtime::progress::Progress;

use crate::decode::decode;
use crate::error::Reject;
use crate::image_set::ImageShape;
use crate::load::CHUNK;
use crate::options::LoadOptions;
use crate::packed::MappedImages;
use crate::resize::PlanarImage;
use crate::source::ImageFile;

/// How often each byte value occurs, per channel.
pub(super) type Histograms = Vec<[u64; 256]>;

pub(super) fn histograms_of(image: &PlanarImage) -> Histograms {
    let area = image.shape.height * image.shape.width;
    image
        .pixels
        .chunks(area)
        .map(|plane| {
            let mut counts = [0; 256];
            for &byte in plane {
                counts[usize::from(byte)] += 1;
            }
            counts
        })
        .collect()
}

/// Mean and (population) standard deviation in 0 to 1, exact up to the last rounding.
pub(super) fn moments(counts: &[u64; 256]) -> (f64, f64) {
    let (mut count, mut sum, mut squares) = (0u128, 0u128, 0u128);
    for (value, &times) in (0u128..).zip(counts) {
        count += u128::from(times);
        sum += value * u128::from(times);
        squares += value * value * u128::from(times);
    }
    let count_squared = (count * count).max(1) as f64;
    let variance = (squares * count - sum * sum) as f64 / count_squared;
    (sum as f64 / count.max(1) as f64 / 255.0, variance.sqrt() / 255.0)
}

/// What has been seen of one split.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) images: usize,
    pub(super) class_images: BTreeMap<u32, usize>,
    /// Of grey and of colour images.
    pub(super) grey: Histograms,
    pub(super) colour: Histograms,
    /// Keyed by (width, height, channels as stored).
    pub(super) sizes: BTreeMap<(usize, usize, usize), usize>,
}

impl Tally {
    pub(super) fn add(&mut self, stored: ImageShape, label: Option<u32>, histograms: &Histograms) {
        self.images += 1;
        *self.sizes.entry((stored.width, stored.height, stored.channels)).or_default() += 1;
        if let Some(label) = label {
            *self.class_images.entry(label).or_default() += 1;
        }
        if !histograms.is_empty() {
            let totals = if histograms.len() == 1 { &mut self.grey } else { &mut self.colour };
            add_histograms(totals, histograms);
        }
    }

    /// Over `channels` channels, of which grey images have the same.
    pub(super) fn histograms(&self, channels: usize) -> Histograms {
        let mut all = self.colour.clone();
        // Nothing was decoded.
        if let [grey] = self.grey.as_slice() {
            add_histograms(&mut all, &vec![*grey; channels]);
        }
        all
    }
}

fn add_histograms(totals: &mut Histograms, more: &Histograms) {
    totals.resize(totals.len().max(more.len()), [0; 256]);
    for (total, image) in totals.iter_mut().zip(more) {
        for (total, image) in total.iter_mut().zip(image) {
            *total += image;
        }
    }
}

pub(super) fn tally_packed(
    shape: ImageShape,
    pixels: &[u8],
    labels: Option<&[u32]>,
    options: &LoadOptions,
) -> Tally {
    let channels = options.color.channels(shape.channels);
    let mut tally = Tally::default();
    for (chunk_index, chunk) in pixels.chunks(CHUNK * shape.bytes()).enumerate() {
        let seen: Vec<Histograms> = chunk
            .par_chunks(shape.bytes())
            .map(|image| {
                histograms_of(&PlanarImage { shape, pixels: image.to_vec() }.with_channels(channels))
            })
            .collect();
        for (at, histograms) in seen.iter().enumerate() {
            let label = labels.map(|labels| labels[chunk_index * CHUNK + at]);
            tally.add(shape, label, histograms);
        }
    }
    tally
}

/// Parts of a mapped file that have one hash together, which are read at once.
const PARTS: usize = 16;

/// Pixels are read, and held against their hashes, where the options ask for it; images of a part whose hash does not
/// hold are not counted.
pub(super) fn tally_mapped(
    images: &MappedImages,
    labels: Option<&[Option<u32>]>,
    rejects: &mut Vec<Reject>,
    options: &LoadOptions,
) -> Tally {
    let stored = images.stored();
    let channels = options.color.channels(stored.channels);
    let mut tally = Tally::default();
    let mut add = |of_images: Range<usize>, histograms: &Histograms| {
        for (number, image) in of_images.enumerate() {
            // Those of all images of the part are counted with its first.
            let histograms = if number == 0 { histograms } else { &Histograms::new() };
            match labels.map(|labels| labels[image]) {
                Some(None) => {} // of a class that is left out
                label => tally.add(stored, label.flatten(), histograms),
            }
        }
    };
    if !options.decode {
        add(0..images.len(), &Histograms::new());
        return tally;
    }
    let parts: Vec<_> = images.parts().collect();
    for parts in parts.chunks(PARTS) {
        let look = |(of_images, pixels): &(Range<usize>, &[u8])| match images.damage(of_images, pixels) {
            Some(damage) => Err(damage),
            None => Ok(pixels
                .par_chunks(stored.bytes())
                .map(|image| {
                    let image = PlanarImage { shape: stored, pixels: image.to_vec() };
                    histograms_of(&image.with_channels(channels))
                })
                .reduce(Histograms::new, |mut all, image| {
                    add_histograms(&mut all, &image);
                    all
                })),
        };
        let seen: Vec<Result<Histograms, Reject>> = parts.par_iter().map(look).collect();
        for ((of_images, _), seen) in parts.iter().zip(seen) {
            match seen {
                Ok(histograms) => add(of_images.clone(), &histograms),
                Err(damage) => rejects.push(damage),
            }
        }
    }
    rejects.extend(images.damaged_names());
    tally
}

/// Files from which on the work is shown.
const MANY_FILES: usize = 20_000;

/// Files are decoded where the options ask for it; else their headers say what they are.
pub(super) fn tally_files(files: &[ImageFile], rejects: &mut Vec<Reject>, options: &LoadOptions) -> Tally {
    let limits = &options.limits;
    let mut tally = Tally::default();
    let mut progress =
        (files.len() > MANY_FILES).then(|| Progress::new("looking at files", files.len() as u64));
    for (number, chunk) in files.chunks(CHUNK).enumerate() {
        if let Some(progress) = &mut progress {
            progress.step((number * CHUNK) as u64);
        }
        let seen: Vec<Result<(ImageShape, Histograms), String>> = chunk
            .par_iter()
            .map(|file| {
                let look = |image: PlanarImage| {
                    let channels = options.color.channels(image.shape.channels);
                    (image.shape, histograms_of(&image.with_channels(channels)))
                };
                match options.decode {
                    true => file.with_bytes(limits, |bytes| decode(bytes, limits, look)),
                    false => file.shape(limits).map(|stored| (stored, Histograms::new())),
                }
            })
            .collect();
        for (file, result) in chunk.iter().zip(seen) {
            match result {
                Ok((stored, histograms)) => tally.add(stored, file.label, &histograms),
                Err(reason) => rejects.push(Reject { path: file.path.clone(), reason }),
            }
        }
    }
    if let Some(progress) = progress {
        progress.finish();
    }
    tally
}
