//! ResNets and Vision Transformers of timm.

use super::torchvision::stem_lines;
use super::{LOAD, PUBLISHED_WIDTH};
use crate::resnet::blocks;
use crate::{Architecture, Encoder, Pool, VitConfig};

/// The lines that load a ResNet.
pub(super) fn load_resnet(encoder: &Encoder, classes: usize) -> String {
    let config = encoder.config();
    let width = config.width;
    let block = match config.arch {
        Architecture::Resnet18 | Architecture::Resnet34 => "BasicBlock",
        _ => "Bottleneck",
    };
    let counts = blocks(config.arch).map(|count| count.to_string()).join(", ");
    let channels = [0, 1, 2, 3].map(|layer| (width << layer).to_string()).join(", ");
    let mut lines = vec![
        "import torch".to_owned(),
        format!("from timm.models.resnet import {block}, ResNet, make_blocks"),
        "from safetensors.torch import load_file".to_owned(),
        format!("model = ResNet({block}, ({counts}), num_classes={classes}, channels=({channels}))"),
    ];
    if width != PUBLISHED_WIDTH {
        lines.extend([
            format!("model.bn1 = torch.nn.BatchNorm2d({width})"),
            format!("for name, layer in make_blocks(({block},) * 4, ({channels}), ({counts}), {width})[0]:"),
            "    setattr(model, name, layer)".to_owned(),
        ]);
    }
    lines.extend(stem_lines(config, encoder.images().channels));
    lines.join("\n") + "\n" + LOAD
}

/// The lines that load a Vision Transformer.
pub(super) fn load_vit(encoder: &Encoder, vit: VitConfig, classes: usize) -> String {
    let VitConfig { depth, heads, patch, pool } = vit;
    let images = encoder.images();
    let pool = match pool {
        Pool::ClassToken => "global_pool='token'",
        // timm normalises after averaging unless it is told not to.
        Pool::Mean => "global_pool='avg', fc_norm=False",
    };
    format!(
        "import torch\n\
         from timm.models.vision_transformer import VisionTransformer\n\
         from safetensors.torch import load_file\n\
         model = VisionTransformer(img_size={}, patch_size={patch}, in_chans={}, num_classes={classes}, embed_dim={}, \
         depth={depth}, num_heads={heads}, {pool})\n{LOAD}",
        images.height,
        images.channels,
        encoder.config().width
    )
}
