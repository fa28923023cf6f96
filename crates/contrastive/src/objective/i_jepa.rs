//! I-JEPA: predict the features of hidden blocks of an image from the rest of it.
//!
//! Assran et al. 2023, "Self-Supervised Learning from Images with a Joint-Embedding Predictive Architecture",
//! <https://arxiv.org/abs/2301.08243>, section 3:
//!
//! L = mean over targets, patches and features of  smooth-L1( g(f(context), places), LN(f'(image))[places] )
//!
//! f is a Vision Transformer that sees the context's patches only, f' its target network that sees the whole image,
//! g a narrow transformer on the context's features and one mask token per hidden patch, which knows its place.
//! Every view is an image of its own: views are not compared. The features are the mean of the patches' tokens.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use zview_kernels::matmul;
use zview_network::layers::{LayerNorm, Linear, TransformerBlock, truncated_normal};
use zview_network::{Network, StateVisitor, Target, cosine_to_one};
use zview_runtime::seed::Stream;

use super::block_masks::BlockMasks;
use super::config::Problems;
use super::{Method, MethodConfig, Outcome, Setting};
use crate::source::{SourceError, ViewBatch};
use zview_encoder::{Encoder, Pool};

/// Fewest patches along a side: in smaller images targets leave no context.
const FEWEST_PATCHES: usize = 4;
/// Of the layer norm of targets: PyTorch's default.
const EPSILON: f64 = 1e-5;

/// Keys of `kind = "i-jepa"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Share of the target network that is kept at the first step; rises to 1.
    pub momentum: f32,
    /// Target blocks per image.
    pub targets: usize,
    /// Features of the predictor's tokens.
    pub predictor_width: usize,
    /// Blocks of the predictor.
    pub predictor_depth: usize,
    /// Attention heads of the predictor.
    pub predictor_heads: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { momentum: 0.996, targets: 4, predictor_width: 64, predictor_depth: 2, predictor_heads: 4 }
    }
}

impl MethodConfig for Config {
    fn problems(&self) -> Vec<String> {
        let mut problems = Problems::default().share("momentum", self.momentum).list();
        let mut at_least_1 = |key: &str, value: usize, most: usize| {
            if !(1..=most).contains(&value) {
                problems.push(format!("objective.{key}: expected 1 to {most}, got {value}"));
            }
        };
        at_least_1("targets", self.targets, 16);
        at_least_1("predictor_depth", self.predictor_depth, 64);
        let (width, heads) = (self.predictor_width, self.predictor_heads);
        if !(4..=4096).contains(&width) || !width.is_multiple_of(4) {
            problems
                .push(format!("objective.predictor_width: expected a multiple of 4 up to 4096, got {width}"));
        }
        if heads == 0 || !width.is_multiple_of(heads) {
            problems.push(format!(
                "objective.predictor_heads: expected a divisor of predictor_width ({width}), got {heads}"
            ));
        }
        problems
    }
}

/// Predictor and target network.
#[derive(Debug, Clone)]
pub struct IJepa {
    predictor: Predictor,
    target: Target<Encoder>,
    momentum: f64,
    targets: usize,
    side: usize, // in patches
    device: Device,
}

impl Method for IJepa {
    type Config = Config;
    const COMPARES_VIEWS: bool = false;

    fn new(
        config: &Config,
        setting: &Setting<'_>,
        encoder: &Encoder,
        random: &mut Stream,
    ) -> Result<Self, SourceError> {
        let refuse = |problem: String| SourceError::Recipe {
            field: "objective.kind",
            problem: format!("\"i-jepa\" {problem}"),
        };
        let vit = encoder.vit().ok_or_else(|| refuse("needs encoder.arch = \"vit\"".to_owned()))?;
        if encoder.config().vit_settings().pool != Pool::Mean {
            let problem = "trains the tokens of patches, not the class token; set encoder.pool = \"mean\"";
            return Err(refuse(problem.to_owned()));
        }
        let [patches, width] = vit.position_embedding().dims();
        let side = patches.isqrt();
        if side < FEWEST_PATCHES {
            let problem = format!(
                "needs at least {FEWEST_PATCHES} x {FEWEST_PATCHES} patches, got {side} x {side}; take smaller \
                 patches (encoder.patch) or larger images (augment.size)"
            );
            return Err(refuse(problem));
        }
        Ok(Self {
            predictor: Predictor::new(config, width, side, random, setting.device),
            target: Target::new(encoder),
            momentum: f64::from(config.momentum),
            targets: config.targets,
            side,
            device: setting.autodiff_device(),
        })
    }

    fn target(&mut self) -> Option<&mut Encoder> {
        Some(&mut self.target.network)
    }

    /// The regression alone, of any rows.
    fn loss(&mut self, features: Tensor<2>, target_features: Option<Tensor<2>>, _: &ViewBatch) -> Tensor<1> {
        let targets = target_features.unwrap_or_else(|| features.clone().inner());
        smooth_l1(features, Tensor::from_inner(layer_norm(targets)))
    }

    fn forward(&mut self, encoder: &mut Encoder, images: Tensor<4>, batch: &ViewBatch) -> Outcome {
        let count = images.dims()[0];
        let masks = BlockMasks::draw(batch.run_seed, batch.step, count, self.side, self.targets);
        let patches = self.side * self.side;
        let choose = |chosen: &[i32]| choose(chosen, [count, patches], &self.device);

        // f'(image): all patches.
        let all = tokens(&self.target.network, images.clone().inner(), |patches| patches);
        let width = all.dims()[2];

        let context = choose(&masks.context);
        let shown = tokens(encoder, images, |patches| matmul(context.clone().cast(patches.dtype()), patches));
        let (mut predictions, mut targets) = (Vec::new(), Vec::new());
        for block in &masks.targets {
            let hidden = choose(block);
            predictions
                .push(self.predictor.forward(shown.clone(), &context, &hidden).reshape([-1, width as i32]));
            targets.push(matmul(hidden.inner(), all.clone()).reshape([-1, width as i32]));
        }
        let loss = self.loss(Tensor::cat(predictions, 0), Some(Tensor::cat(targets, 0)), batch);
        let features = Tensor::from_inner(all.mean_dim(1).squeeze_dim(1));
        Outcome { loss, features }
    }

    fn follow(&mut self, encoder: &Encoder, progress: f64) {
        self.target.follow(encoder, cosine_to_one(self.momentum, progress));
    }
}

/// Tokens (N, n, D), of 32 bits, of those patches of images (N, C, H, W) that `choose` leaves of all (N, P, D). The
/// class token is encoded with them, as it is when the encoder is evaluated, and then left out.
fn tokens(encoder: &Encoder, images: Tensor<4>, choose: impl FnOnce(Tensor<3>) -> Tensor<3>) -> Tensor<3> {
    let count = images.dims()[0];
    let Some(vit) = encoder.vit() else {
        return Tensor::zeros([count, 1, 1], &images.device()); // refused by `IJepa::new`
    };
    let patches = choose(vit.embed_patches(encoder.normalize(images)));
    let chosen = patches.dims()[1];
    let (tokens, first) = match vit.first_tokens() {
        Some(first) => {
            let number = first.dims()[1];
            let first = first.cast(patches.dtype()).repeat_dim(0, count);
            (Tensor::cat(vec![first, patches], 1), number)
        }
        None => (patches, 0),
    };
    let tokens = vit.encode_tokens(tokens).narrow(1, first, chosen);
    if tokens.dtype() == DType::F32 { tokens } else { tokens.cast(DType::F32) }
}

/// Rows of an identity (N, n, P) for `chosen` (N, n) of P: the product with patches (N, P, D) takes those.
fn choose(chosen: &[i32], [count, patches]: [usize; 2], device: &Device) -> Tensor<3> {
    let each = chosen.len() / count;
    let numbers = Tensor::<1, Int>::arange(0..patches as i64, device).reshape([1, 1, patches]);
    let chosen = Tensor::<3, Int>::from_data(TensorData::new(chosen.to_vec(), [count, each, 1]), device);
    let all = [count, each, patches];
    chosen.expand(all).equal(numbers.expand(all)).float()
}

/// Rows (N, D) with mean 0 and variance 1.
fn layer_norm(rows: Tensor<2>) -> Tensor<2> {
    let centred = rows.clone() - rows.mean_dim(1);
    let variance = centred.clone().square().mean_dim(1);
    centred / (variance + EPSILON).sqrt()
}

/// The mean `[1]` of d^2 / 2 where d = |x - y| is below 1, and of d - 1/2 elsewhere.
fn smooth_l1(x: Tensor<2>, y: Tensor<2>) -> Tensor<1> {
    let distance = (x - y).abs().reshape([1, -1]);
    let near = distance.clone().clamp_max(1.0);
    (near.clone().square() * 0.5 + (distance - near)).mean_dim(1).squeeze_dim(1)
}

/// g: from the context's features to those of hidden patches.
#[derive(Debug, Clone)]
struct Predictor {
    embed: Linear,
    mask_token: Tensor<3>, // [1, 1, W]
    positions: Tensor<3>,  // [1, P, W], fixed
    blocks: Vec<TransformerBlock>,
    norm: LayerNorm,
    project: Linear,
}

impl Predictor {
    fn new(config: &Config, features: usize, side: usize, random: &mut Stream, device: &Device) -> Self {
        let width = config.predictor_width;
        let mut blocks = Vec::with_capacity(config.predictor_depth);
        let embed = Linear::new(features, width, random, device);
        for _ in 0..config.predictor_depth {
            blocks.push(TransformerBlock::new(width, config.predictor_heads, random, device));
        }
        Self {
            embed,
            mask_token: truncated_normal([1, 1, width], random, device),
            positions: sine_cosine_positions(side, width, device),
            blocks,
            norm: LayerNorm::new(width, device),
            project: Linear::new(width, features, random, device),
        }
    }

    /// Features of the context (N, n, D), its places (N, n, P) and the hidden ones (N, m, P) -> predictions (N, m, D).
    fn forward(&self, context: Tensor<3>, shown: &Tensor<3>, hidden: &Tensor<3>) -> Tensor<3> {
        let [count, shown_patches, _] = context.dims();
        let hidden_patches = hidden.dims()[1];
        let positions = Tensor::<3>::from_inner(self.positions.clone()).repeat_dim(0, count);
        let context = each(&self.embed, context) + matmul(shown.clone(), positions.clone());
        let masks = matmul(hidden.clone(), positions) + self.mask_token.clone();
        let tokens = Tensor::cat(vec![context, masks], 1);
        let tokens = self.blocks.iter().fold(tokens, |tokens, block| block.forward(tokens));
        let predicted = self.norm.forward(tokens).narrow(1, shown_patches, hidden_patches);
        each(&self.project, predicted)
    }
}

/// A layer on every token.
fn each(layer: &Linear, tokens: Tensor<3>) -> Tensor<3> {
    let [count, each, width] = tokens.dims();
    layer.forward(tokens.reshape([count * each, width])).reshape([count as i32, each as i32, -1])
}

/// Fixed position embedding (1, side * side, width): sines and cosines of row and column, a quarter of the width each
/// (Vaswani et al. 2017, section 3.5, for two dimensions).
fn sine_cosine_positions(side: usize, width: usize, device: &Device) -> Tensor<3> {
    let quarter = width / 4;
    let mut values = Vec::with_capacity(side * side * width);
    for patch in 0..side * side {
        for place in [patch / side, patch % side] {
            let angles =
                (0..quarter).map(|index| place as f32 / 10_000f32.powf(index as f32 / quarter as f32));
            let angles: Vec<f32> = angles.collect();
            values.extend(angles.iter().map(|angle| angle.sin()));
            values.extend(angles.iter().map(|angle| angle.cos()));
        }
    }
    Tensor::from_data(TensorData::new(values, [1, side * side, width]), device)
}

impl Network for Predictor {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        self.embed.visit(&format!("{prefix}.embed"), visitor);
        visitor.parameter(&format!("{prefix}.mask_token"), &mut self.mask_token);
        for (index, block) in self.blocks.iter_mut().enumerate() {
            block.visit(&format!("{prefix}.blocks.{index}"), visitor);
        }
        self.norm.visit(&format!("{prefix}.norm"), visitor);
        self.project.visit(&format!("{prefix}.project"), visitor);
    }
}

impl Network for IJepa {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        self.predictor.visit(&format!("{prefix}predictor"), visitor);
        self.target.visit(&format!("{prefix}target.encoder."), visitor);
    }
}

#[cfg(test)]
mod tests {
    use super::super::golden::Golden;
    use super::*;

    #[test]
    fn the_regression_is_the_reference() {
        Golden::new("i-jepa", "regression").check(|inputs| {
            let targets = Tensor::from_inner(layer_norm(inputs.constant("targets").inner()));
            smooth_l1(inputs.tensor("predictions"), targets)
        });
    }

    #[test]
    fn rows_of_the_identity_take_patches() {
        let device = Device::flex();
        let patches = Tensor::<3>::from_data([[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]]], &device);
        let chosen = matmul(choose(&[2, 0, 1, 1], [2, 3], &device), patches);
        assert_eq!(chosen.into_data().try_into_vec::<f32>().unwrap(), [3.0, 1.0, 5.0, 5.0]);
    }
}
