//! Initial weights.

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use zview_runtime::seed::Stream;

/// How convolutions are initialised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Init {
    /// Uniform in ±1/sqrt(inputs of a unit): what PyTorch's layers do when nobody says otherwise.
    Uniform,
    /// Normal with variance 2 / (outputs of a unit): what torchvision's ResNets do (He et al. 2015).
    HeNormal,
}

/// Standard deviation of a transformer's initial weights, as in timm.
const TRANSFORMER_STD: f32 = 0.02;
/// Where timm cuts them off, in standard deviations: at a weight of 2, which is never reached.
const CUT: f32 = 2.0 / TRANSFORMER_STD;

/// A transformer's initial weights or position embedding: truncated normal of standard deviation 0.02.
#[must_use]
pub fn truncated_normal<const D: usize>(
    shape: [usize; D],
    random: &mut Stream,
    device: &Device,
) -> Tensor<D> {
    let count = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|_| TRANSFORMER_STD * random.truncated_normal(CUT)).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}
