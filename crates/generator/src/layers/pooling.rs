//! Means and maxima over windows.

use burn::tensor::ops::{AvgPoolOptions, MaxPoolOptions};
use burn::tensor::{Int, Tensor, module};
use serde::{Deserialize, Serialize};
use zview_network::weights::WeightsError;

use super::conv::convolved;
use super::loader::{is_yes, yes};
use super::{LayerLoader, LayerSpec, Step};
use crate::architectures::activations::Activations;
use crate::manifest::Features;

/// Means over windows.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AveragePool {
    /// Side of a window in pixels.
    pub kernel: usize,
    /// Step in pixels; default the window's side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<usize>,
    /// Zeros added on every side; default 0.
    #[serde(default)]
    pub padding: usize,
    /// Whether those zeros count; default true, as in PyTorch.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub count_include_pad: bool,
}

/// Maxima over windows.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MaxPool {
    /// Side of a window in pixels.
    pub kernel: usize,
    /// Step in pixels; default the window's side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<usize>,
    /// Pixels below all others added on every side; default 0.
    #[serde(default)]
    pub padding: usize,
}

fn pooled(from: Features, kernel: usize, stride: Option<usize>, padding: usize) -> Result<Features, String> {
    let Features::Map { channels, .. } = from else {
        return Err(format!("expected a map (reshape it first), got {from}"));
    };
    let stride = stride.unwrap_or(kernel);
    if kernel == 0 || stride == 0 || padding > kernel / 2 {
        return Err(format!(
            "expected `kernel` and `stride` of 1 or above and `padding` of at most half the kernel, got {kernel}, \
             {stride} and {padding}"
        ));
    }
    convolved(from, [channels; 2], |side| {
        let room = side.checked_add(padding.checked_mul(2)?)?.checked_sub(kernel)?;
        Some(room.checked_div(stride)? + 1)
    })
}

impl LayerSpec for AveragePool {
    fn through(&self, from: Features, _classes: Option<usize>) -> Result<Features, String> {
        pooled(from, self.kernel, self.stride, self.padding)
    }

    fn load(&self, _loader: &mut LayerLoader<'_>, _from: Features) -> Result<Box<dyn Step>, WeightsError> {
        Ok(Box::new(self.clone()))
    }
}

impl Step for AveragePool {
    fn forward(&self, now: Activations, _classes: Option<&Tensor<1, Int>>) -> Activations {
        let options = AvgPoolOptions::new([self.kernel; 2])
            .with_stride([self.stride.unwrap_or(self.kernel); 2])
            .with_padding([self.padding; 2])
            .with_count_include_pad(self.count_include_pad);
        Activations::Map(module::avg_pool2d(now.into_map(), options))
    }
}

impl LayerSpec for MaxPool {
    fn through(&self, from: Features, _classes: Option<usize>) -> Result<Features, String> {
        pooled(from, self.kernel, self.stride, self.padding)
    }

    fn load(&self, _loader: &mut LayerLoader<'_>, _from: Features) -> Result<Box<dyn Step>, WeightsError> {
        Ok(Box::new(self.clone()))
    }
}

impl Step for MaxPool {
    fn forward(&self, now: Activations, _classes: Option<&Tensor<1, Int>>) -> Activations {
        let options = MaxPoolOptions::new([self.kernel; 2])
            .with_stride([self.stride.unwrap_or(self.kernel); 2])
            .with_padding([self.padding; 2]);
        Activations::Map(module::max_pool2d(now.into_map(), options))
    }
}
