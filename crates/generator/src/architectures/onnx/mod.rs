//! A network exported to ONNX, run on the CPU by the `rten` runtime: for generators of no architecture that is built in.
//!
//! Only a build with the cargo feature `onnx` has the runtime; any other says so when it meets such a manifest.

#[cfg(feature = "onnx")]
mod interface;
#[cfg(feature = "onnx")]
mod network;

use burn::tensor::Device;
use zview_network::weights::{StateDict, WeightsError};

use super::Architecture;
use crate::Manifest;
pub(super) use crate::manifest::NoOptions as Options;

/// The file is no state dict.
pub(super) const MARK: Option<&str> = None;

pub(super) fn problems(manifest: &Manifest) -> Vec<String> {
    let mut problems = manifest.misplaced_sections();
    if cfg!(not(feature = "onnx")) {
        problems.push(
            "`architecture = \"onnx\"`: this build has no ONNX runtime; build zview with `--features onnx`"
                .to_owned(),
        );
    }
    let inputs = manifest.onnx.clone().unwrap_or_default();
    match (&manifest.condition, &inputs.class) {
        (Some(_), None) => {
            problems.push("`onnx.class`: expected the name of the input for classes, not given".to_owned());
        }
        (None, Some(class)) => problems.push(format!(
            "`onnx.class = \"{class}\"`: expected a section [condition] with the number of classes, or no such key"
        )),
        _ => {}
    }
    if inputs.latent.is_some() && inputs.latent == inputs.class {
        problems.push("`onnx.latent` and `onnx.class`: expected two inputs, got one name".to_owned());
    }
    problems
}

pub(super) fn unneeded(_manifest: &Manifest, _key: &str) -> Option<&'static str> {
    None
}

#[cfg(feature = "onnx")]
pub(super) fn build(
    manifest: &Manifest,
    state_dict: &mut StateDict,
    device: &Device,
) -> Result<Box<dyn Architecture>, WeightsError> {
    let network = network::OnnxNetwork::load(manifest, state_dict.path(), device)
        .map_err(|problem| WeightsError::Onnx { path: state_dict.path().to_owned(), problem })?;
    Ok(Box::new(network))
}

/// Not reached: a manifest with problems is not loaded.
#[cfg(not(feature = "onnx"))]
pub(super) fn build(
    _: &Manifest,
    state_dict: &mut StateDict,
    _: &Device,
) -> Result<Box<dyn Architecture>, WeightsError> {
    let problem = "this build has no ONNX runtime; build zview with `--features onnx`".to_owned();
    Err(WeightsError::Onnx { path: state_dict.path().to_owned(), problem })
}
