//! The class of each image: by a fine-tuned network's head, or by a linear probe fitted on labelled images.

use std::path::Path;

use crate::ProbeError;
use crate::linear::{LinearProbe, Logistic, Predictions};
use crate::overlap::same_pixels;
use serde::Serialize;
use zview_data::{ImageSet, Split};
use zview_encoder::{FrozenEncoder, read_encoder};
use zview_features::{FeatureError, Features};
use zview_runtime::device::ChosenDevice;

use super::encode::{Embedded, embed};
use crate::suite::SuiteError;
use crate::suite::{SuiteConfig, SuiteRequest};

/// What a classifier says of one image.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PredictedImage {
    /// Its split.
    pub split: Split,
    /// Its file or member, or its number where images have no names.
    pub name: String,
    /// The most probable class.
    pub class: String,
    /// The probability of that class, 0 to 1.
    pub probability: f32,
    /// Its own class, where it has a label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Whether the probe was fitted on an image of the same pixels: what it says of that shows nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fitted_on: bool,
}

/// What a classifier says of all images.
#[derive(Debug, Clone, Serialize)]
pub struct Predicted {
    /// By what classes are named.
    pub by: String,
    /// The classes that it knows.
    pub classes: Vec<String>,
    /// The images, training images first.
    pub images: Vec<PredictedImage>,
}

/// The class of every image of the first data set of `request`, by its encoder's own head or, where it has none, by a
/// linear probe fitted on the training images of `train`.
///
/// # Errors
/// An encoder with neither, or with both; otherwise as [`embed`].
pub fn predict<E: From<SuiteError>>(
    request: &SuiteRequest<'_>,
    train: Option<&str>,
    splits: &[Split],
    device: &ChosenDevice,
    before: impl Fn(&Path, &FrozenEncoder, &ImageSet) -> Result<(), E>,
) -> Result<Predicted, E> {
    let path = request.encoders.first().cloned().unwrap_or_default();
    check_head(&path, request, train, device)?;
    // A list of classes says which of them are told apart, not which images are named.
    let mut config = request.config.clone();
    if train.is_some() {
        config.classes = None;
    }
    let embedded = embed(&SuiteRequest { config: &config, ..request.clone() }, splits, device, &before)?;
    let mut fitted_on: Option<ImageSet> = None;
    let (by, classes, classifier) = match train {
        None => {
            let Some(head) = &embedded.head else { return Err(no_head(&path).into()) };
            let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect();
            let logistic = Logistic::from_parts(wide(&head.weight), wide(&head.bias));
            ("the network's own head".to_owned(), head.classes.clone(), Classifier::Head(logistic))
        }
        Some(train) => {
            let config = SuiteConfig { data: vec![train.to_owned()], ..request.config.clone() };
            let of_train = SuiteRequest { config: &config, ..request.clone() };
            let labelled = embed(&of_train, &[Split::Train], device, &before)?;
            let (probe, images) = fitted(labelled, &config, &path, train)?;
            let classes = images.classes.clone();
            fitted_on = Some(images);
            (format!("a linear probe on {train}"), classes, Classifier::Probe(Box::new(probe)))
        }
    };
    let images = named(&embedded, &classes, &classifier, fitted_on.as_ref())
        .map_err(|error| SuiteError::from((&*path.to_string_lossy(), embedded.data.as_str(), error)))?;
    Ok(Predicted { by, classes, images })
}

/// Refuses an encoder with neither a head nor labelled images, or with both, before anything is computed.
fn check_head(
    path: &Path,
    request: &SuiteRequest<'_>,
    train: Option<&str>,
    device: &ChosenDevice,
) -> Result<(), SuiteError> {
    let loaded = read_encoder(path, &request.how_read(), &device.device)
        .map_err(|error| SuiteError::Encoder(Box::new(error)))?;
    match (loaded.head, train) {
        (Some(_), Some(_)) => Err(SuiteError::Head {
            encoder: path.to_owned(),
            problem: "it has a head of its own; leave --train out".to_owned(),
        }),
        (None, None) => Err(no_head(path)),
        _ => Ok(()),
    }
}

fn no_head(path: &Path) -> SuiteError {
    SuiteError::Head {
        encoder: path.to_owned(),
        problem: "it has no head; name labelled images with --train DATA, or a network that `zview probe --protocol \
                  fine-tune --keep DIR` kept"
            .to_owned(),
    }
}

/// A probe fitted on all images of the training split, and those.
fn fitted(
    labelled: Embedded,
    config: &SuiteConfig,
    path: &Path,
    train: &str,
) -> Result<(LinearProbe, ImageSet), SuiteError> {
    let failed = |error| SuiteError::from((&*path.to_string_lossy(), train, error));
    let unlabelled = || failed(ProbeError::Features(FeatureError::Unlabelled { set: train.to_owned() }));
    let part = labelled.splits.into_iter().next().ok_or_else(unlabelled)?;
    if part.images.labels.is_none() {
        return Err(unlabelled());
    }
    let probe = LinearProbe::fit(&part.features, &config.linear).map_err(failed)?;
    Ok((probe, part.images))
}

enum Classifier {
    Head(Logistic),
    Probe(Box<LinearProbe>),
}

impl Classifier {
    fn predictions(&self, features: &Features) -> Predictions {
        match self {
            Self::Head(head) => head.predictions(features),
            Self::Probe(probe) => probe.predictions(features),
        }
    }
}

fn named(
    embedded: &Embedded,
    classes: &[String],
    classifier: &Classifier,
    fitted_on: Option<&ImageSet>,
) -> Result<Vec<PredictedImage>, ProbeError> {
    let mut images = Vec::new();
    for part in &embedded.splits {
        let twins = fitted_on.map(|fitted_on| same_pixels(fitted_on, &part.images)).transpose()?;
        // Their own labels, which may be of other classes, have no part in it.
        let features = part.features.of_one_class(classes)?;
        let predictions = classifier.predictions(&features);
        for (image, (&class, &probability)) in
            predictions.classes.iter().zip(&predictions.confidence).enumerate()
        {
            let name = part.images.name_of(image).map_or_else(|| image.to_string(), str::to_owned);
            let label = part
                .images
                .labels
                .as_ref()
                .and_then(|labels| part.images.classes.get(labels[image] as usize));
            images.push(PredictedImage {
                split: part.split,
                name,
                class: classes.get(class as usize).cloned().unwrap_or_default(),
                probability,
                label: label.cloned(),
                fitted_on: twins.as_ref().is_some_and(|twins| twins[image].is_some()),
            });
        }
    }
    Ok(images)
}
