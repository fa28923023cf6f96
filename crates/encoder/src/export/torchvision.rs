//! ResNets of torchvision.

use super::{LOAD, PUBLISHED_WIDTH, head_module};
use crate::resnet::blocks;
use crate::{Encoder, EncoderConfig, Stem};

/// The lines that load a ResNet, and what they change in torchvision's network.
pub(super) fn load(encoder: &Encoder, classes: usize) -> (String, Vec<String>) {
    let (config, channels) = (encoder.config(), encoder.images().channels);
    let name = config.arch.name();
    let EncoderConfig { width, stem, .. } = *config;
    let mut lines = vec![
        "import torch, torchvision".to_owned(),
        "from safetensors.torch import load_file".to_owned(),
        format!("model = torchvision.models.{name}()"),
        format!("model.fc = {}", head_module(encoder, classes)),
    ];
    let mut differences = Vec::new();
    if width != PUBLISHED_WIDTH {
        differences.push(format!(
            "width {width}: torchvision's networks have {PUBLISHED_WIDTH}, so norms and blocks are made anew"
        ));
        lines.extend([
            format!("model.inplanes, block = {width}, type(model.layer1[0])"),
            format!("model.bn1 = torch.nn.BatchNorm2d({width})"),
        ]);
        for (layer, count) in blocks(config.arch).into_iter().enumerate() {
            let stride = if layer == 0 { 1 } else { 2 };
            let planes = width << layer;
            lines.push(format!(
                "model.layer{} = model._make_layer(block, {planes}, {count}, stride={stride})",
                layer + 1
            ));
        }
    }
    if stem == Stem::Small {
        differences.push("stem \"small\": conv1 is 3x3 with stride 1, and there is no max-pool".to_owned());
    }
    lines.extend(stem_lines(config, channels));
    if channels != 3 {
        differences.push(format!("{channels} channel(s): torchvision's conv1 takes 3"));
    }
    (lines.join("\n") + "\n" + LOAD, differences)
}

/// The stem, where it is not that of torchvision and timm.
pub(super) fn stem_lines(config: &EncoderConfig, channels: usize) -> Vec<String> {
    let width = config.width;
    if config.stem == Stem::Small {
        vec![
            format!("model.conv1 = torch.nn.Conv2d({channels}, {width}, 3, 1, 1, bias=False)"),
            "model.maxpool = torch.nn.Identity()".to_owned(),
        ]
    } else if channels != 3 || width != PUBLISHED_WIDTH {
        vec![format!("model.conv1 = torch.nn.Conv2d({channels}, {width}, 7, 2, 3, bias=False)")]
    } else {
        Vec::new()
    }
}
