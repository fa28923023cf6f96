//! A Vision Transformer read off the tensors of a file.

use burn::tensor::Device;
use zview_data::ImageShape;
use zview_network::layers::{AttentionShape, BlockShape};

use super::super::architecture::{Architecture, Recognised};
use super::super::config::{EncoderConfig, Pool};
use super::super::file::{EncoderTensors, Header, ReadOptions};
use super::heads::heads;
use super::plan::{FinalNorm, Plan};
use super::positions::resample;
use super::{MOST_PATCHES, Vit};

/// Pixels of a patch's side: the widest that is published has 32.
const PATCH_MAX: usize = 64;
/// Of SigLIP's networks; I-JEPA's, of the same form, have 1280 and 1408.
const SIGLIP_WIDTHS: [usize; 4] = [768, 1024, 1152, 1536];

pub(super) fn recognise(
    file: &mut EncoderTensors,
    header: &Header,
    options: &ReadOptions,
    device: &Device,
) -> Result<Recognised<Vit>, String> {
    let (mut assumed, mut doubts, mut changed) = (Vec::new(), Vec::new(), None);
    let [width, channels, patch] = patches(file)?;
    let class_token = file.has("cls_token");
    let registers = match file.shape("reg_token") {
        None => 0,
        Some(&[1, count, features]) if features == width && count > 0 => count,
        Some(shape) => return Err(format!("`reg_token` has shape {shape:?}, expected [1, any, {width}]")),
    };
    let (own_rows, placed) =
        positions(file, width, class_token, registers, options.side.map(|side| side / patch))?;
    let rows = match options.side {
        Some(side) if side != own_rows * patch => {
            let rows = rows_of(side, patch)?;
            let note = interpolate(file, [own_rows, rows], placed, width)?;
            changed = Some(format!("images of {side} pixels instead of {}: {note}", own_rows * patch));
            rows
        }
        _ => own_rows,
    };
    if rows * rows > MOST_PATCHES {
        return Err(format!("{} patches, at most {MOST_PATCHES} are taken", rows * rows));
    }
    let epsilon = file.norm_epsilon();
    let depth = (0..).take_while(|block| file.has(&format!("blocks.{block}.norm1.weight"))).count();
    if depth == 0 {
        return Err("a Vision Transformer without `blocks.0.norm1.weight`".to_owned());
    }
    let heads = heads(file, width, header, options, &mut assumed)?;
    let blocks: Vec<BlockShape> =
        (0..depth).map(|index| block(file, index, width, heads, epsilon)).collect::<Result<_, _>>()?;
    check_alike(&blocks)?;
    let norm = match (file.has("norm.weight"), file.has("fc_norm.weight")) {
        (true, false) => FinalNorm::OfTokens,
        (false, true) => FinalNorm::OfFeatures,
        (false, false) => FinalNorm::Absent,
        (true, true) => {
            return Err(
                "it has both `norm` and `fc_norm`, and which of them its features pass is not in the file; \
                        remove one"
                    .to_owned(),
            );
        }
    };
    if !class_token && norm == FinalNorm::OfFeatures && is_post_norm(&blocks) {
        return Err(
            "blocks that normalise after attention and perceptron (ResPostBlock, timm's `rpn`), by their `attn.proj.bias` \
             without `attn.qkv.bias`, an `fc_norm` and no class token"
                .to_owned(),
        );
    }
    let pool = pool(header, options, class_token, norm, &mut assumed)?;
    let norm_pre = file.has("norm_pre.weight");
    let patch_bias = file.has("patch_embed.proj.bias");
    if norm_pre && !patch_bias && norm == FinalNorm::Absent {
        return Err("a `norm_pre`, patches without bias and no final norm, as Meta's Perception Encoder (spatial) has, whose \
                    rotary position embeddings are in no tensor; they are not computed here"
            .to_owned());
    }
    if norm_pre {
        doubts.push(
            "it has a `norm_pre`, as CLIP's networks have: layer norms add 1e-5 to the variance, as theirs do, and \
             perceptrons have the exact GELU; OpenAI's weights are for the quick GELU, which no tensor shows and which is \
             not computed here"
                .to_owned(),
        );
    }
    if pool == Pool::Mean && norm == FinalNorm::OfTokens && !class_token && SIGLIP_WIDTHS.contains(&width) {
        doubts.push(format!(
            "it has no class token and width {width}, as SigLIP's networks have (timm's `siglip_gap`): their perceptrons have \
             the GELU by tanh, which no tensor shows; here they have the exact one"
        ));
    }
    let plan = Plan {
        width,
        channels,
        patch,
        patch_bias,
        rows,
        class_token,
        registers,
        placed,
        norm_pre,
        blocks,
        norm,
        pool,
        epsilon,
    };
    let config = EncoderConfig {
        arch: Architecture::Vit,
        width,
        depth: Some(depth),
        heads: Some(heads),
        patch: Some(patch),
        pool: Some(pool),
        pixel_mean: header.pixel_mean,
        pixel_std: header.pixel_std,
        ..EncoderConfig::default()
    };
    let side = rows * patch;
    Ok(Recognised {
        network: Vit::zeros(&plan, device),
        config,
        images: ImageShape { channels, height: side, width: side },
        beyond: plan.beyond(),
        assumed,
        doubts,
        changed,
        described: format!(
            "a Vision Transformer of width {width} and depth {depth} for patches of {patch} and images of {side} pixels"
        ),
    })
}

/// Width, channels and side of a patch.
fn patches(file: &EncoderTensors) -> Result<[usize; 3], String> {
    match file.shape("patch_embed.proj.weight") {
        Some(&[width, channels, patch, other]) => {
            if patch != other {
                return Err(format!("it has patches of {patch}x{other} pixels, expected square ones"));
            }
            if !(1..=PATCH_MAX).contains(&patch) {
                return Err(format!("it has patches of {patch} pixels, expected 1 to {PATCH_MAX}"));
            }
            if !(1..=16).contains(&channels) {
                return Err(format!("it takes {channels} channels, expected 1 to 16"));
            }
            Ok([width.max(1), channels, patch])
        }
        Some(shape) => Err(format!("`patch_embed.proj.weight` has shape {shape:?}, expected 4 extents")),
        None => Err("there is no `patch_embed.proj.weight`".to_owned()),
    }
}

/// Patches of a row, and how many of the tokens before the patches have a place in `pos_embed`; `asked` are the patches of
/// a row of the images that are to come.
fn positions(
    file: &EncoderTensors,
    width: usize,
    class_token: bool,
    registers: usize,
    asked: Option<usize>,
) -> Result<(usize, usize), String> {
    let shape = file.shape("pos_embed").ok_or(
        "a Vision Transformer without `pos_embed`; rotary, relative and missing position embeddings are not computed here",
    )?;
    let &[1, places, features] = shape else {
        return Err(format!("`pos_embed` has shape {shape:?}, expected [1, places, {width}]"));
    };
    if features != width {
        return Err(format!("`pos_embed` has {features} features, expected {width}"));
    }
    let first = usize::from(class_token) + registers;
    // All of them, none, or (as in DINOv2's own files) the class token alone.
    let mut options = vec![first, 0];
    if class_token && registers > 0 {
        options.push(1);
        if file.class_token_alone_has_a_place() {
            options = vec![1];
        }
    }
    options.dedup();
    let square = |count: usize| {
        let rows = count.isqrt();
        (count > 0 && rows * rows == count).then_some(rows)
    };
    let fitting: Vec<(usize, usize)> = options
        .into_iter()
        .filter_map(|placed| Some((square(places.checked_sub(placed)?)?, placed)))
        .collect();
    match fitting.as_slice() {
        [one] => Ok(*one),
        [] => Err(format!(
            "`pos_embed` has {places} places, which with {first} tokens before the patches are no square image's"
        )),
        several => several.iter().copied().find(|(rows, _)| Some(*rows) == asked).ok_or_else(|| {
            format!(
                "`pos_embed` has {places} places, which may be those of patches alone or of tokens and patches; say the side \
                 of its images with --size"
            )
        }),
    }
}

/// Patches of a row of images of `side` pixels.
fn rows_of(side: usize, patch: usize) -> Result<usize, String> {
    if side == 0 || !side.is_multiple_of(patch) {
        return Err(format!(
            "images of {side} pixels are no multiple of its patches of {patch}; choose another --size"
        ));
    }
    Ok(side / patch)
}

/// Puts position embeddings for another number of patches in the place of the file's.
fn interpolate(
    file: &mut EncoderTensors,
    [old, new]: [usize; 2],
    placed: usize,
    width: usize,
) -> Result<String, String> {
    if new * new > MOST_PATCHES {
        return Err(format!(
            "{} patches, at most {MOST_PATCHES} are taken; choose another --size",
            new * new
        ));
    }
    let make = |values: Vec<f32>| {
        let (first, grid) = values.split_at(placed * width);
        [first, &*resample(grid, old, new, width)].concat()
    };
    file.replace("pos_embed", vec![1, placed + new * new, width], make).map_err(|error| error.to_string())?;
    Ok(format!("position embeddings of {old}x{old} patches are interpolated to {new}x{new}, as timm does"))
}

fn pool(
    header: &Header,
    options: &ReadOptions,
    class_token: bool,
    norm: FinalNorm,
    assumed: &mut Vec<String>,
) -> Result<Pool, String> {
    let default = match norm {
        _ if !class_token => Pool::Mean,
        FinalNorm::OfFeatures => Pool::Mean,
        _ => Pool::ClassToken,
    };
    match (header.pool, options.pool) {
        (Some(known), _) if options.for_recipe => Ok(known),
        (None, _) if options.for_recipe => Ok(default),
        (Some(known), Some(asked)) if known != asked => {
            Err("--pool: the file says it itself; leave it out".to_owned())
        }
        (_, Some(Pool::ClassToken)) | (Some(Pool::ClassToken), None) if !class_token => {
            Err("the features cannot be a class token's, as it has none (`cls_token`)".to_owned())
        }
        (Some(known), _) => Ok(known),
        (None, Some(asked)) => Ok(asked),
        (None, None) => {
            if class_token && default == Pool::ClassToken {
                assumed
                    .push("the features are the class token (--pool mean averages the patches)".to_owned());
            } else if class_token {
                assumed.push(
                    "the features are the mean of the patches, as it has an `fc_norm` (--pool class-token takes the class \
                     token)"
                        .to_owned(),
                );
            }
            Ok(default)
        }
    }
}

fn block(
    file: &EncoderTensors,
    index: usize,
    width: usize,
    heads: usize,
    epsilon: f64,
) -> Result<BlockShape, String> {
    let name = |part: &str| format!("blocks.{index}.{part}");
    let has = |part: &str| file.has(&name(part));
    let hidden = match (file.shape(&name("mlp.fc1.weight")), file.shape(&name("mlp.fc2.weight"))) {
        (Some(&[hidden, _]), Some(&[_, inputs])) if hidden == inputs => hidden,
        (Some(&[hidden, _]), Some(&[_, inputs])) if hidden == 2 * inputs => {
            return Err(format!(
                "gated perceptrons (SwiGLU): `{}` gives {hidden} features and `mlp.fc2` takes {inputs}",
                name("mlp.fc1.weight")
            ));
        }
        (one, other) => {
            return Err(format!(
                "the perceptron `{}` has weights of shapes {one:?} and {other:?}",
                name("mlp")
            ));
        }
    };
    let norms = [has("attn.q_norm.weight"), has("attn.k_norm.weight")];
    if norms == [true, false] || norms == [false, true] {
        return Err(format!("`{}` normalises only one of queries and keys", name("attn")));
    }
    let attention = AttentionShape {
        features: width,
        heads,
        biases: [has("attn.qkv.bias"), has("attn.proj.bias")],
        norm_epsilon: norms[0].then_some(epsilon),
    };
    Ok(BlockShape {
        attention,
        hidden,
        biases: [has("mlp.fc1.bias"), has("mlp.fc2.bias")],
        scaled: [has("ls1.gamma"), has("ls2.gamma")],
        epsilon,
    })
}

/// Whether queries, keys and values have no biases and what follows them has, as in timm's networks of `ResPostBlock`.
fn is_post_norm(blocks: &[BlockShape]) -> bool {
    blocks.iter().all(|block| block.attention.biases == [false, true] && block.scaled == [false; 2])
}

/// Refuses blocks of which some have what others have not.
fn check_alike(blocks: &[BlockShape]) -> Result<(), String> {
    let parts = |block: &BlockShape| {
        [
            ("attn.qkv.bias", block.attention.biases[0]),
            ("attn.proj.bias", block.attention.biases[1]),
            ("attn.q_norm", block.attention.norm_epsilon.is_some()),
            ("mlp.fc1.bias", block.biases[0]),
            ("mlp.fc2.bias", block.biases[1]),
            ("ls1.gamma", block.scaled[0]),
            ("ls2.gamma", block.scaled[1]),
        ]
    };
    let Some(first) = blocks.first().map(parts) else { return Ok(()) };
    for (index, block) in blocks.iter().enumerate() {
        for ((part, in_first), (_, here)) in first.iter().zip(parts(block)) {
            if *in_first != here {
                let (with, without) = if here { (index, 0) } else { (0, index) };
                return Err(format!(
                    "blocks that differ: there is `blocks.{with}.{part}` and no `blocks.{without}.{part}`"
                ));
            }
        }
    }
    Ok(())
}
