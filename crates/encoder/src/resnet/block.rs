//! One residual block.

use burn::tensor::{Device, Tensor};
use zview_network::layers::{BatchNorm, ChannelGate, Convolution};
use zview_network::{Mode, Network, StateVisitor};

use super::plan::{BlockPlan, ConvPlan};

/// A chain of convolutions, each normalised, added to a shortcut. Two 3x3 convolutions make the basic block, 1x1, 3x3,
/// 1x1 the bottleneck.
#[derive(Debug, Clone)]
pub(super) struct Block {
    chain: Vec<(Convolution, BatchNorm)>,
    /// Weighs the chain's channels before the sum.
    gate: Option<ChannelGate>,
    downsample: Option<Downsample>,
}

#[derive(Debug, Clone)]
struct Downsample {
    averaged: Option<usize>,
    conv: Convolution,
    norm: BatchNorm,
}

impl Block {
    /// `make` gives the convolutions, in the order in which recipes draw their weights.
    pub(super) fn new(
        plan: &BlockPlan,
        make: &mut dyn FnMut(&ConvPlan) -> Convolution,
        device: &Device,
    ) -> Self {
        let mut layer = |plan: &ConvPlan| (make(plan), BatchNorm::new(plan.outputs, device));
        let chain: Vec<_> = plan.chain.iter().map(&mut layer).collect();
        let downsample = plan.shortcut.map(|shortcut| {
            let (conv, norm) = layer(&shortcut.conv);
            Downsample { averaged: shortcut.averaged, conv, norm }
        });
        let outputs = plan.chain.last().map_or(0, |conv| conv.outputs);
        let gate = plan.gate.map(|gate| ChannelGate::zeros(gate, outputs, device));
        Self { chain, gate, downsample }
    }

    /// relu(gate(chain(x)) + shortcut(x)).
    pub(super) fn forward(&mut self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let shortcut = match &mut self.downsample {
            Some(Downsample { averaged, conv, norm }) => {
                let x = match averaged {
                    Some(side) => averages(x.clone(), *side),
                    None => x.clone(),
                };
                norm.forward(conv.forward(x), None, false, mode)
            }
            None => x.clone(),
        };
        let mut shortcut = Some(shortcut);
        let last = self.chain.len() - 1;
        let mut x = x;
        for (index, (conv, norm)) in self.chain.iter_mut().enumerate() {
            x = conv.forward(x);
            x = match &self.gate {
                Some(gate) if index == last => {
                    let gated = gate.forward(norm.forward(x, None, false, mode));
                    let sum = match shortcut.take() {
                        Some(shortcut) => gated + shortcut,
                        None => gated,
                    };
                    burn::tensor::activation::relu(sum)
                }
                _ => norm.forward(x, if index == last { shortcut.take() } else { None }, true, mode),
            };
        }
        x
    }
}

/// Means over squares of `side` pixels (B, C, H / side, W / side, rounded up); those at the edge are of the pixels that
/// are there, as PyTorch's `AvgPool2d(side, side, ceil_mode=True, count_include_pad=False)`.
fn averages(x: Tensor<4>, side: usize) -> Tensor<4> {
    let mut x = x;
    for dimension in [2, 3] {
        let length = x.dims()[dimension];
        let (whole, rest) = (length / side * side, length % side);
        let means = |x: Tensor<4>, side: usize| {
            let [a, b, c, d] = x.dims();
            match dimension {
                2 => x.reshape([a, b, c / side, side, d]).mean_dim(3).squeeze_dim::<4>(3),
                _ => x.reshape([a, b, c, d / side, side]).mean_dim(4).squeeze_dim::<4>(4),
            }
        };
        let mut parts = Vec::new();
        if whole > 0 {
            parts.push(means(x.clone().narrow(dimension, 0, whole), side));
        }
        if rest > 0 {
            parts.push(means(x.clone().narrow(dimension, whole, rest), rest));
        }
        x = Tensor::cat(parts, dimension);
    }
    x
}

impl Network for Block {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        for (index, (conv, norm)) in self.chain.iter_mut().enumerate() {
            conv.visit(&format!("{prefix}.conv{}", index + 1), visitor);
            norm.visit(&format!("{prefix}.bn{}", index + 1), visitor);
        }
        if let Some(gate) = &mut self.gate {
            gate.visit(&format!("{prefix}.se"), visitor);
        }
        if let Some(Downsample { averaged, conv, norm }) = &mut self.downsample {
            let first = usize::from(averaged.is_some());
            conv.visit(&format!("{prefix}.downsample.{first}"), visitor);
            norm.visit(&format!("{prefix}.downsample.{}", first + 1), visitor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_at_the_edge_are_of_the_pixels_that_are_there() {
        // torch.nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False)(torch.arange(15.).reshape(1, 1, 3, 5))
        let pixels: Vec<f32> = (0..15).map(|pixel| pixel as f32).collect();
        let x = Tensor::<1>::from_floats(pixels.as_slice(), &Device::flex());
        let got = averages(x.reshape([1, 1, 3, 5]), 2).into_data().try_into_vec::<f32>().unwrap();
        assert_eq!(got, [3.0, 5.0, 6.5, 10.5, 12.5, 14.0]);
    }
}
