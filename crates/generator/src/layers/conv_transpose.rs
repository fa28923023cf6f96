//! Transposed convolutions.

use std::ops::Range;

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};
use zview_network::AnyVisitor;
use zview_network::weights::WeightsError;

use super::conv::{convolved, number_problem, span, with_channels};
use super::loader::{Fresh, is_one, one, says_no, yes};
use super::spec::show_weights;
use super::{FirstLayer, LayerLoader, LayerSpec, Step};
use crate::architectures::activations::Activations;
use crate::architectures::operations;
use crate::manifest::Features;

/// Transposed convolution with a square kernel; weight (in, out / groups, kernel, kernel).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ConvTranspose {
    /// Prefix in the state dict.
    pub key: String,
    /// Channels in.
    pub r#in: usize,
    /// Channels out.
    pub out: usize,
    /// Side of the kernel in pixels.
    pub kernel: usize,
    /// Step in output pixels; default 1.
    #[serde(default = "one")]
    pub stride: usize,
    /// Pixels cut from every side of the output; default 0.
    #[serde(default)]
    pub padding: usize,
    /// Pixels added at the lower and right side of the output; default 0.
    #[serde(default)]
    pub output_padding: usize,
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

impl LayerSpec for ConvTranspose {
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
        let (stride, output_padding) = (self.stride, self.output_padding);
        if output_padding > 0 && output_padding >= stride.max(self.dilation) {
            return Err(format!("expected `output_padding` below `stride` ({stride}), got {output_padding}"));
        }
        convolved(from, channels, |side| {
            let full = side.checked_sub(1)?.checked_mul(stride)?;
            let full = full.checked_add(span(self.kernel, self.dilation)?)?;
            full.checked_add(output_padding)?.checked_sub(self.padding.checked_mul(2)?)
        })
    }

    fn wanted(&self, got: Features) -> Features {
        with_channels(got, self.r#in)
    }

    fn load(&self, loader: &mut LayerLoader<'_>, _from: Features) -> Result<Box<dyn Step>, WeightsError> {
        let shape = [self.r#in, self.out / self.groups, self.kernel, self.kernel];
        // Each output pixel sees (kernel / stride)² of the kernel's places.
        let places = self.kernel.saturating_mul(self.kernel).saturating_mul(self.r#in / self.groups);
        let fresh = Fresh::uniform(&[places.div_ceil(self.stride.saturating_mul(self.stride)).max(1)]);
        Ok(Box::new(TransposedConvolution {
            weight: loader.parameter(&self.key, "weight", shape, fresh)?,
            bias: loader.bias(self.bias, &self.key, self.out, fresh)?,
            key: self.key.clone(),
            stride: self.stride,
            padding: self.padding,
            output_padding: self.output_padding,
            dilation: self.dilation,
            groups: self.groups,
        }))
    }
}

#[derive(Debug, Clone)]
struct TransposedConvolution {
    key: String,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    stride: usize,
    padding: usize,
    output_padding: usize,
    dilation: usize,
    groups: usize,
}

impl Step for TransposedConvolution {
    fn forward(&self, now: Activations, _classes: Option<&Tensor<1, Int>>) -> Activations {
        let (map, weight, bias) = (now.into_map(), self.weight.clone(), self.bias.clone());
        let Self { stride, padding, output_padding, dilation, groups, .. } = *self;
        Activations::Map(if dilation == 1 && groups == 1 {
            operations::conv_transpose(map, weight, bias, stride, padding, output_padding)
        } else {
            let options = [stride, padding, output_padding, dilation, groups];
            operations::sparse_conv_transpose(map, weight, bias, options)
        })
    }

    fn visit(&mut self, prefix: &str, visitor: &mut AnyVisitor<'_>) {
        show_weights(&format!("{prefix}{}", self.key), &mut self.weight, &mut self.bias, visitor);
    }

    fn first_layer(&self, z: Range<usize>, from: Features) -> FirstLayer {
        if from.sides() != [1, 1] || self.dilation != 1 || self.groups != 1 {
            return FirstLayer::Other;
        }
        // On a map of one pixel the kernel is what comes out, without what padding cuts off.
        let [_, outputs, kernel, _] = self.weight.dims();
        let kept = self.padding..kernel.min((kernel + self.output_padding).saturating_sub(self.padding));
        let features = outputs * kept.len() * kept.len();
        let rows = z.len();
        let kernels = self.weight.clone().slice([z, 0..outputs, kept.clone(), kept]);
        FirstLayer::Weights(kernels.reshape([rows, features]))
    }
}
