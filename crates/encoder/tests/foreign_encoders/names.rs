//! Prefixes, branches, and what stands beside an encoder.

use super::*;

#[test]
fn other_architectures_are_said_for_what_they_are() {
    for (key, words) in [
        ("layers.0.blocks.0.attn.relative_position_bias_table", "a Swin Transformer"),
        ("features.denseblock1.denselayer1.norm1.weight", "a DenseNet"),
        ("visual.transformer.resblocks.0.ln_1.weight", "a CLIP model"),
        ("stages.0.blocks.0.conv_dw.weight", "depthwise convolutions"),
        ("stem.conv.weight", "pre-activation"),
        ("model.layers.0.self_attn.q_proj.weight", "a language model"),
        ("something.else", "none of its"),
    ] {
        let file = rewritten("features", |key| format!("unrelated.{key}"), &[(key, &[4, 4])]);
        let error = file.error();
        assert!(error.contains(words) && error.contains("read are ResNets"), "{key}: {error}");
    }
}

#[test]
fn prefixes_heads_and_what_training_leaves_are_known_and_named() {
    let numbered = |key: &str| {
        let (first, rest) = key.split_once('.').unwrap();
        let layer = first.strip_prefix("layer").map(|layer| layer.parse::<usize>().unwrap() + 3);
        match (first, layer) {
            ("conv1", _) => format!("0.{rest}"),
            ("bn1", _) => format!("1.{rest}"),
            (_, layer) => format!("{}.{rest}", layer.unwrap()),
        }
    };
    let expected = expected("resnet-c", 32);
    let check = |case: &str, file: Written, words: &[&str]| {
        let read = read_encoder(&file.path, &ReadOptions::default(), &Device::flex()).unwrap();
        let error = difference(&features(&read.encoder, 32), &expected);
        assert!(error <= TOLERANCE, "{case}: {error}");
        let said = read.notes().join("\n");
        assert!(words.iter().all(|word| said.contains(word)), "{case}: {said}");
        let refused = read.account.left_out();
        assert_eq!(refused.is_empty(), words.is_empty(), "{case}: {refused:?}");
    };
    for prefix in [
        "module.",
        "_orig_mod.",
        "model._orig_mod.",
        "backbone.",
        "state_dict.model.backbone.",
        "encoder.",
        "trunk._feature_blocks.",
        "online_encoder.net.",
        "teacher.backbone.",
        "state_dict.module.encoder_q.",
    ] {
        check(prefix, rewritten("resnet-c", |key| format!("{prefix}{key}"), &[]), &[]);
    }
    check("numbered", rewritten("resnet-c", numbered, &[]), &[]);
    let file = rewritten(
        "resnet-c",
        |key| format!("state_dict.backbone.{}", numbered(key)),
        &[
            ("state_dict.backbone.9.weight", &[5, 10]),
            ("state_dict.projection_head.layers.0.weight", &[4, 10]),
            ("optimizer_states.0.state.0.momentum_buffer", &[4]),
        ],
    );
    check("lightly", file, &["what follows the last block", "a projector", "the optimizer's state"]);
    let shortcut = |key: &str| format!("encoder.{}", key.replace("downsample", "shortcut"));
    let file = rewritten("resnet-c", shortcut, &[("head.0.weight", &[4, 10]), ("encoder.linear.bias", &[4])]);
    check("the usual CIFAR code", file, &["a head (`encoder.linear.bias`", "`head.0.weight`"]);
    let file = rewritten(
        "resnet-c",
        |key| format!("module.backbone.{key}"),
        &[
            ("module.bn.running_mean", &[4]),
            ("module.projector.0.weight", &[4, 10]),
            ("module.backbone.fc.weight", &[4, 10]),
        ],
    );
    check("Barlow Twins", file, &["beside `module.backbone`", "a projector", "a head"]);
    let file = rewritten(
        "resnet-c",
        |key| format!("module.{key}"),
        &[("module.projection_head.0.weight", &[4, 10]), ("module.prototypes.weight", &[4, 10])],
    );
    check("SwAV", file, &["a projector", "prototypes"]);
    let vit = rewritten(
        "mean-of-patches",
        |key| format!("model.{key}"),
        &[
            ("model.mask_token", &[1, 1, 16]),
            ("model.decoder_embed.weight", &[8, 16]),
            ("model.decoder_pos_embed", &[1, 9, 8]),
            ("model.decoder_blocks.0.norm1.weight", &[8]),
            ("optimizer.state.0.exp_avg", &[8]),
        ],
    );
    let read = read_encoder(&vit.path, &options(None), &Device::flex()).unwrap();
    assert_eq!(read.account.left_out().len(), 5);
    assert_eq!(read.expected_pixels.unwrap().name, "imagenet");
}

#[test]
fn a_part_of_a_split_network_is_not_taken_for_a_smaller_one() {
    let whole = rewritten("mean-of-patches", str::to_owned, &[]);
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str| {
        let path = folder.path().join(name);
        std::fs::copy(&whole.path, &path).unwrap();
        path
    };
    let read =
        |path: &Path| read_encoder(path, &options(None), &Device::flex()).map_err(|error| error.to_string());
    let error = read(&put("model-00001-of-00003.safetensors")).unwrap_err();
    assert!(error.contains("is one of 3 parts of a network; join them"), "{error}");
    assert!(read(&put("model-00001-of-00001.safetensors")).is_ok());
    let index =
        r#"{"weight_map": {"a": "first.safetensors", "b": "second.safetensors", "c": "first.safetensors"}}"#;
    std::fs::write(folder.path().join("model.safetensors.index.json"), index).unwrap();
    let error = read(&put("first.safetensors")).unwrap_err();
    assert!(error.contains("is one of 2 parts of a network; join them"), "{error}");
    assert!(read(&put("joined.safetensors")).is_ok(), "the index does not list it");
    let index = r#"{"weight_map": {"a": "first.safetensors"}}"#;
    std::fs::write(folder.path().join("model.safetensors.index.json"), index).unwrap();
    assert!(read(&put("first.safetensors")).is_ok(), "it is the only part");
}

#[test]
fn an_encoders_own_tensors_outside_its_prefix_are_not_dropped() {
    let last_norm = |key: &str| {
        if key.starts_with("norm.") { key.to_owned() } else { format!("backbone.{key}") }
    };
    let error = rewritten("mean-of-patches", last_norm, &[]).error();
    assert!(error.contains("`norm.bias`") && error.contains("beside the encoder `backbone`"), "{error}");
    for (name, key) in [
        ("mean-of-patches", "model.cls_token"),
        ("mean-of-patches", "pos_embed"),
        ("mean-of-patches", "model.fc_norm.weight"),
        ("resnet-c", "model.layer4.7.conv1.bias"),
        ("resnet-c", "bn1.weight"),
    ] {
        let error = rewritten(name, |key| format!("model.backbone.{key}"), &[(key, &[16])]).error();
        assert!(error.contains(key) && error.contains("own tensors beside"), "{key}: {error}");
    }
    // What is of no known use is named in a warning; a second network is none of it.
    let beside: [(&str, &[usize]); 4] = [
        ("model.scores.weight", &[16]),
        ("ema.patch_embed.proj.weight", &[16, 3, 4, 4]),
        ("ema.norm.weight", &[16]),
        ("model.head.weight", &[3, 16]),
    ];
    let read = rewritten("mean-of-patches", |key| format!("model.backbone.{key}"), &beside).read();
    let warned = read.warnings().join("\n");
    assert!(warned.contains("of no known use is left out: `model.scores.weight`;"), "{warned}");
    assert_eq!((read.warnings().len(), read.account.left_out().len()), (1, 4));
    assert!(difference(&features(&read.encoder, 12), &expected("mean-of-patches", 12)) <= TOLERANCE);
    let scale: [(&str, &[usize]); 2] = [("mean", &[1, 3, 1, 1]), ("std", &[1, 3, 1, 1])];
    let read = rewritten("resnet-c", |key| format!("model.{key}"), &scale).read();
    let warned = read.warnings().join("\n");
    assert!(
        warned.contains("`mean`, `std` give the scale of its pixels") && warned.contains("--pixels"),
        "{warned}"
    );
}
