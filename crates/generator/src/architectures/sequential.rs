//! A network that is a list of layers, as DCGAN (<https://arxiv.org/abs/1511.06434>), the decoder
//! of a VAE (<https://arxiv.org/abs/1312.6114>) and most small generators are.

use burn::tensor::{Device, Int, Tensor};

use super::Architecture;
use super::activations::Activations;
use crate::Manifest;
use crate::layers::{Chain, Layer, LayerLoader, walk};
use crate::manifest::Features;
pub(super) use crate::manifest::NoOptions as Options;
use zview_network::weights::{StateDict, WeightsError};
use zview_network::{AnyVisitor, Network, StateVisitor};
use zview_runtime::seed::Stream;

/// The layers with their weights: those of a file, or fresh ones for training.
#[derive(Debug, Clone)]
pub(crate) struct Sequential {
    layers: Chain,
    dimension: usize,
    parameters: usize,
}

/// A file of any key names may be meant.
pub(super) const MARK: Option<&str> = None;

/// Walks the layers with the shape of the features in hand and lists all that does not fit.
pub(super) fn problems(manifest: &Manifest) -> Vec<String> {
    let mut problems = manifest.misplaced_sections();
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
    let classes = manifest.classes().unwrap_or(0);
    let loader = &mut LayerLoader::of_file(state_dict, device, classes);
    Ok(Box::new(Sequential::load(layers, manifest.latent.dimension, loader)?))
}

impl Sequential {
    fn load(layers: &[Layer], dimension: usize, loader: &mut LayerLoader<'_>) -> Result<Self, WeightsError> {
        let layers = Chain::load(layers, loader, Features::Flat(dimension))?;
        Ok(Self { layers, dimension, parameters: loader.parameters() })
    }

    /// Layers that fit `dimension` values of z, with fresh weights; `classes` is the number of rows of an embedding.
    ///
    /// # Errors
    /// [`WeightsError::NotTrained`] for a layer that is only read from files.
    pub(crate) fn fresh(
        layers: &[Layer],
        dimension: usize,
        classes: usize,
        random: &mut Stream,
        device: &Device,
    ) -> Result<Self, WeightsError> {
        Self::load(layers, dimension, &mut LayerLoader::fresh(random, device, classes))
    }

    /// Images in training, of z (B, D) and, where there is a condition, one-hot classes (B, K).
    pub(crate) fn train(&mut self, z: Tensor<2>, classes: Option<&Tensor<2>>) -> Tensor<4> {
        self.layers.train(Activations::Flat(z), classes).into_map()
    }

    /// As [`Self::train`] without the last layer, for a loss that contains it.
    pub(crate) fn train_but_last(&mut self, z: Tensor<2>, classes: Option<&Tensor<2>>) -> Tensor<4> {
        self.layers.train_but_last(Activations::Flat(z), classes).into_map()
    }
}

/// Shows the tensors by the names that the manifest's layers ask for.
impl Network for Sequential {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        self.layers.visit(prefix, &mut AnyVisitor::new(visitor));
    }
}

impl Architecture for Sequential {
    fn render(&self, z: Tensor<2>, condition: Option<Tensor<1, Int>>) -> Result<Tensor<4>, String> {
        Ok(self.layers.forward(Activations::Flat(z), condition.as_ref()).into_map())
    }

    fn parameters(&self) -> usize {
        self.parameters
    }

    fn first_layer(&self) -> Option<Tensor<2>> {
        self.layers.first_layer(0..self.dimension)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use burn::tensor::TensorData;
    use zview_runtime::device::on_test_devices;
    use zview_runtime::seed::Purpose;

    use super::*;
    use crate::list_manifests;

    /// The published weights need not be here: fresh ones have the same shapes.
    #[test]
    fn the_network_of_every_manifest_computes_the_same_on_every_device() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/generators");
        let manifests = list_manifests(&[folder]);
        let manifests: Vec<Manifest> = manifests.iter().map(|path| Manifest::read(path).unwrap()).collect();
        // One has batch norms that are only read.
        let trained = manifests.into_iter().filter(|manifest| manifest.name != "mnist-cwgangp-conv");
        let manifests: Vec<Manifest> = trained.collect();
        assert!(manifests.len() >= 5, "{manifests:?}");
        let images = |manifest: &Manifest, device: &Device| {
            let random = &mut Stream::new(0, Purpose::Weights, 0, 0);
            let classes = manifest.classes().unwrap_or(0);
            let dimension = manifest.latent.dimension;
            let network = Sequential::fresh(&manifest.layers, dimension, classes, random, device).unwrap();
            let z: Vec<f32> = (0..4 * dimension).map(|_| random.normal()).collect();
            let z = Tensor::from_data(TensorData::new(z, [4, dimension]), device);
            let last = |count: usize| count as i32 - 1;
            let condition = manifest.classes().map(|count| Tensor::from_data([0, 1, 1, last(count)], device));
            network.render(z, condition).unwrap().into_data().try_into_vec::<f32>().unwrap()
        };
        let expected: Vec<Vec<f32>> =
            manifests.iter().map(|manifest| images(manifest, &Device::flex())).collect();
        on_test_devices(|name, device| {
            for (manifest, expected) in manifests.iter().zip(&expected) {
                let got = images(manifest, device);
                let largest = expected.iter().fold(0f32, |largest, value| largest.max(value.abs()));
                let worst = expected.iter().zip(&got).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(
                    got.len() == expected.len() && largest > 0.0 && worst <= 1e-5 * largest,
                    "{}, {name}: {worst:e} of {largest}",
                    manifest.name
                );
            }
        });
    }
}
