//! The layers that `architecture = "sequential"` is made of, a kind or a family of kinds in each file. Adding one is
//! a struct with `LayerSpec`, and a line in the table here.

mod activation;
mod attention;
mod batch_norm;
mod chain;
mod condition;
mod conv;
mod conv_transpose;
mod crop;
mod linear;
mod loader;
mod normalisation;
mod padding;
mod pixel_shuffle;
mod pooling;
mod prelu;
mod resample;
mod residual;
mod shape;
mod spec;
mod table;
mod upsample;

pub use activation::{
    Celu, Dropout, Elu, Gelu, GeluForm, HardSigmoid, HardSwish, HardTanh, LeakyRelu, Mish, Relu, Relu6, Selu,
    Sigmoid, Silu, Softplus, Softsign, Tanh,
};
pub use attention::SelfAttentionLayer;
pub use batch_norm::BatchNorm;
pub(crate) use chain::{Chain, walk};
pub use condition::{ClassCode, Combine, Condition};
pub use conv::Conv;
pub use conv_transpose::ConvTranspose;
pub use crop::Crop;
pub use linear::Linear;
pub(crate) use loader::LayerLoader;
pub use normalisation::{GroupNorm, InstanceNorm, LayerNorm, PixelNorm};
pub use padding::{Pad, PadMode, Sides};
pub use pixel_shuffle::PixelShuffle;
pub use pooling::{AveragePool, MaxPool};
pub use prelu::Prelu;
pub use residual::Residual;
pub use shape::{Flatten, Reshape};
pub(crate) use spec::{FirstLayer, LayerSpec, Step};
pub use upsample::{UpsampleBicubic, UpsampleBilinear, UpsampleNearest};

table::layers! {
    /// y = x W^T + b on flat features.
    Linear(Linear) = "linear";
    /// Convolution with a square kernel.
    Conv(Conv) = "conv";
    /// Transposed convolution with a square kernel.
    ConvTranspose(ConvTranspose) = "conv-transpose";
    /// Batch normalisation with the stored statistics.
    BatchNorm(BatchNorm) = "batch-norm";
    /// Normalisation of each channel of each image over its pixels.
    InstanceNorm(InstanceNorm) = "instance-norm";
    /// Normalisation of each group of channels of each image.
    GroupNorm(GroupNorm) = "group-norm";
    /// Normalisation over all features of each image.
    LayerNorm(LayerNorm) = "layer-norm";
    /// Division by the root mean square over channels, at each pixel.
    PixelNorm(PixelNorm) = "pixel-norm";
    /// The class, joined to the features.
    Condition(Condition) = "condition";
    /// Layers and a way around them, added.
    Residual(Residual) = "residual";
    /// Self-attention over the positions of a map.
    SelfAttention(SelfAttentionLayer) = "self-attention";
    /// max(x, slope x).
    LeakyRelu(LeakyRelu) = "leaky-relu";
    /// max(x, 0).
    Relu(Relu) = "relu";
    /// min(max(x, 0), 6).
    Relu6(Relu6) = "relu6";
    /// max(x, 0) + a min(x, 0) with a learned a.
    Prelu(Prelu) = "prelu";
    /// x for x > 0, else alpha (e^x - 1).
    Elu(Elu) = "elu";
    /// x for x > 0, else alpha (e^(x / alpha) - 1).
    Celu(Celu) = "celu";
    /// ELU with the constants that keep variances.
    Selu(Selu) = "selu";
    /// x sigmoid(x).
    Silu(Silu) = "silu";
    /// x times the normal distribution function of x.
    Gelu(Gelu) = "gelu";
    /// x tanh(softplus(x)).
    Mish(Mish) = "mish";
    /// log(1 + e^(beta x)) / beta.
    Softplus(Softplus) = "softplus";
    /// x / (1 + |x|).
    Softsign(Softsign) = "softsign";
    /// x min(max(x + 3, 0), 6) / 6.
    HardSwish(HardSwish) = "hard-swish";
    /// Hyperbolic tangent: output in -1 to 1.
    Tanh(Tanh) = "tanh";
    /// Output cut off at `low` and `high`.
    HardTanh(HardTanh) = "hard-tanh";
    /// Logistic function: output in 0 to 1.
    Sigmoid(Sigmoid) = "sigmoid";
    /// min(max(x + 3, 0), 6) / 6.
    HardSigmoid(HardSigmoid) = "hard-sigmoid";
    /// Nothing: dropout is for training.
    Dropout(Dropout) = "dropout";
    /// Larger by repeating pixels.
    UpsampleNearest(UpsampleNearest) = "upsample-nearest";
    /// Larger by linear interpolation.
    UpsampleBilinear(UpsampleBilinear) = "upsample-bilinear";
    /// Larger by cubic interpolation.
    UpsampleBicubic(UpsampleBicubic) = "upsample-bicubic";
    /// Channels become pixels.
    PixelShuffle(PixelShuffle) = "pixel-shuffle";
    /// Means over windows.
    AveragePool(AveragePool) = "average-pool";
    /// Maxima over windows.
    MaxPool(MaxPool) = "max-pool";
    /// Pixels added around a map.
    Pad(Pad) = "pad";
    /// Pixels cut off around a map.
    Crop(Crop) = "crop";
    /// The same values as (features) or (channels, height, width).
    Reshape(Reshape) = "reshape";
    /// The same values as (features).
    Flatten(Flatten) = "flatten";
}
