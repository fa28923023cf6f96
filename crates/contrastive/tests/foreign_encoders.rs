//! Encoders of other origin against what their libraries compute of them (`scripts/make_encoder_golden.py`), and what of a
//! file is named, chosen or refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use zview_contrastive::encoder::{
    Architecture, Encoder, EncoderConfig, FrozenEncoder, LoadedEncoder, Pool, ReadOptions, load_encoder,
    read_encoder,
};
use zview_data::ImageShape;
use zview_network::weights::StateDict;
use zview_network::{NamedTensors, write_tensors};
use zview_runtime::device::read_floats;
use zview_runtime::seed::{Purpose, Stream};

/// Largest difference of a feature; features have a standard deviation of about 1.
const TOLERANCE: f32 = 1e-5;
/// The networks of `scripts/make_encoder_golden.py`.
const VITS: [&str; 10] = [
    "layer-scale",
    "registers-without-place",
    "qk-norm",
    "fc-norm",
    "fc-norm-class-token",
    "mean-of-patches",
    "no-final-norm",
    "dinov2",
    "transformers",
    "torchvision",
];
const RESNETS: [&str; 6] = ["resnet-d", "resnet-c", "se-resnet", "eca-resnet", "resnext", "wide-resnet"];

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/foreign/{name}.safetensors"))
}

/// `count` images of (37 i mod 101) / 101.
fn images(count: usize, channels: usize, side: usize) -> Tensor<4> {
    let values = (0..count * channels * side * side).map(|place| (37 * place % 101) as f32 / 101.0).collect();
    Tensor::from_data(TensorData::new::<f32, _>(values, [count, channels, side, side]), &Device::flex())
}

fn features(encoder: &FrozenEncoder, side: usize) -> Vec<f32> {
    read_floats(encoder.features(images(2, 3, side))).unwrap()
}

fn expected(name: &str, side: usize) -> Vec<f32> {
    let mut state = StateDict::read(&golden("features"), None).unwrap();
    let key = format!("{name}.{side}");
    let shape = state.shape(&key).unwrap_or_else(|| panic!("no {key}")).to_vec();
    state.take(&key, &shape).unwrap()
}

fn sides(name: &str) -> Vec<usize> {
    let state = StateDict::read(&golden("features"), None).unwrap();
    let of_name = |key: &str| key.strip_prefix(name)?.strip_prefix('.')?.parse().ok();
    state.keys().iter().filter_map(|info| of_name(&info.key)).collect()
}

fn difference(got: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(got.len(), expected.len());
    got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Two heads, as every golden Vision Transformer has, and images of this side.
fn options(side: Option<usize>) -> ReadOptions {
    ReadOptions { heads: Some(2), side, ..ReadOptions::default() }
}

/// The same for one of all the golden networks: a residual one has no heads.
fn options_of(name: &str) -> ReadOptions {
    if VITS.contains(&name) { options(None) } else { ReadOptions::default() }
}

/// The golden file of `name` under other names, without those that become empty, with other tensors beside it.
fn rewritten(name: &str, rename: impl Fn(&str) -> String, beside: &[(&str, &[usize])]) -> Written {
    let mut state = StateDict::read(&golden(name), None).unwrap();
    let mut tensors = Vec::new();
    for info in state.keys().into_iter().filter(|info| !info.shape.is_empty()) {
        let values = state.take(&info.key, &info.shape).unwrap();
        tensors.push((rename(&info.key), info.shape, values));
    }
    tensors.retain(|(name, ..)| !name.is_empty());
    for (name, shape) in beside {
        tensors.push((name.to_string(), shape.to_vec(), vec![0.25; shape.iter().product()]));
    }
    Written { options: options_of(name), ..written("encoder.safetensors", tensors) }
}

fn written(file: &str, all: Vec<(String, Vec<usize>, Vec<f32>)>) -> Written {
    let mut tensors = NamedTensors::default();
    for (name, shape, values) in all {
        let flat = Tensor::<1>::from_floats(values.as_slice(), &Device::flex());
        match *shape {
            [a] => tensors.add(&name, flat.reshape([a])).unwrap(),
            [a, b] => tensors.add(&name, flat.reshape([a, b])).unwrap(),
            [a, b, c] => tensors.add(&name, flat.reshape([a, b, c])).unwrap(),
            [a, b, c, d] => tensors.add(&name, flat.reshape([a, b, c, d])).unwrap(),
            _ => panic!("{name}: {shape:?}"),
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file);
    write_tensors(&path, &tensors, HashMap::new()).unwrap();
    Written { _folder: folder, path, options: ReadOptions::default() }
}

struct Written {
    _folder: tempfile::TempDir,
    path: PathBuf,
    options: ReadOptions,
}

impl Written {
    fn read(&self) -> LoadedEncoder {
        read_encoder(&self.path, &self.options, &Device::flex()).unwrap()
    }

    fn error(&self) -> String {
        read_encoder(&self.path, &self.options, &Device::flex()).unwrap_err().to_string()
    }
}

#[test]
fn layer_scale_registers_and_norms_around_the_blocks_are_computed_as_timm_does() {
    for name in VITS {
        for side in sides(name) {
            let read = read_encoder(&golden(name), &options(Some(side)), &Device::flex()).unwrap();
            let error = difference(&features(&read.encoder, side), &expected(name, side));
            println!("{name} at {side}: {error:.1e}");
            assert!(error <= TOLERANCE, "{name} at {side}: {error}");
            let interpolated = read.notes().iter().any(|note| note.contains("interpolated"));
            assert_eq!(interpolated, side != 12, "{name}: {:?}", read.notes());
        }
    }
}

#[test]
fn deep_stems_averaging_shortcuts_gates_and_groups_are_computed_as_timm_does() {
    for name in RESNETS {
        let read = read_encoder(&golden(name), &ReadOptions::default(), &Device::flex()).unwrap();
        for side in sides(name) {
            let error = difference(&features(&read.encoder, side), &expected(name, side));
            println!("{name} at {side}: {error:.1e}");
            assert!(error <= TOLERANCE, "{name} at {side}: {error}");
        }
        assert_eq!(sides(name), [27, 32]);
    }
}

#[test]
fn what_no_recipe_can_ask_for_is_refused_by_name_as_initial_weights() {
    for (name, words) in [
        ("layer-scale", "LayerScale"),
        ("registers-without-place", "3 register tokens"),
        ("qk-norm", "norms of queries and keys"),
        ("fc-norm", "a norm of the features (`fc_norm`)"),
        ("mean-of-patches", "no class token"),
        ("no-final-norm", "no norm at the end"),
        ("dinov2", "LayerScale"),
        ("resnet-d", "shortcuts that average"),
        ("resnet-c", "a stem of 3 convolutions"),
        ("se-resnet", "squeeze-and-excitation"),
        ("eca-resnet", "efficient channel attention"),
        ("resnext", "convolutions in 2 groups"),
        ("wide-resnet", "a stem of 3 convolutions"),
    ] {
        let read = read_encoder(&golden(name), &options_of(name), &Device::flex()).unwrap();
        let beyond = read.encoder.encoder().beyond_recipes().join("; ");
        assert!(beyond.contains(words), "{name}: {beyond}");
        let mut encoder = recipe(&read.encoder);
        let error = encoder.load_weights(&golden(name), None).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("no recipe's encoder has"), "{name}: {error}");
    }
}

/// The network that a recipe of the encoder's configuration makes.
fn recipe(encoder: &FrozenEncoder) -> Encoder {
    let images = encoder.encoder().images();
    Encoder::new(encoder.config(), images, &mut Stream::new(0, Purpose::Check, 0, 0), &Device::flex())
        .unwrap()
}

#[test]
fn initial_weights_have_the_same_reader_and_are_interpolated_to_the_recipes_images() {
    // torchvision's and transformers' networks are those of a recipe but for the perceptrons of 32 instead of 64.
    let error = {
        let read = read_encoder(&golden("torchvision"), &options(None), &Device::flex()).unwrap();
        recipe(&read.encoder).load_weights(&golden("torchvision"), None).unwrap_err().to_string()
    };
    assert!(error.contains("perceptrons of 32 hidden features"), "{error}");
    // The golden files of `vit_parity.rs` are a recipe's: from 12 pixels to 20, as `probe` reads them.
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/vit-token-3.safetensors");
    let mut state = StateDict::read(&own, None).unwrap();
    let mut tensors = NamedTensors::default();
    for info in state.keys().into_iter().filter(|info| info.key.starts_with("model.")) {
        let values = state.take(&info.key, &info.shape).unwrap();
        let data = Tensor::<1>::from_floats(values.as_slice(), &Device::flex());
        match *info.shape {
            [a] => tensors.add(&info.key, data.reshape([a])).unwrap(),
            [a, b] => tensors.add(&info.key, data.reshape([a, b])).unwrap(),
            [a, b, c] => tensors.add(&info.key, data.reshape([a, b, c])).unwrap(),
            [a, b, c, d] => tensors.add(&info.key, data.reshape([a, b, c, d])).unwrap(),
            _ => panic!("{info:?}"),
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vit.safetensors");
    write_tensors(&path, &tensors, HashMap::new()).unwrap();
    let config = EncoderConfig {
        arch: Architecture::Vit,
        width: 8,
        depth: Some(2),
        heads: Some(2),
        pool: Some(Pool::ClassToken),
        pixel_mean: 0.0,
        pixel_std: 1.0,
        ..EncoderConfig::default()
    };
    let shape = ImageShape { channels: 3, height: 20, width: 20 };
    let mut encoder =
        Encoder::new(&config, shape, &mut Stream::new(0, Purpose::Check, 0, 0), &Device::flex()).unwrap();
    encoder.load_weights(&path, None).unwrap();
    let got = read_floats(encoder.forward(images(2, 3, 20), zview_network::Mode::Evaluate)).unwrap();
    let read = read_encoder(&path, &options(Some(20)), &Device::flex()).unwrap();
    assert!(difference(&got, &features(&read.encoder, 20)) < 1e-6);
    // timm: VisionTransformer(img_size=12, patch_size=4, embed_dim=8, depth=2, num_heads=2, num_classes=0,
    // dynamic_img_size=True) with these weights, in double precision, on the same images of 20 pixels.
    assert!(difference(&got[..8], &VIT_TOKEN_3_AT_20) < TOLERANCE, "{got:?}");
}

const VIT_TOKEN_3_AT_20: [f32; 8] =
    [-0.925371, 1.282191, 0.559990, -1.499696, 0.699402, -1.109875, 0.163477, 1.097105];

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
fn a_norm_before_the_blocks_is_clips_with_its_epsilon_and_a_warning() {
    // The features of `layer-scale` are timm's with LayerNorm(eps=1e-5); with 1e-6 they are 4e-5 away.
    let read = read_encoder(&golden("layer-scale"), &options(None), &Device::flex()).unwrap();
    assert!(difference(&features(&read.encoder, 12), &expected("layer-scale", 12)) <= TOLERANCE);
    let warned = read.warnings().join("; ");
    assert!(warned.contains("norm_pre") && warned.contains("quick GELU"), "{warned}");
    let plain = read_encoder(&golden("mean-of-patches"), &options(None), &Device::flex()).unwrap();
    assert!(plain.warnings().is_empty(), "{:?}", plain.warnings());
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
fn blocks_that_normalise_after_their_parts_are_refused_by_name() {
    // timm's vit_base_patch16_rpn_224: ResPostBlock, qkv_bias=False, class_token=False, global_pool='avg'.
    let rpn = |key: &str| if key.ends_with("qkv.bias") { String::new() } else { key.to_owned() };
    let error = rewritten("fc-norm", rpn, &[]).error();
    assert!(error.contains("ResPostBlock") && error.contains("attn.qkv.bias"), "{error}");
}

#[test]
fn the_pooling_assumed_for_a_norm_of_features_beside_a_class_token_is_said() {
    let read = read_encoder(&golden("fc-norm-class-token"), &options(None), &Device::flex()).unwrap();
    let said = read.notes().join("; ");
    assert!(said.contains("the mean of the patches, as it has an `fc_norm` (--pool class-token"), "{said}");
}

#[test]
fn dinos_teacher_is_read_where_its_student_alone_is_parallel() {
    let student: [(&str, &[usize]); 3] = [
        ("student.module.backbone.patch_embed.proj.weight", &[16, 3, 4, 4]),
        ("student.module.head.mlp.0.weight", &[16]),
        ("dino_loss.center", &[1, 4]),
    ];
    let read = rewritten("mean-of-patches", |key| format!("teacher.backbone.{key}"), &student).read();
    assert!(difference(&features(&read.encoder, 12), &expected("mean-of-patches", 12)) <= TOLERANCE);
    assert!(read.warnings().is_empty(), "{:?}", read.warnings());
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
            let error = Written { options: options_of(name), ..rewritten(name, of_all(suffix), &[]) }.error();
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

/// A case of `../shared/cases`, or `None` with a word on standard output.
fn case(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases").join(name);
    if !path.exists() {
        println!("skipped: {} is absent", path.display());
        return None;
    }
    Some(path)
}

fn first_features(encoder: &FrozenEncoder) -> Vec<f32> {
    let mut features = read_floats(encoder.features(images(1, 1, 28))).unwrap();
    features.truncate(6);
    features
}

#[test]
fn the_cases_have_the_features_that_torch_computes() {
    // Their networks in torch (functional, stem 3x3 without pooling; timm's VisionTransformer with one head), in double
    // precision, on the image (37 i mod 101) / 101 of 1x28x28.
    let plain = [0.074_073, 0.0, 0.083_876, 0.048_745, 0.040_853, 0.310_258];
    let query = [0.0, 0.362_499, 0.0, 0.0, 0.027_321, 0.084_809];
    let key = [0.000_101, 0.003_035, 0.001_246, 0.000_886, 8.4e-5, 0.000_282];
    let vit = [-0.770_352, -0.918_048, -1.018_352, -0.402_913, -0.134_993, -0.070_774];
    let scaled = [-0.500_689, 1.972_592, -0.999_717, -0.133_91, 0.969_341, -2.157_673];
    for (name, branch, expected, words) in [
        ("e-plain/enc.pth", None, plain, "a head (`fc.bias`, `fc.weight`)"),
        ("e-lightly-seq/enc.pth", None, plain, "numbered children of torchvision's"),
        (
            "e-lightly-ckpt/lightly.ckpt",
            None,
            plain,
            "a projector (`state_dict.projection_head.layers.0.weight`)",
        ),
        ("e-moco/moco.pth.tar", None, query, "takes `state_dict.module.encoder_k`"),
        ("e-moco/moco.pth.tar", Some("encoder_k"), key, "takes `state_dict.module.encoder_q`"),
        ("e-ema/enc.pth", None, query, "takes `state_dict_ema`"),
        ("e-ema/enc.pth", Some("state_dict_ema"), key, "takes `state_dict`"),
        ("e-vit/enc.pth", None, vit, "tensors in timm's names"),
        ("e-vit-layerscale/enc.pth", None, scaled, "LayerScale"),
    ] {
        let Some(path) = case(name) else { continue };
        let heads = name.starts_with("e-vit").then_some(1);
        let options = ReadOptions { branch: branch.map(str::to_owned), heads, ..ReadOptions::default() };
        let read =
            read_encoder(&path, &options, &Device::flex()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let got = first_features(&read.encoder);
        assert!(difference(&got, &expected) <= 2e-6, "{name} {branch:?}: {got:?}");
        let said = read.notes().join("\n");
        assert!(said.contains(words), "{name}: {said}");
    }
}

#[test]
fn a_grouped_network_is_named_without_a_word_of_manifests() {
    let Some(path) = case("e-grouped/enc.pth") else { return };
    let error = load_encoder(&path, &Device::flex()).unwrap_err().to_string();
    assert!(error.contains("a grouped ResNet: `layer1.0.conv2.weight` has 1 inputs"), "{error}");
    assert!(error.contains("read are ResNets") && !error.contains("manifest"), "{error}");
}

#[test]
fn the_cases_start_a_run_as_they_are_probed() {
    let Some(path) = case("e-moco/moco.pth.tar") else { return };
    let config = EncoderConfig { width: 1, pixel_mean: 0.0, pixel_std: 1.0, ..EncoderConfig::default() };
    let shape = ImageShape { channels: 1, height: 28, width: 28 };
    let random = &mut Stream::new(0, Purpose::Check, 0, 0);
    let mut encoder = Encoder::new(&config, shape, random, &Device::flex()).unwrap();
    for (branch, first) in [(None, 0.362_499f32), (Some("encoder_k"), 0.003_035)] {
        let loaded = encoder.load_weights(&path, branch).unwrap();
        assert!(loaded.left_out.iter().any(|name| name.ends_with("queue")));
        let got = first_features(&FrozenEncoder::new(&encoder, &Device::flex()));
        assert!((got[1] - first).abs() < 2e-6, "{branch:?}: {got:?}");
    }
    let Some(path) = case("e-lightly-seq/enc.pth") else { return };
    let config = EncoderConfig { width: 2, ..config };
    let mut encoder = Encoder::new(&config, shape, random, &Device::flex()).unwrap();
    encoder.load_weights(&path, None).unwrap();
    let got = first_features(&FrozenEncoder::new(&encoder, &Device::flex()));
    assert!((got[0] - 0.074_073).abs() < 2e-6, "{got:?}");
    let Some(path) = case("e-vit-layerscale/enc.pth") else { return };
    let one_head = ReadOptions { heads: Some(1), ..ReadOptions::default() };
    let read = read_encoder(&path, &one_head, &Device::flex()).unwrap();
    let error = recipe(&read.encoder).load_weights(&path, None).unwrap_err().to_string();
    assert!(error.contains("it has LayerScale"), "{error}");
}
