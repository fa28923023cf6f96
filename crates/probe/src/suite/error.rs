//! What can go wrong in an evaluation.

use std::path::PathBuf;

use zview_data::DataError;
use zview_data::picture::PictureError;
use zview_encoder::PretrainedError;
use zview_features::FeatureError;
use zview_report::ReportError;
use zview_runtime::atomic::WriteError;

use super::run::NotOneArm;
use crate::ProbeError;

/// Why an evaluation ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// Images cannot be had.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Encoders that are no training seeds of one arm.
    #[error(transparent)]
    NotOneArm(#[from] NotOneArm),
    /// An encoder could not be loaded.
    #[error(transparent)]
    Encoder(Box<PretrainedError>),
    /// An encoder that is named twice.
    #[error("{} and {} are the same encoder{problem}", first.display(), other.display())]
    SameEncoder {
        /// As it is named first.
        first: PathBuf,
        /// As it is named again.
        other: PathBuf,
        /// What that would say, and what to do.
        problem: &'static str,
    },
    /// Values of the configuration that cannot work.
    #[error(transparent)]
    Settings(FeatureError),
    /// An encoder could not be evaluated on a data set.
    #[error("{encoder} on {data}: {source}")]
    Evaluate {
        /// The encoder.
        encoder: String,
        /// The data set.
        data: String,
        /// Why.
        source: Box<ProbeError>,
    },
    /// The encoder does not take the data set's images.
    #[error("{data}: {problem}")]
    ImagesDoNotFit {
        /// The data set.
        data: String,
        /// What it takes, and what they are.
        problem: String,
    },
    /// Pixels cannot be scaled so for this encoder.
    #[error("--pixels {scale} cannot be used with {}: {problem}; leave it out", encoder.display())]
    Pixels {
        /// The encoder.
        encoder: PathBuf,
        /// What was asked for.
        scale: String,
        /// Why not.
        problem: String,
    },
    /// Classes cannot be named so.
    #[error("{}: {problem}", encoder.display())]
    Head {
        /// The encoder.
        encoder: PathBuf,
        /// Why not, and what to do.
        problem: String,
    },
    /// The encoder has parts that training does not know.
    #[error(
        "{} has {}: fine-tune and scratch train networks that a recipe can ask for; leave them out of --protocol",
        encoder.display(), parts.join(", ")
    )]
    NotTrained {
        /// The encoder.
        encoder: PathBuf,
        /// The parts.
        parts: Vec<String>,
    },
    /// The groups are not those of the test images.
    #[error("groups of the test images: expected one for each of the {expected} images, got {got}")]
    Groups {
        /// Test images.
        expected: usize,
        /// Groups given.
        got: usize,
    },
    /// A picture could not be made.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A page could not be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl From<(&str, &str, ProbeError)> for SuiteError {
    fn from((encoder, data, source): (&str, &str, ProbeError)) -> Self {
        Self::Evaluate { encoder: encoder.to_owned(), data: data.to_owned(), source: Box::new(source) }
    }
}
