//! Pixels added around a map.

use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use zview_network::weights::WeightsError;

use super::{LayerLoader, LayerSpec, Step};
use crate::architectures::activations::Activations;
use crate::manifest::Features;

/// Pixels added around a map.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Pad {
    /// Pixels on every side, or at the left, right, top and bottom.
    pub padding: Sides,
    /// What they are; default zeros.
    #[serde(default)]
    pub mode: PadMode,
}

/// A number of pixels on each side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged, expecting = "expected a number of pixels, or [left, right, top, bottom]")]
pub enum Sides {
    /// The same on all.
    All(usize),
    /// At the left, right, top and bottom.
    Each([usize; 4]),
}

impl Sides {
    pub(super) fn all(pixels: usize) -> Self {
        Self::All(pixels)
    }

    /// Left, right, top and bottom.
    pub(super) fn each(self) -> [usize; 4] {
        match self {
            Self::All(pixels) => [pixels; 4],
            Self::Each(pixels) => pixels,
        }
    }
}

/// What pixels beyond a map's edge are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PadMode {
    /// 0.
    #[default]
    Zeros,
    /// The map mirrored about its outermost pixels, which are not repeated.
    Reflect,
    /// The nearest pixel.
    Replicate,
    /// The other side's.
    Circular,
}

impl PadMode {
    #[allow(clippy::trivially_copy_pass_by_ref)] // as serde asks
    pub(super) fn is_zeros(&self) -> bool {
        *self == Self::Zeros
    }

    /// The pixel of a side that stands at `place`, counted from -before; `None` is 0.
    fn source(self, place: i64, side: i64) -> Option<i64> {
        match self {
            Self::Zeros => (0..side).contains(&place).then_some(place),
            Self::Reflect => Some(if place < 0 { -place } else { place.min(2 * (side - 1) - place) }),
            Self::Replicate => Some(place.clamp(0, side - 1)),
            Self::Circular => Some(place.rem_euclid(side)),
        }
    }

    /// Whether a map is large enough to be padded so, with "expected .., got ..".
    pub(super) fn fits(self, sides: Sides, from: Features) -> Result<(), String> {
        let [height, width] = from.sides();
        let [left, right, top, bottom] = sides.each();
        let most = match self {
            Self::Zeros | Self::Replicate => return Ok(()),
            Self::Reflect => [height.saturating_sub(1), width.saturating_sub(1)],
            Self::Circular => [height, width],
        };
        if top.max(bottom) <= most[0] && left.max(right) <= most[1] {
            return Ok(());
        }
        let mode = if self == Self::Reflect { "reflect" } else { "circular" };
        Err(format!(
            "expected at most {} and {} pixels of padding in y and x (mode \"{mode}\"), got {}, of {from}",
            most[0],
            most[1],
            left.max(right).max(top).max(bottom)
        ))
    }
}

/// Padding of maps of one size.
#[derive(Debug, Clone)]
pub(super) struct Padding {
    /// Of zeros: left, right, top and bottom.
    zeros: Option<[usize; 4]>,
    /// Else: for each row and column of the result that of the map.
    rows: Tensor<1, Int>,
    columns: Tensor<1, Int>,
}

impl Padding {
    pub(super) fn new(mode: PadMode, sides: Sides, from: Features, device: &Device) -> Self {
        let [height, width] = from.sides();
        let [left, right, top, bottom] = sides.each();
        let sources = |before: usize, side: usize, after: usize| {
            let places = -(before as i64)..(side + after) as i64;
            let sources: Vec<i64> =
                places.map(|place| mode.source(place, side as i64).unwrap_or(0)).collect();
            let count = sources.len();
            Tensor::from_data(TensorData::new(sources, [count]), device)
        };
        let zeros = mode.is_zeros().then_some(sides.each());
        Self { zeros, rows: sources(top, height, bottom), columns: sources(left, width, right) }
    }

    /// (B, C, H, W) to (B, C, top + H + bottom, left + W + right).
    pub(super) fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        let Some([left, right, top, bottom]) = self.zeros else {
            return map.select(2, self.rows.clone()).select(3, self.columns.clone());
        };
        let [batch, channels, height, width] = map.dims();
        let padded =
            Tensor::zeros([batch, channels, top + height + bottom, left + width + right], &map.device());
        padded.slice_assign([0..batch, 0..channels, top..top + height, left..left + width], map)
    }
}

impl LayerSpec for Pad {
    fn through(&self, from: Features, _classes: Option<usize>) -> Result<Features, String> {
        let Features::Map { channels, height, width } = from else {
            return Err(format!("expected a map (reshape it first), got {from}"));
        };
        self.mode.fits(self.padding, from)?;
        let [left, right, top, bottom] = self.padding.each();
        let height = height.saturating_add(top).saturating_add(bottom);
        Ok(Features::Map { channels, height, width: width.saturating_add(left).saturating_add(right) })
    }

    fn load(&self, loader: &mut LayerLoader<'_>, from: Features) -> Result<Box<dyn Step>, WeightsError> {
        Ok(Box::new(Padding::new(self.mode, self.padding, from, loader.file("pad")?.device)))
    }
}

impl Step for Padding {
    fn forward(&self, now: Activations, _classes: Option<&Tensor<1, Int>>) -> Activations {
        Activations::Map(Self::forward(self, now.into_map()))
    }
}
