//! The Vision Transformer in timm's naming.
//!
//! Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", <https://arxiv.org/abs/2010.11929>, equations 1 to 4:
//!
//! - z_0 = [x_class; x_1 E; ..; x_N E] + E_pos
//! - z'_l = MSA(LN(z_(l-1))) + z_(l-1), z_l = MLP(LN(z'_l)) + z'_l
//! - y = LN(z_L), its class token or the mean of its patch tokens
//!
//! The names, the layer norm's epsilon and the initial weights are those of timm's `VisionTransformer` without head.

use burn::tensor::{Device, Tensor};
use zview_data::ImageShape;
use zview_network::layers::{LayerNorm, PatchEmbedding, TransformerBlock, truncated_normal};
use zview_network::weights::StateDict;
use zview_network::{Cost, Mode, Network, StateVisitor, TrainingCost};
use zview_runtime::seed::Stream;

use super::architecture::{Architecture, EncoderNetwork, Recognised, UnfitImages};
use super::config::{EncoderConfig, Pool, VitConfig};
use super::header::Header;

/// Patches of an image: their attention is N x N numbers per head and image.
const MOST_PATCHES: usize = 4096;
/// Standard deviation of the initial class token.
const CLASS_TOKEN_STD: f32 = 1e-6;
/// Features of a head in timm's published networks, for files that do not say how many heads they have.
const HEAD_DIMENSION: usize = 64;

/// A Vision Transformer without head, for images of one size.
#[derive(Debug, Clone)]
pub struct Vit {
    cls_token: Tensor<3>, // [1, 1, D]
    pos_embed: Tensor<3>, // [1, 1 + N, D]
    patch_embed: PatchEmbedding,
    blocks: Vec<TransformerBlock>,
    norm: LayerNorm,
    pool: Pool,
}

impl Vit {
    /// Patches of images (B, C, H, W) as tokens (B, N, D), row by row, with their position embedding and without the
    /// class token.
    #[must_use]
    pub fn embed_patches(&self, images: Tensor<4>) -> Tensor<3> {
        let patches = self.patch_embed.forward(images);
        let positions = self.positions(1, patches.dims()[1]);
        patches + positions
    }

    /// Tokens (B, n, D), any n of them in any order, through all blocks and the final norm: (B, n, D).
    #[must_use]
    pub fn encode_tokens(&self, tokens: Tensor<3>) -> Tensor<3> {
        self.norm.forward(self.blocks.iter().fold(tokens, |tokens, block| block.forward(tokens)))
    }

    /// Position embedding of the patches (N, D).
    #[must_use]
    pub fn position_embedding(&self) -> Tensor<2> {
        self.positions(1, self.pos_embed.dims()[1] - 1).squeeze_dim(0)
    }

    /// The class token with its position embedding (1, 1, D).
    #[must_use]
    pub fn class_token(&self) -> Tensor<3> {
        self.cls_token.clone() + self.positions(0, 1)
    }

    /// Adds the cost of [`Self::embed_patches`] for images (B, C, H, W) to `total`, and gives the tokens' shape
    /// (B, N, D).
    pub fn embedding_cost(
        &self,
        images: [usize; 4],
        input_gradient: bool,
        total: &mut TrainingCost,
    ) -> [usize; 3] {
        let patches = self.patch_embed.cost(images, input_gradient, total);
        let values = patches.iter().product();
        // The position embedding is added, and its gradient summed over the batch.
        total.forward += Cost::element_wise(1, values, 2);
        total.backward += Cost::element_wise(1, values, 1);
        patches
    }

    /// Adds the cost of [`Self::encode_tokens`] for tokens (B, n, D) to `total`.
    pub fn encoding_cost(&self, tokens: [usize; 3], total: &mut TrainingCost) {
        for block in &self.blocks {
            block.cost(tokens, total);
        }
        self.norm.cost(tokens, total);
    }

    /// (1, count, D) of the position embedding.
    fn positions(&self, first: usize, count: usize) -> Tensor<3> {
        self.pos_embed.clone().narrow(1, first, count)
    }
}

impl EncoderNetwork for Vit {
    const TELLING_KEY: &'static str = "cls_token";
    const TAKES_ANY_SIZE: bool = false;

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
        Self { cls_token, pos_embed, patch_embed, blocks, norm, pool }
    }

    fn forward(&mut self, images: Tensor<4>, _: Mode) -> Tensor<2> {
        let patches = self.embed_patches(images);
        let [batch, count, _] = patches.dims();
        let class = self.class_token().repeat_dim(0, batch);
        let tokens = self.encode_tokens(Tensor::cat(vec![class, patches], 1));
        match self.pool {
            Pool::ClassToken => tokens.narrow(1, 0, 1).squeeze_dim(1),
            Pool::Mean => tokens.narrow(1, 1, count).mean_dim(1).squeeze_dim(1),
        }
    }

    fn cost(&self, images: [usize; 4], input_gradient: bool, total: &mut TrainingCost) -> [usize; 2] {
        let [batch, patches, width] = self.embedding_cost(images, input_gradient, total);
        self.encoding_cost([batch, 1 + patches, width], total);
        if self.pool == Pool::Mean {
            let mean = Cost::new(batch * patches * width, batch * (patches + 1) * width);
            total.forward += mean;
            total.backward += mean;
        }
        [batch, width]
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

    fn recognise(state: &StateDict, prefix: &str, header: &Header) -> Result<Recognised, String> {
        let shape = |key: &str| state.shape(&format!("{prefix}{key}"));
        let projection = shape("patch_embed.proj.weight").ok_or("there is no `patch_embed.proj.weight`")?;
        let &[width, channels, patch, other] = projection else {
            return Err(format!("`patch_embed.proj.weight` has shape {projection:?}, expected 4 extents"));
        };
        if patch != other {
            return Err(format!(
                "`patch_embed.proj.weight` has patches of {patch}x{other}, expected square ones"
            ));
        }
        if !(1..=16).contains(&channels) {
            return Err(format!("`patch_embed.proj.weight` takes {channels} channels, expected 1 to 16"));
        }
        let positions = shape("pos_embed").ok_or("there is no `pos_embed`")?;
        let count = match positions {
            &[1, tokens, features] if features == width && tokens > 1 => tokens - 1,
            _ => return Err(format!("`pos_embed` has shape {positions:?}, expected [1, tokens, {width}]")),
        };
        let rows = count.isqrt();
        if rows * rows != count {
            return Err(format!("`pos_embed` has {count} patches, expected those of a square image"));
        }
        let hidden = |block: usize| shape(&format!("blocks.{block}.mlp.fc1.weight"));
        let depth = (0..).take_while(|&block| hidden(block).is_some()).count();
        let expected = [4 * width, width];
        if let Some(other) = (0..depth).filter_map(hidden).find(|&shape| shape != expected) {
            return Err(format!("`mlp.fc1.weight` has shape {other:?}, expected {expected:?}"));
        }
        let heads = header.heads.unwrap_or((width / HEAD_DIMENSION).max(1));
        let config = EncoderConfig {
            arch: Architecture::Vit,
            width,
            depth: Some(depth),
            heads: Some(heads),
            patch: Some(patch),
            pool: Some(header.pool.unwrap_or_default()),
            pixel_mean: header.pixel_mean,
            pixel_std: header.pixel_std,
            ..EncoderConfig::default()
        };
        let side = rows * patch;
        Ok(Recognised { config, images: ImageShape { channels, height: side, width: side } })
    }
}

impl Network for Vit {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        visitor.parameter(&format!("{prefix}cls_token"), &mut self.cls_token);
        visitor.parameter(&format!("{prefix}pos_embed"), &mut self.pos_embed);
        self.patch_embed.visit(&format!("{prefix}patch_embed"), visitor);
        for (index, block) in self.blocks.iter_mut().enumerate() {
            block.visit(&format!("{prefix}blocks.{index}"), visitor);
        }
        self.norm.visit(&format!("{prefix}norm"), visitor);
    }
}
