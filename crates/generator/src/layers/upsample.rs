//! Larger maps by repeating or interpolating pixels, as `torch.nn.Upsample` and `functional.interpolate` do it.

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};
use zview_network::weights::WeightsError;

use super::loader::is_no;
use super::resample::{Kernel, Resample};
use super::{LayerLoader, LayerSpec, Step};
use crate::architectures::activations::Activations;
use crate::architectures::operations;
use crate::manifest::Features;

/// The most products of an old and a new side: above it a manifest is taken for a mistake.
const WEIGHTS_MAX: usize = 1 << 26;

/// Every pixel repeated.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UpsampleNearest {
    /// How many times larger each side becomes; either this or `size`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<usize>,
    /// Height and width afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<[usize; 2]>,
}

/// Linear interpolation between pixels.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UpsampleBilinear {
    /// How many times larger each side becomes; either this or `size`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<usize>,
    /// Height and width afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<[usize; 2]>,
    /// PyTorch's argument of that name; default false. `UpsamplingBilinear2d` has true.
    #[serde(default, skip_serializing_if = "is_no")]
    pub align_corners: bool,
}

/// Cubic interpolation between pixels.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UpsampleBicubic {
    /// How many times larger each side becomes; either this or `size`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<usize>,
    /// Height and width afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<[usize; 2]>,
    /// PyTorch's argument of that name; default false.
    #[serde(default, skip_serializing_if = "is_no")]
    pub align_corners: bool,
}

fn resized(from: Features, factor: Option<usize>, size: Option<[usize; 2]>) -> Result<Features, String> {
    let Features::Map { channels, height, width } = from else {
        return Err(format!("expected a map (reshape it first), got {from}"));
    };
    let [height, width] = match (factor, size) {
        (Some(factor), None) => [height.saturating_mul(factor), width.saturating_mul(factor)],
        (None, Some(size)) => size,
        (None, None) => return Err("expected `factor` or `size`, got none".to_owned()),
        (Some(_), Some(_)) => return Err("expected `factor` or `size`, got both".to_owned()),
    };
    let weights = |from: usize, to: usize| from.saturating_mul(to);
    if weights(from.sides()[0], height).max(weights(from.sides()[1], width)) > WEIGHTS_MAX {
        return Err(format!("expected a smaller map, got {from} to be made {height} x {width}"));
    }
    Ok(Features::Map { channels, height, width })
}

fn resample(
    kernel: Kernel,
    align_corners: bool,
    [from, to]: [Features; 2],
    loader: &mut LayerLoader<'_>,
) -> Result<Box<dyn Step>, WeightsError> {
    let device = loader.file("interpolation")?.device;
    Ok(Box::new(Resample::new(kernel, align_corners, from.sides(), to.sides(), device)))
}

impl LayerSpec for UpsampleNearest {
    fn through(&self, from: Features, _classes: Option<usize>) -> Result<Features, String> {
        resized(from, self.factor, self.size)
    }

    fn keeps_values(&self) -> bool {
        true
    }

    fn load(&self, loader: &mut LayerLoader<'_>, from: Features) -> Result<Box<dyn Step>, WeightsError> {
        match (self.factor, resized(from, self.factor, self.size)) {
            (None, Ok(to)) => resample(Kernel::Nearest, false, [from, to], loader),
            (factor, _) => Ok(Box::new(Repeat { factor: factor.unwrap_or(1) })),
        }
    }
}

#[derive(Debug, Clone)]
struct Repeat {
    factor: usize,
}

impl Step for Repeat {
    fn forward(&self, now: Activations, _classes: Option<&Tensor<1, Int>>) -> Activations {
        Activations::Map(operations::upsample_nearest(now.into_map(), self.factor))
    }
}

impl LayerSpec for UpsampleBilinear {
    fn through(&self, from: Features, _classes: Option<usize>) -> Result<Features, String> {
        resized(from, self.factor, self.size)
    }

    fn keeps_values(&self) -> bool {
        true // within the range that they have
    }

    fn load(&self, loader: &mut LayerLoader<'_>, from: Features) -> Result<Box<dyn Step>, WeightsError> {
        let to = resized(from, self.factor, self.size).unwrap_or(from);
        resample(Kernel::Linear, self.align_corners, [from, to], loader)
    }
}

impl LayerSpec for UpsampleBicubic {
    fn through(&self, from: Features, _classes: Option<usize>) -> Result<Features, String> {
        resized(from, self.factor, self.size)
    }

    fn load(&self, loader: &mut LayerLoader<'_>, from: Features) -> Result<Box<dyn Step>, WeightsError> {
        let to = resized(from, self.factor, self.size).unwrap_or(from);
        resample(Kernel::Cubic, self.align_corners, [from, to], loader)
    }
}
