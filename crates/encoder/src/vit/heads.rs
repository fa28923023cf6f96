//! How many attention heads a Vision Transformer has.

use super::super::file::{EncoderTensors, Header, ReadOptions};

/// The heads of a file's network, by its own word, the user's, or those of the published networks of its width.
pub(super) fn heads(
    file: &EncoderTensors,
    width: usize,
    header: &Header,
    options: &ReadOptions,
    assumed: &mut Vec<String>,
) -> Result<usize, String> {
    let divides = |heads: usize| heads > 0 && width.is_multiple_of(heads);
    let of_norm = match file.shape("blocks.0.attn.q_norm.weight") {
        Some(&[features]) if features > 0 && width.is_multiple_of(features) => Some(width / features),
        Some(shape) => {
            return Err(format!(
                "`blocks.0.attn.q_norm.weight` has shape {shape:?}, which no head of {width} has"
            ));
        }
        None => None,
    };
    if let Some(known) = of_norm.or(header.heads) {
        return match options.heads {
            Some(heads) if heads != known && !options.for_recipe => {
                Err(format!("--heads {heads}: the file says that there are {known}; leave it out"))
            }
            _ if !divides(known) => Err(format!("{known} heads do not divide its {width} features")),
            _ => Ok(known),
        };
    }
    if let Some(heads) = options.heads {
        if !divides(heads) {
            return Err(format!("--heads {heads}: expected a divisor of its {width} features"));
        }
        return Ok(heads);
    }
    let of_moco = ["base_encoder", "momentum_encoder"].iter().any(|name| file.prefix().contains(name));
    let heads = published(width, of_moco).ok_or_else(|| {
        format!(
            "the number of attention heads is not in the file, and no published network of {width} features tells it; say \
             it with --heads (in a recipe encoder.heads)"
        )
    })?;
    let whose = match (width, of_moco) {
        (384, true) => "as MoCo v3's ViT-S has",
        (384, false) => "as published networks of its width have, but for MoCo v3's ViT-S, which has 12",
        _ => "as published networks of its width have",
    };
    assumed.push(format!(
        "the file does not say how many attention heads there are: {heads} of {} features, {whose} (--heads sets another \
         number)",
        width / heads
    ));
    Ok(heads)
}

/// Heads of the published networks of this width; `None` where there are none.
fn published(width: usize, of_moco: bool) -> Option<usize> {
    Some(match width {
        // MoCo v3, Chen et al. 2021: "12 heads instead of 6 in ViT-S".
        384 if of_moco => 12,
        192 | 384 | 768 | 1024 => width / 64,
        // SO400M; huge; giant; gigantic; and the large ones of OpenCLIP and DINO's successors.
        1152 | 1280 | 1408 | 1664 | 2048 => 16,
        3072 => 24,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_those_of_published_networks_and_of_no_others() {
        for (width, heads) in [
            (192, 3),
            (384, 6),
            (768, 12),
            (1024, 16),
            (1152, 16),
            (1280, 16),
            (1408, 16),
            (1664, 16),
            (2048, 16),
            (3072, 24),
        ] {
            assert_eq!(published(width, false), Some(heads), "{width}");
        }
        assert_eq!((published(384, true), published(768, true)), (Some(12), Some(12)));
        for width in [16, 48, 64, 128, 256, 320, 512, 640, 1536] {
            assert_eq!(published(width, false), None, "{width}");
        }
    }
}
