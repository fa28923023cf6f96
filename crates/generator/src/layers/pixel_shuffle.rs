//! Pixel shuffle (Shi et al. 2016, <https://arxiv.org/abs/1609.05158>).

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};
use zview_network::weights::WeightsError;

use super::{LayerLoader, LayerSpec, Step};
use crate::architectures::activations::Activations;
use crate::manifest::Features;

/// (C factor², H, W) to (C, factor H, factor W): channel c factor² + i factor + j becomes pixel (i, j) of a block.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PixelShuffle {
    /// How many times larger each side becomes.
    pub factor: usize,
}

impl LayerSpec for PixelShuffle {
    fn through(&self, from: Features, _classes: Option<usize>) -> Result<Features, String> {
        let factor = self.factor;
        let Features::Map { channels, height, width } = from else {
            return Err(format!("expected a map (reshape it first), got {from}"));
        };
        match factor.checked_mul(factor).filter(|block| *block > 0 && channels.is_multiple_of(*block)) {
            Some(block) => Ok(Features::Map {
                channels: channels / block,
                height: height.saturating_mul(factor),
                width: width.saturating_mul(factor),
            }),
            None => Err(format!("expected channels that `factor` squared divides, got {from} and {factor}")),
        }
    }

    fn keeps_values(&self) -> bool {
        true
    }

    fn load(&self, _loader: &mut LayerLoader<'_>, _from: Features) -> Result<Box<dyn Step>, WeightsError> {
        Ok(Box::new(self.clone()))
    }
}

impl Step for PixelShuffle {
    fn forward(&self, now: Activations, _classes: Option<&Tensor<1, Int>>) -> Activations {
        let (map, factor) = (now.into_map(), self.factor);
        let [batch, channels, height, width] = map.dims();
        let out = channels / (factor * factor);
        // (B, C, i, j, H, W) -> (B, C, H, i, W, j)
        let blocks = map.reshape([batch, out, factor, factor, height, width]).permute([0, 1, 4, 2, 5, 3]);
        Activations::Map(blocks.reshape([batch, out, height * factor, width * factor]))
    }
}
