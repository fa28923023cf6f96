//! What a file is that cannot be computed here, by the names of its tensors.

/// A part of a tensor's name, and what only such networks have.
const PARTS: [(&str, &str); 33] = [
    ("mlp.w12.", "gated perceptrons (SwiGLU), as DINOv2's giant and EVA have"),
    ("relative_position_bias_table", "relative position biases, as Swin and BEiT have"),
    ("rel_pos_bias", "relative position biases, as BEiT has"),
    (".attn.q_bias", "separate biases of queries and values, as BEiT has"),
    (".attn.q_proj.", "separate projections of queries, keys and values, as EVA has"),
    ("attn_pool.", "attention pooling, as SigLIP has"),
    ("attnpool.", "attention pooling, as CLIP's ResNets have"),
    ("dist_token", "a second class token, as distilled DeiTs have"),
    (".se.channel.", "CBAM (convolutional block attention)"),
    (".se.spatial.", "CBAM (convolutional block attention)"),
    (".ca.fc", "CBAM (convolutional block attention)"),
    (".filt", "anti-aliased pooling (BlurPool)"),
    (".se_module.", "squeeze-and-excitation in an older naming, whose blocks have their stride elsewhere"),
    ("patch_embed.backbone.", "a convolutional network before its patches (a hybrid)"),
    ("patch_embed.proj.0.", "patches made by several convolutions"),
    ("patch_embed.proj.conv", "patches made by several convolutions"),
    (".lora_", "LoRA adapters that are not merged"),
    ("maxpool.0.", "a pooling with weights"),
    (".paths.0.", "selective kernels (SKNet)"),
    (".conv1.conv.", "convolutions with a norm of their own (SKNet and others)"),
    (".conv2.conv.", "split attention or selective kernels"),
    (".conv2.fc1.", "split attention (ResNeSt)"),
    ("weight_orig", "spectral norm or pruning that is not folded in"),
    ("weight_mask", "pruning that is not folded in"),
    ("weight_u", "spectral norm that is not folded in"),
    ("weight_sigma", "spectral norm that is not folded in"),
    (".weight_g", "weight norm that is not folded in"),
    (".weight_v", "weight norm that is not folded in"),
    ("parametrizations.weight.0._u", "spectral norm that is not folded in"),
    ("parametrizations.", "parametrised weights that are not folded in"),
    ("weight_packed_params", "quantised weights"),
    ("_packed_params", "quantised weights"),
    (".mlp.gate.", "experts or gates in its perceptrons"),
];

/// A part of a tensor's name that only one architecture has.
const ARCHITECTURES: [(&str, &str); 22] = [
    (
        "visual.transformer.resblocks.",
        "a CLIP model of OpenAI or open_clip; timm has its image encoder under timm's names",
    ),
    ("visual.attnpool.", "a CLIP model with a ResNet"),
    ("vision_model.encoder.layers.", "a CLIP or SigLIP model of transformers"),
    ("vision_model.embeddings.", "a CLIP or SigLIP model of transformers"),
    ("relative_position_bias_table", "a Swin Transformer"),
    ("conv_stem.weight", "an EfficientNet or MobileNet of timm's"),
    ("conv_dw.weight", "a network with depthwise convolutions (ConvNeXt, EfficientNet)"),
    ("dwconv.weight", "a ConvNeXt"),
    ("features.denseblock1.", "a DenseNet"),
    ("features.0.0.weight", "a MobileNet, EfficientNet or ConvNeXt of torchvision's"),
    ("features.0.weight", "a VGG or AlexNet"),
    ("stem.conv.weight", "a ResNetV2 (pre-activation) or RegNet"),
    ("stem.conv1.conv.weight", "one of timm's networks of the ByobNet family"),
    ("trunk_output.", "a RegNet"),
    ("Mixed_5b.", "an Inception network"),
    ("blocks.0.mlp_tokens.", "an MLP-Mixer"),
    ("layer0.conv1.weight", "an SENet in an older naming"),
    ("double_conv.", "a U-Net"),
    ("in_layers.", "a diffusion model"),
    ("encoder.layer.0.attention.self.query.weight", "a language model (BERT)"),
    ("model.layers.0.self_attn.q_proj.weight", "a language model"),
    ("resnet.embedder.", "a ResNet of transformers; torchvision and timm have the same networks"),
];

/// What the named tensor belongs to, where it is known.
pub(super) fn part(key: &str) -> Option<&'static str> {
    PARTS.iter().find(|(part, _)| key.contains(part)).map(|(_, what)| *what)
}

/// What the network with these tensors is, where it is known.
pub(super) fn architecture<'a>(keys: impl Iterator<Item = &'a str> + Clone) -> Option<&'static str> {
    let has = |part: &str| keys.clone().any(|key| key.contains(part));
    ARCHITECTURES.iter().find(|(part, _)| has(part)).map(|(_, what)| *what)
}

/// What a network without this tensor likely has in its place.
pub(super) fn missing(name: &str) -> Option<&'static str> {
    let of_norm = name.contains("bn") || name.contains("downsample");
    (of_norm && name.ends_with("running_mean"))
        .then_some("a norm without running statistics, such as group norm, or a batch norm that keeps none")
}
