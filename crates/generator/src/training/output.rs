//! Writing a trained generator in the form that every other command reads.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use zview_data::{ImageSet, ImageShape};
use zview_network::{NamedTensors, write_tensors};
use zview_runtime::atomic::write_file;
use zview_runtime::hash::sha256_of_bytes;

use super::config::GeneratorTraining;
use super::error::GeneratorTrainingError;
use super::layer_network::LayerNetwork;
use super::layers::generator_layers;
use super::method::output_layer;
use crate::architectures::ArchitectureKind;
use crate::manifest::{Condition, Distribution, Latent, Manifest, Output};

/// The weights, beside the manifest.
const WEIGHTS: &str = "generator.safetensors";
/// The manifest's file name, as every generator folder has it.
pub(super) const MANIFEST: &str = "generator.toml";

/// What the manifest of a trained generator says; `sha256` is left for the weights to fill in.
pub(super) fn manifest(training: &GeneratorTraining, images: &ImageSet) -> Manifest {
    let ImageShape { channels, height, width } = images.shape;
    let classes = training.generator.conditional.then_some(images.classes.len());
    let (end, range) = output_layer(training.method);
    Manifest {
        path: PathBuf::new(),
        name: training.name.clone(),
        source: format!(
            "zview generator train, seed {}, on the training images of {} (sha256 {})",
            training.seed,
            images.name,
            images.content_sha256()
        ),
        licence: training.licence.clone(),
        weights: PathBuf::from(WEIGHTS),
        sha256: String::new(),
        architecture: ArchitectureKind::Sequential,
        state_dict: None,
        latent: Latent {
            dimension: training.generator.latent_dimension,
            distribution: Distribution::Normal,
            truncation: None,
        },
        condition: classes.map(|classes| Condition { classes }),
        output: Output { channels, height, width, range },
        layers: generator_layers(&training.generator, classes.is_some(), images.shape, end),
    }
}

/// Writes weights and manifest into `folder`. The manifest comes last: one that is there names weights that are
/// there, except in the moment between the two, when its hash tells.
pub(super) fn write_generator(
    folder: &Path,
    manifest: &Manifest,
    network: &LayerNetwork,
) -> Result<(), GeneratorTrainingError> {
    let tensors = NamedTensors::of_network(network, "")?;
    write_tensors(&folder.join(WEIGHTS), &tensors, HashMap::new())?;
    let sha256 = sha256_of_bytes(&tensors.to_bytes(HashMap::new())?);
    let manifest = Manifest { sha256, ..manifest.clone() };
    let text = toml::to_string(&manifest).map_err(|source| GeneratorTrainingError::Manifest { source })?;
    write_file(&folder.join(MANIFEST), text.as_bytes())?;
    Ok(())
}
