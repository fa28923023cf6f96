//! `conv` as modules of PyTorch alone.

use super::{LOAD, head_module};
use crate::Encoder;

/// The lines that load it: four convolutions, each with batch norm and ReLU, and their mean.
pub(super) fn load(encoder: &Encoder, classes: usize) -> String {
    let (width, channels) = (encoder.config().width, encoder.images().channels);
    let stages = [0, 1, 2, 3].map(|stage| {
        let inputs = if stage == 0 { channels } else { width << (stage - 1) };
        let stride = if stage == 0 { 1 } else { 2 };
        format!("        stage({inputs}, {}, {stride}),\n", width << stage)
    });
    format!(
        "from collections import OrderedDict\n\
         import torch\n\
         from safetensors.torch import load_file\n\
         def stage(inputs, outputs, stride):\n    \
             return torch.nn.Sequential(OrderedDict(\n        \
                 conv=torch.nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),\n        \
                 norm=torch.nn.BatchNorm2d(outputs),\n        \
                 relu=torch.nn.ReLU(),\n    \
             ))\n\
         model = torch.nn.Sequential(OrderedDict(\n    \
             stages=torch.nn.Sequential(\n{}    ),\n    \
             pool=torch.nn.AdaptiveAvgPool2d(1),\n    \
             flatten=torch.nn.Flatten(),\n    \
             fc={},\n\
         ))\n{LOAD}",
        stages.concat(),
        head_module(encoder, classes)
    )
}
