//! Fully connected layers.

use std::ops::Range;

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};
use zview_network::AnyVisitor;
use zview_network::weights::WeightsError;

use super::loader::{Fresh, says_no, yes};
use super::spec::show_weights;
use super::{FirstLayer, LayerLoader, LayerSpec, Step};
use crate::architectures::activations::Activations;
use crate::manifest::Features;

/// y = x W^T + b on flat features; weight (outputs, inputs).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Linear {
    /// Prefix in the state dict.
    pub key: String,
    /// Number of features in.
    pub inputs: usize,
    /// Number of features out.
    pub outputs: usize,
    /// Whether there is a bias; default true.
    #[serde(default = "yes")]
    pub bias: bool,
}

impl LayerSpec for Linear {
    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn not_taken(&self, part: &str) -> Option<String> {
        says_no(part, &["bias"], "bias", self.bias)
    }

    fn through(&self, from: Features, _classes: Option<usize>) -> Result<Features, String> {
        match from {
            Features::Flat(features) if features == self.inputs => Ok(Features::Flat(self.outputs)),
            got => Err(format!("expected {} flat features (`inputs`), got {got}", self.inputs)),
        }
    }

    fn wanted(&self, _got: Features) -> Features {
        Features::Flat(self.inputs)
    }

    fn load(&self, loader: &mut LayerLoader<'_>, _from: Features) -> Result<Box<dyn Step>, WeightsError> {
        let fresh = Fresh::uniform(&[self.inputs]);
        Ok(Box::new(Product {
            weight: loader.parameter(&self.key, "weight", [self.outputs, self.inputs], fresh)?,
            bias: loader.bias(self.bias, &self.key, self.outputs, fresh)?,
            key: self.key.clone(),
        }))
    }
}

#[derive(Debug, Clone)]
struct Product {
    key: String,
    /// (outputs, inputs).
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
}

impl Step for Product {
    fn forward(&self, now: Activations, _classes: Option<&Tensor<1, Int>>) -> Activations {
        let weight = self.weight.clone().transpose();
        Activations::Flat(zview_kernels::linear(now.into_flat(), weight, self.bias.clone()))
    }

    fn visit(&mut self, prefix: &str, visitor: &mut AnyVisitor<'_>) {
        show_weights(&format!("{prefix}{}", self.key), &mut self.weight, &mut self.bias, visitor);
    }

    fn first_layer(&self, z: Range<usize>, _from: Features) -> FirstLayer {
        let [outputs, _] = self.weight.dims();
        FirstLayer::Weights(self.weight.clone().slice([0..outputs, z]).transpose())
    }
}
