//! Gates that weigh the channels of a residual block by their means over the image.

use burn::tensor::{Device, Tensor, activation};

use crate::{Network, StateVisitor};

/// x times a gate in 0..1 per image and channel, made from the channels' means.
///
/// Named as in timm, within `se`.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "there is one per block")]
pub enum ChannelGate {
    /// sigmoid(fc2(relu(fc1(means)))): Hu et al. 2018, "Squeeze-and-Excitation Networks",
    /// <https://arxiv.org/abs/1709.01507>, equations 2 to 4.
    SqueezeExcite {
        /// Weight (R, C, 1, 1) and bias (R).
        fc1: (Tensor<4>, Tensor<1>),
        /// Weight (C, R, 1, 1) and bias (C).
        fc2: (Tensor<4>, Tensor<1>),
    },
    /// sigmoid of a convolution along the channels: Wang et al. 2020, "ECA-Net", <https://arxiv.org/abs/1910.03151>,
    /// equation 8.
    AcrossChannels {
        /// (1, 1, K), K odd.
        conv: Tensor<3>,
    },
}

/// What a file says of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateShape {
    /// Channels between `fc1` and `fc2`.
    SqueezeExcite(usize),
    /// Length of the convolution along the channels.
    AcrossChannels(usize),
}

impl ChannelGate {
    /// Zeros for `channels` channels (C), to be filled from a file.
    #[must_use]
    pub fn zeros(shape: GateShape, channels: usize, device: &Device) -> Self {
        match shape {
            GateShape::SqueezeExcite(reduced) => Self::SqueezeExcite {
                fc1: (Tensor::zeros([reduced, channels, 1, 1], device), Tensor::zeros([reduced], device)),
                fc2: (Tensor::zeros([channels, reduced, 1, 1], device), Tensor::zeros([channels], device)),
            },
            GateShape::AcrossChannels(length) => {
                Self::AcrossChannels { conv: Tensor::zeros([1, 1, length], device) }
            }
        }
    }

    /// (B, C, H, W) -> (B, C, H, W).
    #[must_use]
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [batch, channels, height, width] = x.dims();
        let means = x.clone().reshape([batch, channels, height * width]).mean_dim(2).squeeze_dim::<2>(2);
        let gate = match self {
            Self::SqueezeExcite { fc1, fc2 } => linear(activation::relu(linear(means, fc1)), fc2),
            Self::AcrossChannels { conv } => {
                let length = conv.dims()[2];
                let edge = Tensor::zeros([batch, length / 2], &means.device());
                let padded = Tensor::cat(vec![edge.clone(), means, edge], 1);
                let tap = |place: usize| {
                    let weight = conv.clone().narrow(2, place, 1).reshape([1, 1]);
                    padded.clone().narrow(1, place, channels) * weight
                };
                (1..length).fold(tap(0), |sum, place| sum + tap(place))
            }
        };
        x * activation::sigmoid(gate).reshape([batch, channels, 1, 1])
    }
}

/// (B, I) times the transpose of the 1x1 convolution (O, I, 1, 1), plus its bias.
fn linear(x: Tensor<2>, (weight, bias): &(Tensor<4>, Tensor<1>)) -> Tensor<2> {
    let [outputs, inputs, _, _] = weight.dims();
    zview_kernels::linear(x, weight.clone().reshape([outputs, inputs]).transpose(), Some(bias.clone()))
}

impl Network for ChannelGate {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        match self {
            Self::SqueezeExcite { fc1, fc2 } => {
                for (name, (weight, bias)) in [("fc1", fc1), ("fc2", fc2)] {
                    visitor.parameter(&format!("{prefix}.{name}.weight"), weight);
                    visitor.parameter(&format!("{prefix}.{name}.bias"), bias);
                }
            }
            Self::AcrossChannels { conv } => visitor.parameter(&format!("{prefix}.conv.weight"), conv),
        }
    }
}
