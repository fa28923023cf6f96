//! Convolutions.

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};
use zview_network::AnyVisitor;
use zview_network::weights::WeightsError;

use super::loader::{Fresh, is_one, one, says_no, yes};
use super::padding::{PadMode, Padding, Sides};
use super::spec::show_weights;
use super::{LayerLoader, LayerSpec, Step};
use crate::architectures::activations::Activations;
use crate::architectures::operations;
use crate::manifest::Features;

/// Convolution with a square kernel; weight (out, in / groups, kernel, kernel).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Conv {
    /// Prefix in the state dict.
    pub key: String,
    /// Channels in.
    pub r#in: usize,
    /// Channels out.
    pub out: usize,
    /// Side of the kernel in pixels.
    pub kernel: usize,
    /// Step in pixels; default 1.
    #[serde(default = "one")]
    pub stride: usize,
    /// Pixels added on every side; default 0.
    #[serde(default)]
    pub padding: usize,
    /// What the added pixels are; default zeros.
    #[serde(default, skip_serializing_if = "PadMode::is_zeros")]
    pub padding_mode: PadMode,
    /// Distance of the kernel's places in pixels; default 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub dilation: usize,
    /// Groups of channels that are convolved apart; default 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub groups: usize,
    /// Whether there is a bias; default true.
    #[serde(default = "yes")]
    pub bias: bool,
}

/// What is wrong with numbers that convolutions share.
pub(super) fn number_problem(
    kernel: usize,
    stride: usize,
    dilation: usize,
    groups: usize,
    channels: [usize; 2],
) -> Option<String> {
    if kernel == 0 || stride == 0 {
        return Some(format!("expected `kernel` and `stride` of 1 or above, got {kernel} and {stride}"));
    }
    if dilation == 0 {
        return Some("expected `dilation` of 1 or above, got 0".to_owned());
    }
    let divides = |channels: usize| groups > 0 && channels.is_multiple_of(groups);
    (!channels.into_iter().all(divides)).then(|| {
        format!(
            "expected `groups` that divide `in` and `out` ({} and {}), got {groups}",
            channels[0], channels[1]
        )
    })
}

/// The map that a layer with `channels` makes, `side` being what it makes of a side.
pub(super) fn convolved(
    from: Features,
    channels: [usize; 2],
    side: impl Fn(usize) -> Option<usize>,
) -> Result<Features, String> {
    let [channels_in, channels_out] = channels;
    match from {
        Features::Map { channels, height, width } if channels == channels_in => {
            let sides = side(height).zip(side(width)).filter(|&(h, w)| h > 0 && w > 0);
            let (height, width) = sides.ok_or_else(|| {
                format!("expected a kernel, stride and padding that fit the input, got {from}")
            })?;
            Ok(Features::Map { channels: channels_out, height, width })
        }
        Features::Map { .. } => Err(format!("expected {channels_in} channels (`in`), got {from}")),
        Features::Flat(_) => {
            Err(format!("expected a map of {channels_in} channels (reshape it first), got {from}"))
        }
    }
}

/// A map of `channels` with the sides of `got`.
pub(super) fn with_channels(got: Features, channels: usize) -> Features {
    match got {
        Features::Map { height, width, .. } => Features::Map { channels, height, width },
        Features::Flat(_) => got,
    }
}

/// (kernel - 1) dilation + 1, the pixels that a kernel spans.
pub(super) fn span(kernel: usize, dilation: usize) -> Option<usize> {
    kernel.checked_sub(1)?.checked_mul(dilation)?.checked_add(1)
}

impl LayerSpec for Conv {
    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn not_taken(&self, part: &str) -> Option<String> {
        says_no(part, &["bias"], "bias", self.bias)
    }

    fn through(&self, from: Features, _classes: Option<usize>) -> Result<Features, String> {
        let channels = [self.r#in, self.out];
        if let Some(problem) = number_problem(self.kernel, self.stride, self.dilation, self.groups, channels)
        {
            return Err(problem);
        }
        if self.padding > 0
            && let Features::Map { .. } = from
        {
            self.padding_mode.fits(Sides::all(self.padding), from)?;
        }
        convolved(from, channels, |side| {
            let padded = side.checked_add(self.padding.checked_mul(2)?)?;
            let room = padded.checked_sub(span(self.kernel, self.dilation)?)?;
            Some(room.checked_div(self.stride)? + 1)
        })
    }

    fn wanted(&self, got: Features) -> Features {
        with_channels(got, self.r#in)
    }

    fn load(&self, loader: &mut LayerLoader<'_>, from: Features) -> Result<Box<dyn Step>, WeightsError> {
        let shape = [self.out, self.r#in / self.groups, self.kernel, self.kernel];
        let zeros = self.padding_mode.is_zeros() || self.padding == 0;
        let sides = Sides::all(self.padding);
        let around = match zeros {
            true => None,
            false => Some(Padding::new(self.padding_mode, sides, from, loader.file("padding")?.device)),
        };
        let fresh = Fresh::uniform(&shape[1..]);
        Ok(Box::new(Convolution {
            weight: loader.parameter(&self.key, "weight", shape, fresh)?,
            bias: loader.bias(self.bias, &self.key, self.out, fresh)?,
            key: self.key.clone(),
            stride: self.stride,
            padding: if zeros { self.padding } else { 0 },
            around,
            dilation: self.dilation,
            groups: self.groups,
        }))
    }
}

#[derive(Debug, Clone)]
struct Convolution {
    key: String,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    stride: usize,
    /// Zeros on every side.
    padding: usize,
    /// Padding that is not of zeros.
    around: Option<Padding>,
    dilation: usize,
    groups: usize,
}

impl Step for Convolution {
    fn forward(&self, now: Activations, _classes: Option<&Tensor<1, Int>>) -> Activations {
        let mut map = now.into_map();
        if let Some(around) = &self.around {
            map = around.forward(map);
        }
        let (weight, bias) = (self.weight.clone(), self.bias.clone());
        Activations::Map(if self.dilation == 1 && self.groups == 1 {
            operations::conv(map, weight, bias, self.stride, self.padding)
        } else {
            let [dilation, groups] = [self.dilation, self.groups];
            operations::sparse_conv(map, weight, bias, [self.stride, self.padding, dilation, groups])
        })
    }

    fn visit(&mut self, prefix: &str, visitor: &mut AnyVisitor<'_>) {
        show_weights(&format!("{prefix}{}", self.key), &mut self.weight, &mut self.bias, visitor);
    }
}
