//! What there is to know of a generator before using it.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use serde::Serialize;

use crate::{
    Condition, Generator, GeneratorError, Latent, Manifest, Output, ReferenceComparison,
    compare_with_reference,
};
use zview_network::weights::KeyInfo;

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
    /// Its SHA-256, equal to the manifest's.
    pub sha256: String,
    /// Every tensor of the file, used or not.
    pub keys: Vec<KeyInfo>,
    /// The comparison with a reference file, if one was given.
    pub reference: Option<ReferenceComparison>,
}

/// Loads the generator of `manifest` onto `device` (from `weights` if given, as in
/// [`Generator::load`]), compares it with the file `reference` if given, and says what was found.
///
/// # Errors
/// As [`Generator::load`] and [`compare_with_reference`].
pub fn inspect(
    manifest: &Manifest,
    weights: Option<&Path>,
    reference: Option<&Path>,
    device: &Device,
) -> Result<Inspection, GeneratorError> {
    let (generator, state_dict) = Generator::load_with_keys(manifest, weights, device)?;
    let reference = reference.map(|path| compare_with_reference(&generator, path)).transpose()?;
    Ok(Inspection {
        name: manifest.name.clone(),
        source: manifest.source.clone(),
        licence: manifest.licence.clone(),
        architecture: manifest.architecture.name(),
        latent: manifest.latent,
        condition: manifest.condition,
        output: manifest.output,
        parameters: generator.parameters(),
        weights: state_dict.path().to_owned(),
        sha256: manifest.sha256.to_ascii_lowercase(),
        keys: state_dict.keys(),
        reference,
    })
}
