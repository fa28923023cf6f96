//! Features of the images of a data set, labelled or not.

use std::path::Path;

use zview_data::{ClassUse, DataError, ImageSet, LoadOptions, Split, load};
use zview_encoder::{ClassifierHead, FrozenEncoder, read_encoder};
use zview_features::{FeatureCache, FeatureError, FeatureExtractor, Features, extract};
use zview_runtime::device::ChosenDevice;

use crate::suite::SuiteError;
use crate::suite::{JudgedAt, SuiteRequest, load_options, scaled, unlabelled};

/// The features of one split, in the data set's order.
#[derive(Debug)]
pub struct EmbeddedSplit {
    /// Which split.
    pub split: Split,
    /// Its images, with labels and names where they have such.
    pub images: ImageSet,
    /// Their features; of images without labels all of class 0.
    pub features: Features,
}

/// The features of a data set.
#[derive(Debug)]
pub struct Embedded {
    /// The data set.
    pub data: String,
    /// The size and colours of the images.
    pub judged_at: JudgedAt,
    /// SHA-256 of the encoder's weights and statistics.
    pub encoder_sha256: String,
    /// Training images first.
    pub splits: Vec<EmbeddedSplit>,
    /// The head of a fine-tuned network.
    pub(super) head: Option<ClassifierHead>,
}

impl Embedded {
    /// D, the features of an image.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.splits.first().map_or(0, |split| split.features.dimension())
    }

    /// All images.
    #[must_use]
    pub fn images(&self) -> usize {
        self.splits.iter().map(|split| split.features.len()).sum()
    }
}

/// Encodes the `splits` of the first data set of `request` by its first encoder; one of two splits may be absent. `before` is
/// called with the first images that the encoder will see.
///
/// # Errors
/// What cannot be loaded or encoded, with encoder and data set.
pub fn embed<E: From<SuiteError>>(
    request: &SuiteRequest<'_>,
    splits: &[Split],
    device: &ChosenDevice,
    before: impl Fn(&Path, &FrozenEncoder, &ImageSet) -> Result<(), E>,
) -> Result<Embedded, E> {
    let (path, data) = first_of(request)?;
    let loaded = read_encoder(path, &request.how_read(), &device.device)
        .map_err(|error| SuiteError::Encoder(Box::new(error)))?;
    loaded.tell();
    let scaled = scaled(&loaded, path, request)?;
    let cache = request.cache_folder.and_then(|folder| FeatureCache::new(folder, device));
    let encoder = &loaded.encoder;
    let options = LoadOptions { class_use: ClassUse::Optional, ..load_options(request, encoder) };
    let encoding =
        Encoding { path, data, extractor: &*scaled, cache: cache.as_ref(), batch: request.config.batch };
    let mut embedded = Vec::new();
    for (split, images) in present(data, splits, &options)? {
        encoder.check_images(images.shape).map_err(|error| SuiteError::ImagesDoNotFit {
            data: data.to_owned(),
            problem: error.to_string(),
        })?;
        if embedded.is_empty() {
            before(path, encoder, &images)?;
        }
        let features = encoding.features(&images)?;
        embedded.push(EmbeddedSplit { split, images, features });
    }
    let Some(first) = embedded.first() else {
        let problem = "none of its splits has images".to_owned();
        return Err(SuiteError::ImagesDoNotFit { data: data.to_owned(), problem }.into());
    };
    Ok(Embedded {
        data: data.to_owned(),
        judged_at: JudgedAt::new(first.images.shape, encoder),
        encoder_sha256: encoding.sha256()?,
        splits: embedded,
        head: loaded.head.clone(),
    })
}

fn first_of<'a>(request: &SuiteRequest<'a>) -> Result<(&'a Path, &'a str), SuiteError> {
    match (request.encoders.first(), request.config.data.first()) {
        (Some(path), Some(data)) => Ok((path, data)),
        _ => Err(SuiteError::ImagesDoNotFit {
            data: String::new(),
            problem: "an encoder and a data set are needed".to_owned(),
        }),
    }
}

/// The splits that are there. Where several are asked for, one that the data set does not have is left out.
fn present(
    data: &str,
    splits: &[Split],
    options: &LoadOptions,
) -> Result<Vec<(Split, ImageSet)>, SuiteError> {
    let mut found = Vec::new();
    let mut absent: Option<DataError> = None;
    for &split in splits {
        match load(data, split, options) {
            Ok(images) => found.push((split, images)),
            Err(
                error @ (DataError::MissingSplit { .. }
                | DataError::Empty { .. }
                | DataError::WithoutClasses { .. }),
            ) if splits.len() > 1 => {
                absent.get_or_insert(error);
            }
            Err(error) => return Err(error.into()),
        }
    }
    match absent {
        Some(error) if found.is_empty() => Err(error.into()),
        _ => Ok(found),
    }
}

/// How images become features.
struct Encoding<'a> {
    path: &'a Path,
    data: &'a str,
    extractor: &'a dyn FeatureExtractor,
    cache: Option<&'a FeatureCache>,
    batch: usize,
}

impl Encoding<'_> {
    fn sha256(&self) -> Result<String, SuiteError> {
        self.extractor
            .state_sha256()
            .map_err(|message| self.failed(crate::ProbeError::Features(FeatureError::State { message })))
    }

    fn features(&self, images: &ImageSet) -> Result<Features, SuiteError> {
        let without = if images.labels.is_none() { Some(unlabelled(images)) } else { None };
        let images = without.as_ref().unwrap_or(images);
        let features = match self.cache {
            Some(cache) => {
                let all: Vec<usize> = (0..images.len()).collect();
                cache.features(self.extractor, &self.sha256()?, images, &all, self.batch)
            }
            None => extract(self.extractor, images, self.batch),
        };
        features.map_err(|error| self.failed(error.into()))
    }

    fn failed(&self, error: crate::ProbeError) -> SuiteError {
        SuiteError::from((&*self.path.to_string_lossy(), self.data, error))
    }
}
