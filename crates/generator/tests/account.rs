//! No tensor of a weights file is dropped in silence, and what stands in place of a hash or a manifest.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use zview_generator::{Draft, Generator, GeneratorError, InspectOptions, Manifest, inspect};
use zview_runtime::hash::sha256_of_file;
use zview_runtime::testing::shared;

/// A file with zeros under these names and shapes.
fn weights(folder: &Path, tensors: &[(&str, &[usize])]) -> PathBuf {
    let path = folder.join("weights.safetensors");
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|(_, shape)| vec![0; 4 * shape.iter().product::<usize>()]).collect();
    let views = tensors
        .iter()
        .zip(&bytes)
        .map(|((name, shape), bytes)| (*name, TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap()));
    std::fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
    path
}

/// Two linear layers to an image of 2 x 2.
fn manifest(folder: &Path, change: impl Fn(String) -> String) -> Manifest {
    let text = r#"
        name = "two"
        source = "test"
        licence = "none"
        weights = "weights.safetensors"
        sha256 = "compute"
        architecture = "sequential"
        latent = { dimension = 3, distribution = "normal" }
        output = { channels = 1, height = 2, width = 2, range = [-1.0, 1.0] }
        layers = [
            { kind = "linear", key = "g.fc1", inputs = 3, outputs = 4 },
            { kind = "batch-norm", key = "g.bn", channels = 4 },
            { kind = "relu" },
            { kind = "linear", key = "g.fc2", inputs = 4, outputs = 4 },
            { kind = "tanh" },
            { kind = "reshape", shape = [1, 2, 2] },
        ]
    "#;
    Manifest::parse(&folder.join("generator.toml"), &change(text.to_owned())).unwrap()
}

const OWN: [(&str, &[usize]); 9] = [
    ("g.fc1.weight", &[4, 3]),
    ("g.fc1.bias", &[4]),
    ("g.bn.weight", &[4]),
    ("g.bn.bias", &[4]),
    ("g.bn.running_mean", &[4]),
    ("g.bn.running_var", &[4]),
    ("g.bn.num_batches_tracked", &[]),
    ("g.fc2.weight", &[4, 4]),
    ("g.fc2.bias", &[4]),
];

/// Loads a file with its own tensors and `others`.
fn load(others: &[(&str, &[usize])], change: impl Fn(String) -> String) -> Result<Generator, GeneratorError> {
    let folder = tempfile::tempdir().unwrap();
    weights(folder.path(), &[&OWN[..], others].concat());
    Generator::load(&manifest(folder.path(), change), None, &Device::flex())
}

fn refused(others: &[(&str, &[usize])], from: &str, to: &str) -> String {
    match load(others, |text| text.replace(from, to)) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("loaded with {others:?} and {to}"),
    }
}

#[test]
fn a_bias_that_the_manifest_denies_and_a_layer_that_it_leaves_out_are_named() {
    let bias = refused(
        &[],
        "outputs = 4 },\n            { kind = \"tanh\"",
        "outputs = 4, bias = false },\n            { kind = \"tanh\"",
    );
    assert!(bias.contains("`g.fc2.bias` [4]: `layers[3]` (linear) says `bias = false`"), "{bias}");
    assert!(bias.contains("images would not be its network's"), "{bias}");
    let affine = refused(&[], "channels = 4", "channels = 4, affine = false");
    assert!(affine.contains("`g.bn.bias` [4]: `layers[1]` (batch-norm) says `affine = false`"), "{affine}");
    let layer = refused(&[], "{ kind = \"batch-norm\", key = \"g.bn\", channels = 4 },", "");
    assert!(
        layer.contains("`g.bn.` (bias [4]") && layer.contains("no layer has this key; add the layer"),
        "{layer}"
    );
    let middle = refused(&[("g.fc3.weight", &[4, 4]), ("g.fc3.bias", &[4])], "", "");
    assert!(middle.contains("`g.fc3.` (bias [4], weight [4, 4]): no layer has this key"), "{middle}");
    assert!(middle.contains("write `ignore = [\"g.fc3.\"]`"), "{middle}");
    let other = refused(&[("g.fc1.scale", &[4])], "", "");
    assert!(
        other.contains("`layers[0]` (linear) has no such tensor; is it a layer of another kind?"),
        "{other}"
    );
    let top = refused(&[("mapping.weight", &[3, 3]), ("stray", &[3])], "", "");
    assert!(top.contains("`mapping.` (weight [3, 3])") && top.contains("`stray` [3]"), "{top}");
}

#[test]
fn another_network_in_the_file_is_told_and_not_refused() {
    let others: [(&str, &[usize]); 3] =
        [("discriminator.0.weight", &[1, 4]), ("discriminator.0.bias", &[1]), ("fixed_noise", &[8, 3])];
    let generator = load(&others, |text| text).unwrap();
    let told: Vec<(&str, usize)> =
        generator.unneeded().iter().map(|one| (one.prefix.as_str(), one.tensors)).collect();
    assert_eq!(told, [("discriminator.", 2), ("fixed_noise", 1), ("num_batches_tracked", 1)]);
    let copy: Vec<(String, &[usize])> =
        OWN.iter().map(|(key, shape)| (key.replacen("g.", "g_ema.", 1), *shape)).collect();
    let copy: Vec<(&str, &[usize])> = copy.iter().map(|(key, shape)| (key.as_str(), *shape)).collect();
    assert!(
        load(&copy, |text| text).unwrap().unneeded()[0].reason.contains("another copy of the same network")
    );
    let part = refused(&copy[..3], "", "");
    assert!(part.contains("`g_ema.`"), "{part}");
}

#[test]
fn ignore_names_what_belongs_elsewhere_and_nothing_else() {
    let others: [(&str, &[usize]); 2] = [("g.head.weight", &[4, 4]), ("e.weight", &[2])];
    let ignoring = |list: &str| {
        let list = format!("architecture = \"sequential\"\n ignore = {list}");
        load(&others, move |text| text.replace("architecture = \"sequential\"", &list))
            .map_err(|e| e.to_string())
    };
    assert!(ignoring("[\"g.head.\", \"e.\"]").is_ok());
    let one = ignoring("[\"g.head.\"]").unwrap_err();
    assert!(one.contains("`e.` (weight [2])") && !one.contains("g.head"), "{one}");
    let own = ignoring("[\"g.\", \"e.\"]").unwrap_err();
    assert!(own.contains("`ignore = [\"g.\"]` of the manifest: a layer takes `g.bn.bias`"), "{own}");
    let none = ignoring("[\"g.head.\", \"e.\", \"f.\"]").unwrap_err();
    assert!(
        none.contains("`ignore = [\"f.\"]` of the manifest: no tensor of the file begins with it"),
        "{none}"
    );
}

#[test]
fn a_hash_that_is_not_known_yet_is_computed() {
    let folder = tempfile::tempdir().unwrap();
    let path = weights(folder.path(), &OWN);
    let manifest = manifest(folder.path(), |text| text);
    assert_eq!(manifest.pinned_sha256(), None);
    let expected = sha256_of_file(&path).unwrap();
    assert_eq!(manifest.weights_sha256().unwrap(), expected);
    let found = inspect(&manifest, &InspectOptions::default(), &Device::flex()).unwrap();
    assert_eq!(found.sha256, expected);
    assert!(found.unneeded.iter().all(|one| one.prefix == "num_batches_tracked"));
    let pinned = Manifest { sha256: expected.to_uppercase(), ..manifest.clone() };
    assert_eq!(Generator::load(&pinned, None, &Device::flex()).unwrap().sha256(), expected);
    let wrong = Manifest { sha256: "0".repeat(64), ..manifest };
    assert!(Generator::load(&wrong, None, &Device::flex()).is_err());
}

#[test]
fn a_reference_gives_a_verdict_and_one_that_cannot_be_compared_is_named() {
    let folder = tempfile::tempdir().unwrap();
    weights(folder.path(), &OWN);
    let manifest = manifest(folder.path(), |text| text);
    // All weights are 0, so are the images.
    let reference = |tensors: &[(&str, Vec<usize>, f32)]| {
        let path = folder.path().join("other.safetensors");
        let bytes: Vec<Vec<u8>> = tensors
            .iter()
            .map(|(_, shape, value)| value.to_le_bytes().repeat(shape.iter().product::<usize>()))
            .collect();
        let views = tensors.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
            (*name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
        });
        std::fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
        let options = InspectOptions { reference: Some(&path), ..InspectOptions::default() };
        inspect(&manifest, &options, &Device::flex())
    };
    let (z, x) = (vec![5, 3], vec![5, 1, 2, 2]);
    let equal = reference(&[("z", z.clone(), 1.0), ("x", x.clone(), 0.000_05)]).unwrap();
    assert_eq!((equal.reference_equal, equal.tolerance), (Some(true), Some(1e-4)));
    let apart = reference(&[("z", z.clone(), 1.0), ("x", x.clone(), 0.001)]).unwrap();
    assert_eq!(apart.reference_equal, Some(false));
    assert!((apart.reference.unwrap().max_abs_error - 0.001).abs() < 1e-6);
    let refused = |tensors: &[(&str, Vec<usize>, f32)], message: &str| {
        let error = reference(tensors).unwrap_err();
        assert!(matches!(error, GeneratorError::Reference { .. }), "{error}");
        assert!(error.to_string().contains(message), "{error}");
    };
    refused(
        &[("latents", z.clone(), 1.0), ("x", x.clone(), 0.0)],
        "`z`: expected shape [B, 3] or [B, 3, 1, 1], got no such tensor among `latents` [5, 3], `x` [5, 1, 2, 2]",
    );
    refused(
        &[("z", vec![5, 4], 1.0), ("x", x.clone(), 0.0)],
        "`z`: expected shape [B, 3] or [B, 3, 1, 1], got shape [5, 4]",
    );
    refused(
        &[("z", z.clone(), 1.0), ("images", x, 0.0)],
        "`x`: expected shape [5, 1, 2, 2], got no such tensor among `images`",
    );
    refused(
        &[("z", z, 1.0), ("image", vec![5, 2, 2, 1], 0.0)],
        "`image`: expected shape [5, 1, 2, 2], got shape [5, 2, 2, 1]",
    );
}

#[test]
fn a_weights_file_gives_the_draft_of_its_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let path = weights(
        folder.path(),
        &[
            ("label_emb.weight", &[10, 6]),
            ("l1.0.weight", &[128, 16]),
            ("l1.0.bias", &[128]),
            ("net.2.weight", &[8, 12, 4, 4]),
            ("net.3.weight", &[12]),
            ("net.3.bias", &[12]),
            ("net.3.running_mean", &[12]),
            ("net.3.running_var", &[12]),
            ("net.10.weight", &[3, 12, 3, 3]),
            ("net.10.bias", &[3]),
        ],
    );
    let draft = Draft::of(&path).unwrap();
    assert_eq!(draft.keys.last().unwrap().key, "net.10.weight", "numbers are in order");
    let value: toml::Table =
        draft.manifest.parse().unwrap_or_else(|error| panic!("{error}:\n{}", draft.manifest));
    assert_eq!(value["sha256"].as_str().unwrap(), sha256_of_file(&path).unwrap());
    assert_eq!(value["latent"]["dimension"].as_integer(), Some(16));
    let kinds: Vec<&str> =
        value["layers"].as_array().unwrap().iter().map(|layer| layer["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["linear", "condition", "conv-transpose", "batch-norm", "conv"]);
    let up = &value["layers"][2];
    assert_eq!(
        (up["in"].as_integer(), up["out"].as_integer(), up["bias"].as_bool()),
        (Some(8), Some(12), Some(false))
    );
    let conv = &value["layers"][4];
    assert_eq!((conv["in"].as_integer(), conv["out"].as_integer()), (Some(12), Some(3)));
}

/// A manifest that said `bias = false` of layers that have biases drew images that were off by 2.0.
#[test]
fn the_published_manifests_denied_their_biases_are_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/generators");
    for (name, from, to) in [
        ("mnist-gan-mlp", "outputs = 256\n", "outputs = 256\nbias = false\n"),
        ("mnist-cwgangp-conv", "bias = true", "bias = false"),
        ("faces32-dcgan", "bias = true", "bias = false"),
        ("mnist-vae", "ignore = [\"fc1.\", \"fc21.\", \"fc22.\"]", "ignore = [\"fc1.\"]"),
        ("mnist-vae", "ignore = [\"fc1.\", \"fc21.\", \"fc22.\"]", ""),
    ] {
        let path = folder.join(format!("{name}.toml"));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{name}");
        let manifest = Manifest::parse(&path, &text.replacen(from, to, 1)).unwrap();
        let Some(_) = shared(manifest.weights_path()) else { return };
        let error = Generator::load(&manifest, None, &Device::flex()).unwrap_err();
        assert!(matches!(error, GeneratorError::Unaccounted { .. }), "{name}: {error}");
    }
}

#[test]
fn directions_in_latents_that_are_not_normal_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    weights(folder.path(), &OWN);
    let uniform = |text: String| text.replace("\"normal\"", "\"uniform\"");
    let generator = Generator::load(&manifest(folder.path(), uniform), None, &Device::flex()).unwrap();
    let error =
        zview_generator::directions::factorised_directions(&generator, zview_generator::LatentSpace::Z, 1)
            .unwrap_err()
            .to_string();
    assert!(error.contains("latents of the generator `two` are not standard normal"), "{error}");
    // Views of other kinds are drawn.
    let views = zview_generator::ViewsConfig::default();
    let mut sampler =
        zview_generator::LatentSampler::new(&views, zview_generator::AnchorsConfig::default(), &generator)
            .unwrap();
    let batch = sampler.sample(&generator, 0, 0, (0, 50)).unwrap();
    assert!(batch.latents.iter().all(|z| z.abs() <= 1.0) && batch.latents.iter().any(|z| z.abs() > 0.9));
    assert_eq!(generator.render(&batch).unwrap().dims(), [100, 1, 2, 2]);
    let _: Tensor<4> = generator.raw_image_from_latent(Tensor::zeros([2, 3], &Device::flex()), None).unwrap();
}

#[test]
fn a_tensor_of_a_type_that_no_weights_have_is_told_and_not_refused() {
    let folder = tempfile::tempdir().unwrap();
    let zeros = [0; 64];
    let own = OWN.iter().map(|(name, shape)| ((*name).to_owned(), Dtype::F32, shape.to_vec()));
    let file = |others: &[(&str, Dtype)], prefix: &str| {
        let all = own.clone().map(|(name, dtype, shape)| (format!("{prefix}{name}"), dtype, shape));
        let others = others.iter().map(|(name, dtype)| ((*name).to_owned(), *dtype, vec![2]));
        let views = all.chain(others).map(|(name, dtype, shape)| {
            let bytes = dtype.bitsize() / 8 * shape.iter().product::<usize>();
            (name, TensorView::new(dtype, shape, &zeros[..bytes]).unwrap())
        });
        let bytes = safetensors::serialize(views, None).unwrap();
        std::fs::write(folder.path().join("weights.safetensors"), bytes).unwrap();
        Generator::load(&manifest(folder.path(), |text| text), None, &Device::flex())
    };
    let others = [("fft", Dtype::C64), ("ids", Dtype::I64), ("mask", Dtype::BOOL), ("bytes", Dtype::U8)];
    let generator = file(&others, "").unwrap_or_else(|error| panic!("{error}"));
    let fft = generator.unneeded().iter().find(|one| one.prefix == "fft").unwrap();
    assert_eq!(fft.reason, "holds complex64, which no layer's weights do");
    for dtype in [Dtype::BF16, Dtype::F16, Dtype::F8_E4M3] {
        let Err(error) = file(&[("fft", dtype)], "") else { panic!("{dtype:?}") };
        assert!(error.to_string().contains("`fft` [2]: no layer has this key"), "{error}");
    }
    // torch.optim.swa_utils.AveragedModel(network).state_dict()
    let averaged = file(&[("n_averaged", Dtype::I64)], "module.").unwrap_or_else(|error| panic!("{error}"));
    let count = averaged.unneeded().iter().find(|one| one.prefix == "n_averaged").unwrap();
    assert_eq!(count.reason, "a count of averaged models");
}

#[test]
fn tensors_beside_the_dictionary_that_was_read_are_told_and_what_lies_in_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = |others: &[(&'static str, &'static [usize])]| {
        let own: Vec<(String, &[usize])> =
            OWN.iter().map(|(name, shape)| (format!("state_dict.{name}"), *shape)).collect();
        let own = own.iter().map(|(name, shape)| (name.as_str(), *shape));
        weights(folder.path(), &own.chain(others.iter().copied()).collect::<Vec<_>>());
        Generator::load(&manifest(folder.path(), |text| text), None, &Device::flex())
    };
    let generator = file(&[("losses", &[5]), ("mu", &[2])]).unwrap_or_else(|error| panic!("{error}"));
    let losses = generator.unneeded().iter().find(|one| one.prefix == "losses").unwrap();
    assert_eq!(losses.reason, "beside `state_dict`, which was read");
    let Err(error) = file(&[("losses", &[5]), ("state_dict.g.fc3.bias", &[4])]) else { panic!() };
    assert!(error.to_string().contains("fc3") && !error.to_string().contains("losses"), "{error}");
}

#[test]
fn the_complex_buffer_of_the_case_is_told_and_not_refused() {
    let Some(path) = shared("cases/w-complex/generator.toml") else { return };
    let text = std::fs::read_to_string(&path).unwrap();
    let manifest = Manifest::parse(&path, &text).unwrap();
    let generator = Generator::load(&manifest, None, &Device::flex()).unwrap_or_else(|e| panic!("{e}"));
    assert!(generator.unneeded().iter().any(|one| one.prefix == "fft" && one.reason.contains("complex64")));
}
