//! PReLU (He et al. 2015, <https://arxiv.org/abs/1502.01852>).

use burn::tensor::{Int, Tensor, activation};
use serde::{Deserialize, Serialize};
use zview_network::weights::WeightsError;

use super::loader::{is_one, one};
use super::{LayerLoader, LayerSpec, Step};
use crate::architectures::activations::Activations;
use crate::manifest::Features;

/// max(x, 0) + a min(x, 0); `weight` is a, one for all channels or one for each.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Prelu {
    /// Prefix in the state dict.
    pub key: String,
    /// PyTorch's `num_parameters`: 1, the default, or the number of channels.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub channels: usize,
}

impl LayerSpec for Prelu {
    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn through(&self, from: Features, _classes: Option<usize>) -> Result<Features, String> {
        match from {
            from if self.channels == 1 => Ok(from),
            Features::Flat(channels) | Features::Map { channels, .. } if channels == self.channels => {
                Ok(from)
            }
            got => {
                Err(format!("expected {} channels (`channels`), or `channels = 1`, got {got}", self.channels))
            }
        }
    }

    fn load(&self, loader: &mut LayerLoader<'_>, _from: Features) -> Result<Box<dyn Step>, WeightsError> {
        let slopes = loader.file("prelu")?.parameter(&format!("{}.weight", self.key), [self.channels])?;
        Ok(Box::new(Slopes(slopes)))
    }
}

/// (1) or (C).
#[derive(Debug, Clone)]
struct Slopes(Tensor<1>);

impl Step for Slopes {
    fn forward(&self, now: Activations, _classes: Option<&Tensor<1, Int>>) -> Activations {
        let slopes = self.0.clone().reshape([1, -1, 1, 1]);
        now.through_map(|map| activation::relu(map.clone()) + map.clamp_max(0.0) * slopes)
    }
}
