//! Features of other libraries' networks, and initial weights read from them.

use super::*;

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
pub fn recipe(encoder: &FrozenEncoder) -> Encoder {
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
