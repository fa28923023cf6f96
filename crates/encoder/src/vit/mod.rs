//! The Vision Transformer in timm's naming.
//!
//! Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", <https://arxiv.org/abs/2010.11929>, equations 1 to 4:
//!
//! - z_0 = [x_class; x_1 E; ..; x_N E] + E_pos
//! - z'_l = MSA(LN(z_(l-1))) + z_(l-1), z_l = MLP(LN(z'_l)) + z'_l
//! - y = LN(z_L), its class token or the mean of its patch tokens
//!
//! The names, the layer norm's epsilon and the initial weights are those of timm's `VisionTransformer` without head. Files
//! of other origin may hold more than a recipe can ask for (`plan.rs`).

mod heads;
mod plan;
mod positions;
mod recognise;

use burn::tensor::{Device, Tensor};
use zview_data::ImageShape;
use zview_network::layers::{LayerNorm, PatchEmbedding, TransformerBlock, truncated_normal};
use zview_network::{Mode, Network, StateVisitor};
use zview_runtime::seed::Stream;

use super::architecture::{EncoderNetwork, Recognised, UnfitImages};
use super::config::{EncoderConfig, Pool, VitConfig};
use super::export::ExportFormat;
use super::file::{EncoderTensors, Header, ReadOptions};
use plan::{FinalNorm, Plan};

/// Patches of an image: their attention is N x N numbers per head and image.
const MOST_PATCHES: usize = 4096;
/// Standard deviation of the initial class token.
const CLASS_TOKEN_STD: f32 = 1e-6;

/// A Vision Transformer without head, for images of one size.
#[derive(Debug, Clone)]
pub struct Vit {
    cls_token: Option<Tensor<3>>, // [1, 1, D]
    reg_token: Option<Tensor<3>>, // [1, R, D]
    pos_embed: Tensor<3>,         // [1, placed + N, D]
    /// How many of the tokens before the patches have a place in `pos_embed`.
    placed: usize,
    patch_embed: PatchEmbedding,
    norm_pre: Option<LayerNorm>,
    blocks: Vec<TransformerBlock>,
    norm: Option<LayerNorm>,
    /// A norm of the features, after the choice or the mean of tokens.
    fc_norm: Option<LayerNorm>,
    pool: Pool,
}

impl Vit {
    /// Patches of images (B, C, H, W) as tokens (B, N, D), row by row, with their position embedding and without the
    /// class token.
    #[must_use]
    pub fn embed_patches(&self, images: Tensor<4>) -> Tensor<3> {
        let patches = self.patch_embed.forward(images);
        let positions = self.positions(self.placed, patches.dims()[1]);
        patches + positions
    }

    /// Tokens (B, n, D), any n of them in any order, through all blocks and the final norm: (B, n, D).
    #[must_use]
    pub fn encode_tokens(&self, tokens: Tensor<3>) -> Tensor<3> {
        let tokens = self.blocks.iter().fold(tokens, |tokens, block| block.forward(tokens));
        normed(self.norm.as_ref(), tokens)
    }

    /// Position embedding of the patches (N, D).
    #[must_use]
    pub fn position_embedding(&self) -> Tensor<2> {
        self.positions(self.placed, self.pos_embed.dims()[1] - self.placed).squeeze_dim(0)
    }

    /// The tokens before the patches (1, P, D), class token first, with their position embedding; `None` where there are
    /// none.
    #[must_use]
    pub fn first_tokens(&self) -> Option<Tensor<3>> {
        let tokens: Vec<Tensor<3>> =
            [&self.cls_token, &self.reg_token].into_iter().flatten().cloned().collect();
        if tokens.is_empty() {
            return None;
        }
        let tokens = Tensor::cat(tokens, 1);
        let count = tokens.dims()[1];
        Some(match self.placed {
            0 => tokens,
            placed if placed == count => tokens + self.positions(0, count),
            placed => {
                let with_place = tokens.clone().narrow(1, 0, placed) + self.positions(0, placed);
                Tensor::cat(vec![with_place, tokens.narrow(1, placed, count - placed)], 1)
            }
        })
    }

    /// (1, count, D) of the position embedding.
    fn positions(&self, first: usize, count: usize) -> Tensor<3> {
        self.pos_embed.clone().narrow(1, first, count)
    }
}

impl EncoderNetwork for Vit {
    const TAKES_ANY_SIZE: bool = false;
    const EXPORTS: &'static [ExportFormat] = &[ExportFormat::Timm];
    const HAS_STEM: bool = false;
    const HAS_INIT: bool = false;

    fn new(config: &EncoderConfig, images: ImageShape, random: &mut Stream, device: &Device) -> Self {
        let VitConfig { depth, heads, patch, pool } = config.vit_settings();
        let width = config.width;
        let count = (images.height / patch) * (images.width / patch);
        let patch_embed = PatchEmbedding::new(images.channels, patch, width, random, device);
        let mut blocks = Vec::with_capacity(depth);
        for _ in 0..depth {
            blocks.push(TransformerBlock::new(width, heads, random, device));
        }
        let norm = LayerNorm::new(width, device);
        let pos_embed = truncated_normal([1, 1 + count, width], random, device);
        let class: Vec<f32> = (0..width).map(|_| CLASS_TOKEN_STD * random.normal()).collect();
        let cls_token = Tensor::<1>::from_floats(class.as_slice(), device).reshape([1, 1, width]);
        Self {
            cls_token: Some(cls_token),
            reg_token: None,
            pos_embed,
            placed: 1,
            patch_embed,
            norm_pre: None,
            blocks,
            norm: Some(norm),
            fc_norm: None,
            pool,
        }
    }

    fn forward(&mut self, images: Tensor<4>, _: Mode) -> Tensor<2> {
        let patches = self.embed_patches(images);
        let [batch, count, width] = patches.dims();
        let (tokens, first) = match self.first_tokens() {
            Some(first) => {
                let number = first.dims()[1];
                (Tensor::cat(vec![first.repeat_dim(0, batch), patches], 1), number)
            }
            None => (patches, 0),
        };
        let tokens = self.encode_tokens(normed(self.norm_pre.as_ref(), tokens));
        let pooled = match self.pool {
            Pool::ClassToken => tokens.narrow(1, 0, 1),
            Pool::Mean => tokens.narrow(1, first, count).mean_dim(1),
        };
        normed(self.fc_norm.as_ref(), pooled).reshape([batch, width])
    }

    fn features(&self) -> usize {
        self.pos_embed.dims()[2]
    }

    fn layer_prefixes(config: &EncoderConfig) -> Vec<Vec<String>> {
        let depth = config.vit().map_or(0, |vit| vit.depth);
        let mut layers = vec![["cls_token", "pos_embed", "patch_embed."].map(str::to_owned).to_vec()];
        layers.extend((0..depth).map(|block| vec![format!("blocks.{block}.")]));
        if let Some(last) = layers.last_mut() {
            last.push("norm.".to_owned());
        }
        layers
    }

    fn feature_dimension(config: &EncoderConfig) -> usize {
        config.width
    }

    fn problems(config: &EncoderConfig) -> Vec<String> {
        let VitConfig { depth, heads, patch, .. } = config.vit_settings();
        let mut problems = Vec::new();
        if !(1..=64).contains(&depth) {
            problems.push(format!("encoder.depth: expected 1 to 64 blocks, got {depth}"));
        }
        if heads == 0 || !config.width.is_multiple_of(heads) {
            problems.push(format!(
                "encoder.heads: expected a divisor of encoder.width ({}), got {heads}",
                config.width
            ));
        }
        if !(4..=16).contains(&patch) {
            problems.push(format!("encoder.patch: expected 4 to 16 pixels, got {patch}"));
        }
        problems
    }

    fn check_images(config: &EncoderConfig, images: ImageShape) -> Result<(), UnfitImages> {
        let patch = config.vit_settings().patch;
        let ImageShape { height, width, .. } = images;
        let refuse = |field, problem| Err(UnfitImages { field, problem });
        if height != width {
            let problem = format!("a vit takes square images, got {height}x{width} pixels; set augment.size");
            return refuse("encoder.arch", problem);
        }
        if height == 0 || !height.is_multiple_of(patch) {
            let problem = format!(
                "a side of {patch} does not divide that of the images, {height} pixels; take another patch (4 to 16) or \
                 another augment.size"
            );
            return refuse("encoder.patch", problem);
        }
        let count = (height / patch).pow(2);
        if count > MOST_PATCHES {
            let problem =
                format!("images of {height} pixels have {count} patches, at most {MOST_PATCHES} are taken");
            return refuse("encoder.patch", problem);
        }
        Ok(())
    }

    fn recognise(
        file: &mut EncoderTensors,
        header: &Header,
        options: &ReadOptions,
        device: &Device,
    ) -> Result<Recognised<Self>, String> {
        recognise::recognise(file, header, options, device)
    }
}

/// The norm of tokens where there is one.
fn normed(norm: Option<&LayerNorm>, tokens: Tensor<3>) -> Tensor<3> {
    match norm {
        Some(norm) => norm.forward(tokens),
        None => tokens,
    }
}

impl Vit {
    /// Zeros, to be filled from a file.
    fn zeros(plan: &Plan, device: &Device) -> Self {
        let Plan { width, channels, patch, epsilon, .. } = *plan;
        let norm = |present: bool| present.then(|| LayerNorm::with_epsilon(width, epsilon, device));
        let tokens = |count: usize| (count > 0).then(|| Tensor::zeros([1, count, width], device));
        Self {
            cls_token: tokens(usize::from(plan.class_token)),
            reg_token: tokens(plan.registers),
            pos_embed: Tensor::zeros([1, plan.placed + plan.rows * plan.rows, width], device),
            placed: plan.placed,
            patch_embed: PatchEmbedding::zeros(channels, patch, width, plan.patch_bias, device),
            norm_pre: norm(plan.norm_pre),
            blocks: plan.blocks.iter().map(|block| TransformerBlock::zeros(block, device)).collect(),
            norm: norm(plan.norm == FinalNorm::OfTokens),
            fc_norm: norm(plan.norm == FinalNorm::OfFeatures),
            pool: plan.pool,
        }
    }
}

impl Network for Vit {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        if let Some(token) = &mut self.cls_token {
            visitor.bias_like(&format!("{prefix}cls_token"), token);
        }
        if let Some(tokens) = &mut self.reg_token {
            visitor.parameter(&format!("{prefix}reg_token"), tokens);
        }
        visitor.bias_like(&format!("{prefix}pos_embed"), &mut self.pos_embed);
        self.patch_embed.visit(&format!("{prefix}patch_embed"), visitor);
        if let Some(norm) = &mut self.norm_pre {
            norm.visit(&format!("{prefix}norm_pre"), visitor);
        }
        for (index, block) in self.blocks.iter_mut().enumerate() {
            block.visit(&format!("{prefix}blocks.{index}"), visitor);
        }
        for (name, norm) in [("norm", &mut self.norm), ("fc_norm", &mut self.fc_norm)] {
            if let Some(norm) = norm {
                norm.visit(&format!("{prefix}{name}"), visitor);
            }
        }
    }
}
