//! Other arrangements of the same values.

use std::ops::Range;

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};
use zview_network::weights::WeightsError;

use super::{FirstLayer, LayerLoader, LayerSpec, Step};
use crate::architectures::activations::Activations;
use crate::manifest::Features;

/// The same values as (features) or (channels, height, width).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Reshape {
    /// One or three extents, without the batch.
    pub shape: Vec<usize>,
}

/// The same values as (features).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Flatten {}

impl Reshape {
    fn target(&self) -> Option<Features> {
        match self.shape[..] {
            [features] => Some(Features::Flat(features)),
            [channels, height, width] => Some(Features::Map { channels, height, width }),
            _ => None,
        }
    }
}

impl LayerSpec for Reshape {
    fn through(&self, from: Features, _classes: Option<usize>) -> Result<Features, String> {
        let shape = &self.shape;
        let target = self
            .target()
            .ok_or_else(|| format!("expected one or three extents in `shape`, got {shape:?}"))?;
        if target.values() != from.values() {
            return Err(format!("expected a shape with as many values as {from}, got {shape:?}"));
        }
        Ok(target)
    }

    fn wanted(&self, got: Features) -> Features {
        self.target().unwrap_or(got)
    }

    fn keeps_values(&self) -> bool {
        true
    }

    fn load(&self, _loader: &mut LayerLoader<'_>, from: Features) -> Result<Box<dyn Step>, WeightsError> {
        Ok(Box::new(Reshaped(self.target().unwrap_or(from))))
    }
}

impl LayerSpec for Flatten {
    fn through(&self, from: Features, _classes: Option<usize>) -> Result<Features, String> {
        from.values().map(Features::Flat).ok_or_else(|| format!("expected fewer values, got {from}"))
    }

    fn keeps_values(&self) -> bool {
        true
    }

    fn load(&self, _loader: &mut LayerLoader<'_>, from: Features) -> Result<Box<dyn Step>, WeightsError> {
        Ok(Box::new(Reshaped(Features::Flat(from.size()))))
    }
}

/// To these features.
#[derive(Debug, Clone)]
struct Reshaped(Features);

impl Step for Reshaped {
    fn forward(&self, now: Activations, _classes: Option<&Tensor<1, Int>>) -> Activations {
        now.reshaped(self.0)
    }

    fn first_layer(&self, z: Range<usize>, _from: Features) -> FirstLayer {
        match self.0.sides() {
            [1, 1] => FirstLayer::Passed(z),
            _ => FirstLayer::Other,
        }
    }
}
