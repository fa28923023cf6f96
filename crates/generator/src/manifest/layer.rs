//! The layers that `architecture = "sequential"` is made of.

use serde::{Deserialize, Serialize};

fn yes() -> bool {
    true
}

fn one() -> usize {
    1
}

fn batch_norm_eps() -> f64 {
    1e-5
}

/// One layer. `key` is the prefix of its tensors in the state dict: the layer with key `net.0`
/// takes `net.0.weight`, `net.0.bias` and so on. The meaning of each is PyTorch's.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Layer {
    /// y = x W^T + b on flat features; weight (outputs, inputs).
    Linear {
        /// Prefix in the state dict.
        key: String,
        /// Number of features in.
        inputs: usize,
        /// Number of features out.
        outputs: usize,
        /// Whether there is a bias; default true.
        #[serde(default = "yes")]
        bias: bool,
    },
    /// Convolution with a square kernel; weight (out, in, kernel, kernel).
    Conv {
        /// Prefix in the state dict.
        key: String,
        /// Channels in.
        r#in: usize,
        /// Channels out.
        out: usize,
        /// Side of the kernel in pixels.
        kernel: usize,
        /// Step in pixels; default 1.
        #[serde(default = "one")]
        stride: usize,
        /// Zeros added on every side, in pixels; default 0.
        #[serde(default)]
        padding: usize,
        /// Whether there is a bias; default true.
        #[serde(default = "yes")]
        bias: bool,
    },
    /// Transposed convolution with a square kernel; weight (in, out, kernel, kernel).
    ConvTranspose {
        /// Prefix in the state dict.
        key: String,
        /// Channels in.
        r#in: usize,
        /// Channels out.
        out: usize,
        /// Side of the kernel in pixels.
        kernel: usize,
        /// Step in output pixels; default 1.
        #[serde(default = "one")]
        stride: usize,
        /// Pixels cut from every side of the output; default 0.
        #[serde(default)]
        padding: usize,
        /// Pixels added at the lower and right side of the output; default 0.
        #[serde(default)]
        output_padding: usize,
        /// Whether there is a bias; default true.
        #[serde(default = "yes")]
        bias: bool,
    },
    /// Batch normalisation with the stored statistics; `weight`, `bias`, `running_mean` and
    /// `running_var`, each (channels).
    BatchNorm {
        /// Prefix in the state dict.
        key: String,
        /// Number of channels, or of flat features.
        channels: usize,
        /// Added to the variance; default 1e-5.
        #[serde(default = "batch_norm_eps")]
        eps: f64,
    },
    /// The embedding of the class, concatenated after the flat features; weight
    /// (classes, dimension).
    Condition {
        /// Prefix in the state dict.
        key: String,
        /// Values of one embedding.
        dimension: usize,
    },
    /// max(x, slope x).
    LeakyRelu {
        /// Factor for negative values.
        slope: f64,
    },
    /// max(x, 0).
    Relu {},
    /// Hyperbolic tangent: output in -1 to 1.
    Tanh {},
    /// Logistic function: output in 0 to 1.
    Sigmoid {},
    /// Every pixel repeated `factor` times in both directions.
    UpsampleNearest {
        /// How many times larger each side becomes.
        factor: usize,
    },
    /// The same values as (features) or (channels, height, width).
    Reshape {
        /// One or three extents, without the batch.
        shape: Vec<usize>,
    },
}

impl Layer {
    /// The kind as it is written in a manifest.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Linear { .. } => "linear",
            Self::Conv { .. } => "conv",
            Self::ConvTranspose { .. } => "conv-transpose",
            Self::BatchNorm { .. } => "batch-norm",
            Self::Condition { .. } => "condition",
            Self::LeakyRelu { .. } => "leaky-relu",
            Self::Relu {} => "relu",
            Self::Tanh {} => "tanh",
            Self::Sigmoid {} => "sigmoid",
            Self::UpsampleNearest { .. } => "upsample-nearest",
            Self::Reshape { .. } => "reshape",
        }
    }
}
