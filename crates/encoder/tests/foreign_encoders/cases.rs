//! Files that users reported, against torch.

use super::*;

/// A case of `../shared/cases`.
fn case(name: &str) -> Option<PathBuf> {
    zview_runtime::testing::shared(Path::new("cases").join(name))
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
