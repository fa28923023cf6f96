//! What a file does not say of its network: heads, pooling, pixels.

use super::*;

#[test]
fn heads_and_pooling_that_a_file_does_not_say_are_said_or_asked_for() {
    let read = |name: &str, options: &ReadOptions| read_encoder(&golden(name), options, &Device::flex());
    let one = read("layer-scale", &ReadOptions { heads: Some(1), ..ReadOptions::default() }).unwrap();
    // Norms of queries and keys have a head's width, 8 of 16.
    let known = read("qk-norm", &ReadOptions::default()).unwrap();
    assert_eq!(known.encoder.config().heads, Some(2));
    let wrong = read("qk-norm", &ReadOptions { heads: Some(4), ..ReadOptions::default() });
    assert!(wrong.unwrap_err().to_string().contains("--heads 4: the file says that there are 2"));
    let odd = read("layer-scale", &ReadOptions { heads: Some(3), ..ReadOptions::default() });
    assert!(odd.unwrap_err().to_string().contains("expected a divisor of its 16 features"));
    let no_token = ReadOptions { pool: Some(Pool::ClassToken), ..options(None) };
    assert!(read("fc-norm", &no_token).unwrap_err().to_string().contains("it has none (`cls_token`)"));
    let odd_side = read("layer-scale", &options(Some(18))).unwrap_err().to_string();
    assert!(odd_side.contains("no multiple of its patches of 4"), "{odd_side}");
    // 9 places: a grid of 3x3, or 5 tokens and one of 2x2.
    let other = |key: &str| if key == "reg_token" { "head.old".to_owned() } else { key.to_owned() };
    let ambiguous = rewritten("registers-without-place", other, &[("reg_token", &[1, 4, 16])]);
    assert!(ambiguous.error().contains("say the side of its images with --size"), "{}", ambiguous.error());
    for side in [8, 12] {
        let read = read_encoder(&ambiguous.path, &options(Some(side)), &Device::flex()).unwrap();
        assert_eq!((read.encoder.side(), read.notes().len()), (Some(side), 2));
    }
    // The same tensors read in two ways are two encoders to the cache of features.
    let two = read("layer-scale", &options(None)).unwrap();
    assert_ne!(one.encoder.state_sha256().unwrap(), two.encoder.state_sha256().unwrap());
}

/// A Vision Transformer of one block with this width, all of whose values are the same.
fn of_width(width: usize, prefix: &str, beside: &[(&str, &[usize])]) -> Written {
    let block = [
        ("norm1.weight", vec![width]),
        ("norm1.bias", vec![width]),
        ("attn.qkv.weight", vec![3 * width, width]),
        ("attn.qkv.bias", vec![3 * width]),
        ("attn.proj.weight", vec![width, width]),
        ("attn.proj.bias", vec![width]),
        ("norm2.weight", vec![width]),
        ("norm2.bias", vec![width]),
        ("mlp.fc1.weight", vec![4, width]),
        ("mlp.fc1.bias", vec![4]),
        ("mlp.fc2.weight", vec![width, 4]),
        ("mlp.fc2.bias", vec![width]),
    ];
    let rest = [
        ("cls_token", vec![1, 1, width]),
        ("pos_embed", vec![1, 5, width]),
        ("patch_embed.proj.weight", vec![width, 3, 2, 2]),
        ("patch_embed.proj.bias", vec![width]),
        ("norm.weight", vec![width]),
        ("norm.bias", vec![width]),
    ];
    let block = block.into_iter().map(|(name, shape)| (format!("{prefix}blocks.0.{name}"), shape));
    let rest = rest.into_iter().map(|(name, shape)| (format!("{prefix}{name}"), shape));
    let beside = beside.iter().map(|(name, shape)| (name.to_string(), shape.to_vec()));
    let value = |(name, shape): (String, Vec<usize>)| {
        let count = shape.iter().product();
        (name, shape, vec![0.25; count])
    };
    written("encoder.safetensors", block.chain(rest).chain(beside).map(value).collect())
}

#[test]
fn heads_of_a_published_width_are_those_of_its_networks() {
    // timm: vit_tiny, vit_small, vit_so400m and vit_huge have 3, 6, 16 and 16; moco-v3's vit_small has 12.
    for (width, prefix, heads, words) in [
        (192, "", 3, "3 of 64 features"),
        (384, "model.", 6, "MoCo v3's ViT-S, which has 12"),
        (384, "state_dict.module.base_encoder.", 12, "12 of 32 features, as MoCo v3's ViT-S has"),
        (1152, "", 16, "16 of 72 features"),
        (1280, "", 16, "16 of 80 features"),
    ] {
        let read = of_width(width, prefix, &[]).read();
        assert_eq!(read.encoder.config().heads, Some(heads), "{width} {prefix}");
        assert!(read.notes().join("; ").contains(words), "{:?}", read.notes());
    }
}

#[test]
fn heads_of_a_width_of_no_published_network_are_asked_for_and_not_guessed() {
    for width in [64, 320] {
        let mut file = of_width(width, "", &[]);
        let error = file.error();
        assert!(error.contains(&format!("of {width} features")) && error.contains("--heads"), "{error}");
        file.options.heads = Some(4);
        assert_eq!(file.read().encoder.config().heads, Some(4));
    }
}

#[test]
fn heads_and_pooling_asked_of_a_residual_network_are_refused_as_without_effect() {
    for (name, options) in [
        ("--heads", ReadOptions { heads: Some(2), ..ReadOptions::default() }),
        ("--pool", ReadOptions { pool: Some(Pool::Mean), ..ReadOptions::default() }),
    ] {
        let error = read_encoder(&golden("resnet-c"), &options, &Device::flex()).unwrap_err().to_string();
        assert!(error.contains(&format!("{name}: it is no Vision Transformer; leave it out")), "{error}");
    }
}

#[test]
fn the_pooling_assumed_for_a_norm_of_features_beside_a_class_token_is_said() {
    let read = read_encoder(&golden("fc-norm-class-token"), &options(None), &Device::flex()).unwrap();
    let said = read.notes().join("; ");
    assert!(said.contains("the mean of the patches, as it has an `fc_norm` (--pool class-token"), "{said}");
}

#[test]
fn only_a_network_with_the_head_and_width_of_timms_own_is_sure_to_expect_half() {
    let expected = |width, beside| of_width(width, "", beside).read().expected_pixels.unwrap();
    let head: &[(&str, &[usize])] = &[("head.weight", &[4, 192]), ("head.bias", &[4])];
    let own = expected(192, head);
    assert_eq!((own.name, own.sure), ("half", true));
    // Without a head: DINO's, DeiT's and MAE's encoders are such files too.
    let any = expected(192, &[]);
    assert_eq!((any.name, any.sure), ("imagenet or half", false));
    let large = expected(1024, &[("head.weight", &[4, 1024]), ("head.bias", &[4])]);
    assert!(!large.sure);
    let transformers = read_encoder(&golden("transformers"), &options(None), &Device::flex()).unwrap();
    assert!(!transformers.expected_pixels.unwrap().sure);
    let resnet = read_encoder(&golden("resnet-c"), &ReadOptions::default(), &Device::flex()).unwrap();
    assert_eq!(resnet.expected_pixels.map(|pixels| (pixels.name, pixels.sure)), Some(("imagenet", true)));
}

#[test]
fn a_network_like_siglips_is_warned_of_as_its_gelu_is_in_no_tensor() {
    let warned = |width: usize, without: &str| {
        let whole = of_width(width, "", &[]);
        let mut state = StateDict::read(&whole.path, None).unwrap();
        let mut tensors = Vec::new();
        for info in state.keys().into_iter().filter(|info| info.key != without) {
            let mut shape = info.shape.clone();
            let mut values = state.take(&info.key, &info.shape).unwrap();
            if info.key == "pos_embed" && without == "cls_token" {
                shape[1] = 4;
                values.truncate(4 * width);
            }
            tensors.push((info.key, shape, values));
        }
        written("encoder.safetensors", tensors).read().warnings().join("; ")
    };
    assert!(warned(768, "cls_token").contains("GELU by tanh"));
    // I-JEPA's, and a network with a class token.
    assert!(!warned(1280, "cls_token").contains("GELU"));
    assert!(!warned(768, "").contains("GELU"));
}
