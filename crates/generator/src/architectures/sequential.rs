//! A network that is a list of layers, as DCGAN (<https://arxiv.org/abs/1511.06434>), the decoder
//! of a VAE (<https://arxiv.org/abs/1312.6114>) and most small generators are.

use burn::tensor::{Device, Int, Tensor};

use super::Architecture;
use super::activations::Activations;
use crate::Manifest;
use crate::layers::{Chain, Layer, LayerLoader, walk};
use crate::manifest::Features;
use zview_network::weights::{StateDict, WeightsError};

/// The built network.
#[derive(Debug)]
struct Sequential {
    layers: Chain,
    dimension: usize,
    parameters: usize,
}

/// A file of any key names may be meant.
pub(super) const MARK: Option<&str> = None;

/// Walks the layers with the shape of the features in hand and lists all that does not fit.
pub(super) fn problems(manifest: &Manifest) -> Vec<String> {
    let mut problems = manifest.misplaced_options(&[]);
    let from = Features::Flat(manifest.latent.dimension);
    let Some(features) = walk(&manifest.layers, "layers", from, manifest.classes(), &mut problems) else {
        return problems;
    };
    let output = manifest.output;
    let wanted = Features::Map { channels: output.channels, height: output.height, width: output.width };
    if features != wanted {
        problems.push(format!("the last layer: expected {wanted} as [output] says, got {features}"));
    }
    if manifest.condition.is_some() && !manifest.layers.iter().any(|layer| layer.spec().uses_class()) {
        problems.push("[condition]: expected a layer of kind `condition` that uses it, got none".to_owned());
    }
    problems.extend(range_problem(manifest));
    problems
}

/// A last layer that bounds its output must bound it to `output.range`.
fn range_problem(manifest: &Manifest) -> Option<String> {
    let changes_values = |layer: &&Layer| !layer.spec().keeps_values();
    let expected = manifest.layers.iter().rev().find(changes_values)?.spec().range()?;
    let got = manifest.output.range;
    (got != expected)
        .then(|| format!("`output.range`: expected {expected:?} as the last layer gives, got {got:?}"))
}

/// Every tensor of the file is to be some layer's.
pub(super) fn unneeded(_manifest: &Manifest, _key: &str) -> Option<&'static str> {
    None
}

/// Takes each layer's tensors out of `state_dict` and puts them on `device`.
pub(super) fn build(
    manifest: &Manifest,
    state_dict: &mut StateDict,
    device: &Device,
) -> Result<Box<dyn Architecture>, WeightsError> {
    from_layers(&manifest.layers, manifest, state_dict, device)
}

/// As [`build`] with other layers than the manifest's, which fit its latent and its output.
pub(super) fn from_layers(
    layers: &[Layer],
    manifest: &Manifest,
    state_dict: &mut StateDict,
    device: &Device,
) -> Result<Box<dyn Architecture>, WeightsError> {
    let mut loader = LayerLoader::new(state_dict, device, manifest.classes().unwrap_or(0));
    let dimension = manifest.latent.dimension;
    let layers = Chain::load(layers, &mut loader, Features::Flat(dimension))?;
    Ok(Box::new(Sequential { layers, dimension, parameters: loader.parameters() }))
}

impl Architecture for Sequential {
    fn raw_image_from_latent(&self, z: Tensor<2>, condition: Option<Tensor<1, Int>>) -> Tensor<4> {
        self.layers.forward(Activations::Flat(z), condition.as_ref()).into_map()
    }

    fn parameters(&self) -> usize {
        self.parameters
    }

    fn first_layer(&self) -> Option<Tensor<2>> {
        self.layers.first_layer(0..self.dimension)
    }
}
