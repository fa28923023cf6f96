//! What there is to know of a generator before using it.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use serde::Serialize;

use crate::contact_sheet::{ContactSheet, draw_contact_sheet};
use crate::throughput::{Throughput, measure_throughput};
use crate::{
    Condition, Generator, GeneratorError, Latent, Manifest, Output, REFERENCE_TOLERANCE, ReferenceComparison,
    Unneeded, compare_with_reference,
};
use zview_network::weights::KeyInfo;

/// The reference that is compared with if it lies beside the weights and no other was named.
const REFERENCE: &str = "reference.safetensors";

/// What to do beside loading a generator.
#[derive(Debug, Clone, Copy)]
pub struct InspectOptions<'a> {
    /// The weights, where they are not the manifest's.
    pub weights: Option<&'a Path>,
    /// The file to compare with, where it is not `reference.safetensors` beside the weights.
    pub reference: Option<&'a Path>,
    /// The largest difference from the reference with which images count as equal.
    pub tolerance: f32,
    /// The PNG file to draw a contact sheet into.
    pub sheet: Option<&'a Path>,
    /// Images rendered at once, for the sheet and the measurement.
    pub batch: usize,
    /// About how long to measure images per second; 0 is not at all.
    pub seconds: f64,
}

impl Default for InspectOptions<'_> {
    fn default() -> Self {
        let tolerance = REFERENCE_TOLERANCE;
        Self { weights: None, reference: None, tolerance, sheet: None, batch: 16, seconds: 0.0 }
    }
}

/// A generator's manifest and weights, checked against each other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inspection {
    /// From the manifest.
    pub name: String,
    /// Where the weights come from.
    pub source: String,
    /// Their licence.
    pub licence: String,
    /// The kind of network.
    pub architecture: &'static str,
    /// What goes in.
    pub latent: Latent,
    /// What it is conditioned on, or `None`.
    pub condition: Option<Condition>,
    /// What comes out.
    pub output: Output,
    /// The number of learned values.
    pub parameters: usize,
    /// The weights file that was read.
    pub weights: PathBuf,
    /// Its SHA-256, equal to the manifest's where that says one.
    pub sha256: String,
    /// Every tensor of the file, used or not.
    pub keys: Vec<KeyInfo>,
    /// Why those that are not used are not needed.
    pub unneeded: Vec<Unneeded>,
    /// The reference file that was named or found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference_file: Option<PathBuf>,
    /// The comparison with it.
    pub reference: Option<ReferenceComparison>,
    /// Whether its largest difference is within the tolerance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference_equal: Option<bool>,
    /// The tolerance, where there was a comparison.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<f32>,
    /// Why the file that was found cannot be compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference_problem: Option<String>,
    /// How fast it draws, if that was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throughput: Option<Throughput>,
    /// The contact sheet, if one was drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<ContactSheet>,
}

/// Loads the generator of `manifest` onto `device`, compares it with a reference file, draws and measures as
/// `options` say, and tells what was found. A reference that was not named but found beside the weights may be of
/// other settings: it is then not compared with, and the inspection says why.
///
/// # Errors
/// As [`Generator::load`] and [`compare_with_reference`]; [`GeneratorError::Sheet`] where the contact sheet cannot
/// be written, [`GeneratorError::Device`] where the device does not draw.
pub fn inspect(
    manifest: &Manifest,
    options: &InspectOptions<'_>,
    device: &Device,
) -> Result<Inspection, GeneratorError> {
    let (generator, state_dict) = Generator::load_with_keys(manifest, options.weights, device)?;
    let beside = || Some(state_dict.path().with_file_name(REFERENCE)).filter(|path| path.is_file());
    let reference_file = options.reference.map(Path::to_owned).or_else(beside);
    let compared = reference_file.as_deref().map(|path| compare_with_reference(&generator, path));
    let (reference, reference_problem) = match compared {
        Some(Err(error @ (GeneratorError::Reference { .. } | GeneratorError::Weights(_))))
            if options.reference.is_none() =>
        {
            (None, Some(error.to_string()))
        }
        compared => (compared.transpose()?, None),
    };
    let sheet = options.sheet.map(|path| draw_contact_sheet(&generator, path, options.batch)).transpose()?;
    let throughput = (options.seconds > 0.0)
        .then(|| measure_throughput(&generator, options.batch, options.seconds))
        .transpose()?;
    Ok(Inspection {
        name: manifest.name.clone(),
        source: manifest.source.clone(),
        licence: manifest.licence.clone(),
        architecture: manifest.architecture.name(),
        latent: manifest.latent.clone(),
        condition: manifest.condition.clone(),
        output: manifest.output,
        parameters: generator.parameters(),
        weights: state_dict.path().to_owned(),
        sha256: generator.sha256().to_owned(),
        keys: state_dict.keys(),
        unneeded: generator.unneeded().to_vec(),
        reference_file,
        reference_equal: reference.map(|reference| reference.max_abs_error <= options.tolerance),
        tolerance: reference.map(|_| options.tolerance),
        reference,
        reference_problem,
        throughput,
        sheet,
    })
}
