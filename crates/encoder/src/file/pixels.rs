//! How networks of known origin want their pixels.

use std::collections::BTreeSet;

use super::naming::Naming;
use super::tensors::EncoderTensors;

/// What a file of other origin most likely expects of pixels; the file itself does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedPixels {
    /// As `--pixels` names it.
    pub name: &'static str,
    /// Whose networks expect that, and who else what.
    pub why: &'static str,
    /// Whether another scale is most likely a mistake.
    pub sure: bool,
}

impl ExpectedPixels {
    /// For networks that take other images than red, green and blue, which have no scale of common use.
    pub(super) fn of_other_channels() -> Self {
        Self { name: "MEAN:STD", why: "those of the images that it learnt from", sure: false }
    }
}

/// What a network of these tensors was most likely trained on.
pub(super) fn expected(file: &EncoderTensors, keys: &BTreeSet<&str>) -> ExpectedPixels {
    let has = |part: &str| keys.iter().any(|key| key.contains(part));
    let (name, why) = match file.candidate.naming {
        Naming::ResNet | Naming::NumberedResNet(_) => {
            ("imagenet", "as torchvision's, timm's and most self-supervised ResNets do")
        }
        Naming::TorchvisionVit => ("imagenet", "as torchvision's networks do"),
        Naming::Conv => ("half", "as zview's recipes do"),
        Naming::TransformersVit if file.has("blocks.0.ls1.gamma") => ("imagenet", "as DINOv2 does"),
        Naming::TransformersVit if has("decoder.") => ("imagenet", "as MAE does"),
        Naming::TransformersVit => {
            return unsure("half or imagenet", "as ViT of transformers does, or its DINO and MAE");
        }
        Naming::TimmVit if file.has("norm_pre.weight") => ("clip", "as CLIP does"),
        Naming::TimmVit if file.has("blocks.0.ls1.gamma") => ("imagenet", "as DINOv2 and DeiT III do"),
        Naming::TimmVit if has("decoder_embed") => ("imagenet", "as MAE does"),
        Naming::TimmVit if has("teacher") || has("student") => ("imagenet", "as DINO and iBOT do"),
        Naming::TimmVit if has("target_encoder.") => ("imagenet", "as I-JEPA does"),
        Naming::TimmVit if has("base_encoder.") || has("momentum_encoder.") => ("imagenet", "as MoCo does"),
        Naming::TimmVit if file.candidate.prefix.starts_with("model.") => ("imagenet", "as DeiT and MAE do"),
        Naming::TimmVit if file.has("head.weight") && is_augreg(file) => {
            ("half", "as timm's own vit_tiny, vit_small and vit_base do (DeiT, DINO and MAE: imagenet)")
        }
        Naming::TimmVit => {
            return unsure(
                "imagenet or half",
                "as DeiT, DINO and MAE do, or timm's own vit_tiny, vit_small and vit_base",
            );
        }
    };
    ExpectedPixels { name, why, sure: true }
}

fn unsure(name: &'static str, why: &'static str) -> ExpectedPixels {
    ExpectedPixels { name, why, sure: false }
}

/// Whether it has the width of timm's `vit_tiny`, `vit_small` or `vit_base`.
fn is_augreg(file: &EncoderTensors) -> bool {
    matches!(file.shape("patch_embed.proj.weight"), Some([192 | 384 | 768, ..]))
}
