//! What is refused, and in which words.

use super::*;

#[test]
fn an_unknown_tensor_of_the_encoder_refuses_the_file_by_its_name() {
    let zeros = |shape: &'static [usize]| shape;
    for (name, extra, words) in [
        ("mean-of-patches", "blocks.0.mlp.norm.weight", "tensors that a Vision Transformer"),
        ("mean-of-patches", "blocks.1.attn.rel_pos_bias.weight", "relative position biases"),
        ("mean-of-patches", "attn_pool.latent", "attention pooling"),
        ("mean-of-patches", "dist_token", "a second class token"),
        ("mean-of-patches", "blocks.0.mlp.w12.weight", "gated perceptrons (SwiGLU)"),
        ("mean-of-patches", "neck.weight", "neck.weight"),
        ("se-resnet", "layer1.0.se.bn.weight", "layer1.0.se.bn.weight"),
        ("se-resnet", "layer1.0.se.spatial.conv.conv.weight", "CBAM"),
        ("se-resnet", "layer2.0.downsample.0.filt", "anti-aliased"),
        ("se-resnet", "maxpool.0.weight", "a pooling with weights"),
        ("se-resnet", "layer1.0.conv1.bias", "layer1.0.conv1.bias"),
        ("resnet-d", "layer5.0.weight", "layer5.0.weight"),
    ] {
        let file = rewritten(name, str::to_owned, &[(extra, zeros(&[16]))]);
        let error = file.error();
        assert!(error.contains(words) && error.contains(extra), "{extra}: {error}");
    }
}

#[test]
fn tensors_that_are_missing_or_of_another_shape_are_named_without_a_word_of_manifests() {
    let without = |part: &'static str| {
        move |key: &str| if key.contains(part) { format!("classifier.{key}") } else { key.to_owned() }
    };
    for (name, part, words) in [
        ("resnet-c", "layer3.1.bn2.running_mean", "a norm without running statistics"),
        ("resnet-c", "layer3.1.bn2.weight", "`layer3.1.bn2.weight` is missing"),
        ("resnet-c", "layer4.0.downsample", "has no `downsample`"),
        ("resnet-c", "layer4", "a residual network of 3 layers"),
        ("mean-of-patches", "blocks.1.norm2.bias", "`blocks.1.norm2.bias` is missing"),
        ("mean-of-patches", "pos_embed", "without `pos_embed`"),
        ("qk-norm", "blocks.1.attn.q_norm", "only one of queries and keys"),
    ] {
        let error = rewritten(name, without(part), &[]).error();
        assert!(error.contains(words) && !error.contains("manifest"), "{part}: {error}");
    }
    let odd = |key: &str| if key == "fc_norm.weight" { "fc_norm.old".to_owned() } else { key.to_owned() };
    let error = rewritten("fc-norm", odd, &[("fc_norm.weight", &[3])]).error();
    assert!(error.contains("`fc_norm.weight` has shape [3], expected [16]"), "{error}");
}

#[test]
fn blocks_that_differ_in_which_tensors_they_have_are_refused_by_name() {
    for (name, missing, there) in [
        ("mean-of-patches", "blocks.1.attn.qkv.bias", "blocks.0.attn.qkv.bias"),
        ("mean-of-patches", "blocks.0.attn.proj.bias", "blocks.1.attn.proj.bias"),
        ("mean-of-patches", "blocks.1.mlp.fc1.bias", "blocks.0.mlp.fc1.bias"),
        ("mean-of-patches", "blocks.0.mlp.fc2.bias", "blocks.1.mlp.fc2.bias"),
        ("layer-scale", "blocks.1.ls1.gamma", "blocks.0.ls1.gamma"),
        ("layer-scale", "blocks.1.ls2.gamma", "blocks.0.ls2.gamma"),
    ] {
        let without = |key: &str| if key == missing { String::new() } else { key.to_owned() };
        let error = rewritten(name, without, &[]).error();
        let words = format!("blocks that differ: there is `{there}` and no `{missing}`");
        assert!(error.contains(&words), "{missing}: {error}");
    }
    let of_norms = |key: &str| {
        if key.starts_with("blocks.1.attn") && key.contains("_norm") { String::new() } else { key.to_owned() }
    };
    let error = rewritten("qk-norm", of_norms, &[]).error();
    assert!(error.contains("there is `blocks.0.attn.q_norm` and no `blocks.1.attn.q_norm`"), "{error}");
    let of_gate = |key: &str| if key.starts_with("layer1.1.se") { String::new() } else { key.to_owned() };
    let error = rewritten("se-resnet", of_gate, &[]).error();
    assert!(
        error.contains("`layer1.0` has squeeze-and-excitation (`se.fc1`), `layer1.1` has no gate"),
        "{error}"
    );
    let of_shortcut = |key: &str| match key.strip_prefix("layer3.0.downsample.") {
        Some("1.weight") => "layer3.0.downsample.0.weight".to_owned(),
        Some(rest) => format!("layer3.0.downsample.1{}", &rest[1..]),
        None => key.to_owned(),
    };
    let error = rewritten("resnet-d", of_shortcut, &[]).error();
    assert!(
        error.contains("`layer1.0.downsample` is number 1, that of `layer3.0.downsample` number 0"),
        "{error}"
    );
}

#[test]
fn a_perception_encoder_whose_rotary_embeddings_are_in_no_tensor_is_refused() {
    let left = |key: &str| match key {
        "norm.weight" | "norm.bias" | "patch_embed.proj.bias" => String::new(),
        other => other.to_owned(),
    };
    let error = rewritten("layer-scale", left, &[]).error();
    assert!(error.contains("Perception Encoder") && error.contains("rotary"), "{error}");
}

#[test]
fn blocks_that_normalise_after_their_parts_are_refused_by_name() {
    // timm's vit_base_patch16_rpn_224: ResPostBlock, qkv_bias=False, class_token=False, global_pool='avg'.
    let rpn = |key: &str| if key.ends_with("qkv.bias") { String::new() } else { key.to_owned() };
    let error = rewritten("fc-norm", rpn, &[]).error();
    assert!(error.contains("ResPostBlock") && error.contains("attn.qkv.bias"), "{error}");
}

#[test]
fn weights_that_are_normed_or_selective_are_named_in_whole_networks_of_them() {
    let of_all = |suffix: &'static str| {
        move |key: &str| match key.strip_suffix(".weight") {
            Some(name) if name.contains("conv") || name.contains("attn") || name.contains("proj") => {
                format!("{name}.{suffix}")
            }
            _ => key.to_owned(),
        }
    };
    for name in ["resnet-c", "mean-of-patches"] {
        for (suffix, words) in [
            ("weight_g", "weight norm"),
            ("weight_orig", "spectral norm or pruning"),
            ("parametrizations.weight.original0", "parametrised weights"),
        ] {
            let error = rewritten(name, of_all(suffix), &[]).error();
            assert!(error.contains(words) && !error.contains("none of its"), "{name} {suffix}: {error}");
        }
        // Only some of them: the blocks'.
        let some = |key: &str| {
            let inner = key.contains("1.conv2") || key.contains("0.attn.qkv");
            if inner { key.replace(".weight", ".weight_v") } else { key.to_owned() }
        };
        let error = rewritten(name, some, &[]).error();
        assert!(error.contains("weight norm that is not folded in"), "{name}: {error}");
    }
    let selective = |key: &str| key.replace(".conv1.weight", ".conv1.conv.weight");
    let error = rewritten("resnext", selective, &[("layer1.0.conv2.paths.0.conv.weight", &[4])]).error();
    assert!(error.contains("SKNet") && !error.contains("none of its"), "{error}");
}

#[test]
fn a_file_that_claims_more_than_it_holds_takes_no_memory() {
    // torch.save of tensors that `expand` made: 2^40 values over a storage of one.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.safetensors");
    let header = br#"{"conv1.weight":{"dtype":"F32","shape":[1099511627776,3,3,3],"data_offsets":[0,0]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header);
    std::fs::write(&path, bytes).unwrap();
    assert!(load_encoder(&path, &Device::flex()).is_err());
}

#[test]
fn a_tensor_that_has_no_plain_values_is_refused_as_what_it_is() {
    // `scripts/make_encoder_golden.py` saves `mean-of-patches` with one tensor of another kind.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/foreign/kinds");
    let mut tried = 0;
    for (name, words) in [
        ("meta.pth", "a tensor without values (device `meta`)"),
        ("sparse.pth", "a sparse tensor"),
        ("quantised.pth", "a quantized tensor"),
        ("float8.pth", "holds float8_e4m3fn"),
        ("float8.safetensors", "holds float8_e4m3fn"),
        ("complex.pth", "holds complex64"),
    ] {
        let error =
            read_encoder(&folder.join(name), &options(None), &Device::flex()).unwrap_err().to_string();
        assert!(error.contains("blocks.0.attn.qkv.weight") && error.contains(words), "{name}: {error}");
        assert!(!error.contains("manifest"), "{name}: {error}");
        tried += 1;
    }
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), tried);
}
