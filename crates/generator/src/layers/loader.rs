//! The tensors that layers begin with: those of a file, or fresh ones.

use burn::tensor::{Device, Tensor, TensorData};
use zview_network::weights::{StateDict, WeightsError};
use zview_runtime::seed::Stream;

use crate::architectures::loader::Loader;

/// Gives layers their tensors, and knows how many classes there are.
pub(crate) struct LayerLoader<'a> {
    source: Source<'a>,
    pub(super) classes: usize,
}

enum Source<'a> {
    File(Loader<'a>),
    Fresh { random: &'a mut Stream, device: &'a Device, parameters: usize },
}

/// What a fresh tensor holds, as PyTorch's layers begin.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fresh {
    /// Uniform in ±1/sqrt(inputs of a unit).
    Uniform { inputs: usize },
    /// Standard normal.
    Normal,
}

impl Fresh {
    /// Uniform, of units with as many inputs as the product of `extents`.
    pub(super) fn uniform(extents: &[usize]) -> Self {
        Self::Uniform { inputs: extents.iter().fold(1, |inputs, extent| inputs.saturating_mul(*extent)) }
    }
}

impl<'a> LayerLoader<'a> {
    /// Tensors of a file.
    pub(crate) fn of_file(state_dict: &'a mut StateDict, device: &'a Device, classes: usize) -> Self {
        Self { source: Source::File(Loader::new(state_dict, device)), classes }
    }

    /// Fresh tensors, for training.
    pub(crate) fn fresh(random: &'a mut Stream, device: &'a Device, classes: usize) -> Self {
        Self { source: Source::Fresh { random, device, parameters: 0 }, classes }
    }

    /// The number of learned values taken so far.
    pub(crate) fn parameters(&self) -> usize {
        match &self.source {
            Source::File(loader) => loader.parameters,
            Source::Fresh { parameters, .. } => *parameters,
        }
    }

    /// The file, for what is only read, such as constants: training would have to record gradients past them.
    pub(super) fn file(&mut self, layer: &'static str) -> Result<&mut Loader<'a>, WeightsError> {
        match &mut self.source {
            Source::File(loader) => Ok(loader),
            Source::Fresh { .. } => Err(WeightsError::NotTrained { layer }),
        }
    }

    /// The device for `count` learned values that a layer makes itself; `None` where they are a file's.
    pub(super) fn makes_fresh(&mut self, count: usize) -> Option<&'a Device> {
        let Source::Fresh { device, parameters, .. } = &mut self.source else { return None };
        *parameters += count;
        Some(*device)
    }

    /// Learned values `key.part`.
    pub(super) fn parameter<const R: usize>(
        &mut self,
        key: &str,
        part: &str,
        shape: [usize; R],
        fresh: Fresh,
    ) -> Result<Tensor<R>, WeightsError> {
        let (random, device, parameters) = match &mut self.source {
            Source::File(loader) => return loader.parameter(&format!("{key}.{part}"), shape),
            Source::Fresh { random, device, parameters } => (random, device, parameters),
        };
        let mut values = vec![0.0f32; shape.iter().product()];
        *parameters += values.len();
        match fresh {
            Fresh::Normal => values.fill_with(|| random.normal()),
            Fresh::Uniform { inputs } => {
                let bound = 1.0 / (inputs as f32).sqrt();
                values.fill_with(|| random.uniform_in(-bound, bound));
            }
        }
        Ok(Tensor::from_data(TensorData::new(values, shape), *device))
    }

    /// `key.bias` (outputs), where there is one.
    pub(super) fn bias(
        &mut self,
        present: bool,
        key: &str,
        outputs: usize,
        fresh: Fresh,
    ) -> Result<Option<Tensor<1>>, WeightsError> {
        present.then(|| self.parameter(key, "bias", [outputs], fresh)).transpose()
    }

    /// `weight` and `bias` (channels) of `key` in a file, where `affine`.
    pub(super) fn affine(
        &mut self,
        affine: bool,
        key: &str,
        channels: usize,
    ) -> Result<Option<[Tensor<1>; 2]>, WeightsError> {
        if !affine {
            return Ok(None);
        }
        let file = self.file("a normalisation of this kind")?;
        let mut part = |part: &str| file.parameter(&format!("{key}.{part}"), [channels]);
        Ok(Some([part("weight")?, part("bias")?]))
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
