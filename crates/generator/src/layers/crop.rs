//! Pixels cut off around a map.

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};
use zview_network::weights::WeightsError;

use super::padding::Sides;
use super::{LayerLoader, LayerSpec, Step};
use crate::architectures::activations::Activations;
use crate::manifest::Features;

/// Pixels cut off around a map, such as `x[:, :, 2:-2, 2:-2]`, or a padding below 0.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Crop {
    /// Pixels on every side, or at the left, right, top and bottom.
    pub pixels: Sides,
}

impl LayerSpec for Crop {
    fn through(&self, from: Features, _classes: Option<usize>) -> Result<Features, String> {
        let Features::Map { channels, height, width } = from else {
            return Err(format!("expected a map (reshape it first), got {from}"));
        };
        let [left, right, top, bottom] = self.pixels.each();
        let rest = |side: usize, before: usize, after: usize| {
            side.checked_sub(before)?.checked_sub(after).filter(|rest| *rest > 0)
        };
        match rest(height, top, bottom).zip(rest(width, left, right)) {
            Some((height, width)) => Ok(Features::Map { channels, height, width }),
            None => Err(format!("expected fewer `pixels` than the map has, got {:?} of {from}", self.pixels)),
        }
    }

    fn keeps_values(&self) -> bool {
        true
    }

    fn load(&self, _loader: &mut LayerLoader<'_>, _from: Features) -> Result<Box<dyn Step>, WeightsError> {
        Ok(Box::new(self.clone()))
    }
}

impl Step for Crop {
    fn forward(&self, now: Activations, _classes: Option<&Tensor<1, Int>>) -> Activations {
        let map = now.into_map();
        let [left, right, top, bottom] = self.pixels.each();
        let [batch, channels, height, width] = map.dims();
        Activations::Map(map.slice([0..batch, 0..channels, top..height - bottom, left..width - right]))
    }
}
