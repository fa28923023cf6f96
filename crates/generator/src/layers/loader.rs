//! Taking the tensors of layers out of a state dict.

use burn::tensor::{Device, Tensor};
use zview_network::weights::{StateDict, WeightsError};

use crate::architectures::loader::Loader;

/// A loader that knows how many classes there are.
pub(crate) struct LayerLoader<'a> {
    pub(super) tensors: Loader<'a>,
    pub(super) classes: usize,
}

impl<'a> LayerLoader<'a> {
    pub(crate) fn new(state_dict: &'a mut StateDict, device: &'a Device, classes: usize) -> Self {
        Self { tensors: Loader::new(state_dict, device), classes }
    }

    /// The number of learned values taken so far.
    pub(crate) fn parameters(&self) -> usize {
        self.tensors.parameters
    }

    pub(super) fn device(&self) -> &Device {
        self.tensors.device
    }

    /// Learned values `key.part`.
    pub(super) fn parameter<const R: usize>(
        &mut self,
        key: &str,
        part: &str,
        shape: [usize; R],
    ) -> Result<Tensor<R>, WeightsError> {
        self.tensors.parameter(&format!("{key}.{part}"), shape)
    }

    /// `key.bias` (outputs), where there is one.
    pub(super) fn bias(
        &mut self,
        present: bool,
        key: &str,
        outputs: usize,
    ) -> Result<Option<Tensor<1>>, WeightsError> {
        present.then(|| self.parameter(key, "bias", [outputs])).transpose()
    }

    /// `weight` and `bias` (channels) of `key`, where `affine`.
    pub(super) fn affine(
        &mut self,
        affine: bool,
        key: &str,
        channels: usize,
    ) -> Result<Option<[Tensor<1>; 2]>, WeightsError> {
        if !affine {
            return Ok(None);
        }
        Ok(Some([self.parameter(key, "weight", [channels])?, self.parameter(key, "bias", [channels])?]))
    }
}

pub(super) fn yes() -> bool {
    true
}

pub(super) fn one() -> usize {
    1
}

pub(super) fn eps() -> f64 {
    1e-5
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde asks
pub(super) fn is_yes(value: &bool) -> bool {
    *value
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde asks
pub(super) fn is_no(value: &bool) -> bool {
    !*value
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde asks
pub(super) fn is_one(value: &usize) -> bool {
    *value == 1
}

/// What is wrong with an `eps`.
pub(super) fn eps_problem(eps: f64) -> Vec<String> {
    let problem = || format!("expected `eps` of 0 or above, got {eps}");
    if eps.is_finite() && eps >= 0.0 { Vec::new() } else { vec![problem()] }
}

/// "says `name = false`" for the tensors `weight` and `bias` of a layer without them.
pub(super) fn says_no(part: &str, parts: &[&str], name: &str, present: bool) -> Option<String> {
    (!present && parts.contains(&part)).then(|| format!("says `{name} = false`; remove that"))
}
