//! Every architecture against what the original code makes of the same weights, and against files that do not fit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Int, Tensor, TensorData};
use zview_generator::architectures::Architecture;
use zview_generator::{Generator, Manifest};
use zview_network::weights::StateDict;
use zview_runtime::device::{on_test_devices, read_floats};
use zview_runtime::hash::sha256_of_file;
use zview_runtime::testing::shared;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The manifest of `name` with `changes` to its text, or `None` where the files are not on this machine.
fn manifest(name: &str, changes: &[(&str, &str)]) -> Option<Manifest> {
    let path = root().join("configs/generators/parity").join(format!("{name}.toml"));
    let mut text = std::fs::read_to_string(&path).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let manifest = Manifest::parse(&path, &text).unwrap_or_else(|error| panic!("{error}"));
    shared(manifest.weights_path()).map(|_| manifest)
}

/// The reference beside the weights of a manifest.
struct Reference {
    file: StateDict,
    device: Device,
    name: String,
}

impl Reference {
    fn of(manifest: &Manifest, device: &Device) -> Self {
        let path = manifest.weights_path().with_file_name("reference.safetensors");
        Self {
            file: StateDict::read(&path, None).unwrap(),
            device: device.clone(),
            name: manifest.name.clone(),
        }
    }

    fn values(&mut self, key: &str) -> (Vec<f32>, Vec<usize>) {
        let shape = self.file.shape(key).unwrap_or_else(|| panic!("{key}")).to_vec();
        (self.file.take(key, &shape).unwrap(), shape)
    }

    /// (B, D), each value divided by `scale`.
    fn latents(&mut self, key: &str, scale: f32) -> Tensor<2> {
        let (values, shape) = self.values(key);
        let values: Vec<f32> = values.iter().map(|value| value / scale).collect();
        let rows = shape[0];
        let width = values.len() / rows;
        Tensor::from_data(TensorData::new(values, [rows, width]), &self.device)
    }

    fn classes(&mut self, key: &str) -> Tensor<1, Int> {
        let count = self.file.shape(key).unwrap()[0];
        let classes = self.file.take_integers(key, &[count]).unwrap();
        Tensor::from_data(TensorData::new(classes, [count]), &self.device)
    }

    /// The largest difference of `got` from the tensor `key`; must be below 1e-4 on the CPU and 1e-3 elsewhere.
    fn check<const R: usize>(&mut self, key: &str, got: Tensor<R>, on: &str) {
        let (expected, shape) = self.values(key);
        assert_eq!(got.dims().to_vec(), shape, "{key}");
        let got = read_floats(got).unwrap();
        let differences = got.iter().zip(&expected).map(|(got, expected)| (got - expected).abs());
        let error = differences.fold(0.0, |most, one: f32| if one.is_nan() { one } else { most.max(one) });
        eprintln!("{} {key} on {on}: max abs error {error:.1e}", self.name);
        let allowed = if on == "cpu" { 1e-4 } else { 1e-3 };
        assert!(error < allowed, "{} {key} on {on}: {error}", self.name);
    }
}

fn network(manifest: &Manifest, device: &Device) -> Box<dyn Architecture> {
    let mut state_dict = StateDict::read(&manifest.weights_path(), manifest.state_dict.as_deref()).unwrap();
    manifest.architecture.build(manifest, &mut state_dict, device).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn dcgan_64_equals_its_reference() {
    let Some(manifest) = manifest("dcgan-64", &[]) else { return };
    on_test_devices(|on, device| {
        let mut reference = Reference::of(&manifest, device);
        let z = reference.latents("z", 1.0);
        reference.check("image", network(&manifest, device).render(z, None).unwrap(), on);
    });
}

#[test]
fn stylegan2_equals_its_reference_in_z_and_in_w() {
    let Some(manifest) = manifest("stylegan2-rosinality", &[]) else { return };
    on_test_devices(|on, device| {
        let mut reference = Reference::of(&manifest, device);
        let network = network(&manifest, device);
        let z = reference.latents("z", 1.0);
        reference.check("image", network.render(z.clone(), None).unwrap(), on);
        let space = network.intermediate().unwrap();
        assert_eq!(space.dimension(), 64);
        reference.check("w", space.w_from_z(z), on);
        let z2 = reference.latents("z2", 1.0);
        reference.check("w2", space.w_from_z(z2), on);
        let w = reference.latents("w_in", 1.0);
        reference.check("image_w", space.raw_image_from_w(w), on);
    });
}

#[test]
fn stylegan2_truncates_about_the_mean_latent_and_can_leave_the_noise_out() {
    let end = "range = [-1.0, 1.0]\n";
    let truncated = format!("{end}[options]\ntruncation = 0.7\n");
    let noiseless = format!("{end}[options]\nnoise = \"none\"\n");
    let Some(truncated) = manifest("stylegan2-rosinality", &[(end, &truncated)]) else { return };
    let Some(noiseless) = manifest("stylegan2-rosinality", &[(end, &noiseless)]) else { return };
    on_test_devices(|on, device| {
        let mut reference = Reference::of(&truncated, device);
        let z = reference.latents("z", 1.0);
        let image = network(&truncated, device).render(z.clone(), None).unwrap();
        reference.check("image_t0.7", image, on);
        let image = network(&noiseless, device).render(z, None).unwrap();
        reference.check("image_nonoise", image, on);
    });
}

#[test]
fn biggan_deep_equals_its_reference_at_every_truncation() {
    for t in ["0.4", "1.0", "0.427", "0.58"] {
        let option = format!("truncation = {t}");
        let Some(manifest) = manifest("biggan-deep", &[("truncation = 0.4", &option)]) else { return };
        let check = |on: &str, device: &Device| {
            let mut reference = Reference::of(&manifest, device);
            // The reference's latents are scaled by t already.
            let z = reference.latents(&format!("z_t{t}"), t.parse().unwrap());
            let classes = reference.classes(&format!("y_t{t}"));
            let image = network(&manifest, device).render(z, Some(classes)).unwrap();
            reference.check(&format!("image_t{t}"), image, on);
        };
        // What a truncation changes is worked out on the CPU.
        if t == "0.4" { on_test_devices(check) } else { check("cpu", &Device::flex()) }
    }
}

#[test]
fn bigbigan_equals_its_reference_with_class_0_and_with_another() {
    let latent = "[latent]";
    let Some(plain) = manifest("bigbigan", &[]) else { return };
    let conditional = manifest("bigbigan", &[(latent, "[condition]\nclasses = 10\n[latent]")]).unwrap();
    on_test_devices(|on, device| {
        let mut reference = Reference::of(&plain, device);
        let z = reference.latents("z", 1.0);
        reference.check("image", network(&plain, device).render(z, None).unwrap(), on);
        let (z, y) = (reference.latents("z_b", 1.0), reference.classes("y_b"));
        reference.check("image_b", network(&conditional, device).render(z, Some(y)).unwrap(), on);
    });
}

const NAMES: [&str; 4] = ["dcgan-64", "stylegan2-rosinality", "biggan-deep", "bigbigan"];

/// A random latent for each row, and class 0 to 9 by row where there are classes.
fn drawn(manifest: &Manifest, rows: usize) -> (Tensor<2>, Option<Tensor<1, Int>>) {
    let device = Device::flex();
    let z = (0..rows * manifest.latent.dimension).map(|index| (index as f32 * 1.7).sin()).collect::<Vec<_>>();
    let z = Tensor::from_data(TensorData::new(z, [rows, manifest.latent.dimension]), &device);
    let classes: Vec<i32> = (0..rows as i32).map(|row| row % 10).collect();
    (z, manifest.classes().map(|_| Tensor::from_data(TensorData::new(classes, [rows]), &device)))
}

/// Every image is drawn by itself: nothing of its neighbours in the batch reaches it.
#[test]
fn an_image_does_not_depend_on_its_batch() {
    for manifest in NAMES.iter().filter_map(|name| manifest(name, &[])) {
        let network = network(&manifest, &Device::flex());
        let (z, classes) = drawn(&manifest, 3);
        let all = network.render(z.clone(), classes.clone()).unwrap();
        let last = classes.map(|classes| classes.narrow(0, 2, 1));
        let alone = network.render(z.narrow(0, 2, 1), last).unwrap();
        let (all, alone) = (read_floats(all.narrow(0, 2, 1)).unwrap(), read_floats(alone).unwrap());
        assert!(all.iter().zip(&alone).all(|(a, b)| (a - b).abs() < 1e-5), "{}", manifest.name);
    }
}

/// The first layer by its own result in the reference, without the bias and what a class adds.
#[test]
fn the_first_layer_is_what_a_latent_is_first_multiplied_with() {
    let device = Device::flex();
    let weights = |manifest: &Manifest, key: &str| {
        let mut file = StateDict::read(&manifest.weights_path(), manifest.state_dict.as_deref()).unwrap();
        let shape = file.shape(key).unwrap().to_vec();
        (file.take(key, &shape).unwrap(), shape)
    };
    let vector = |manifest: &Manifest, key: &str| {
        let values = weights(manifest, key).0;
        let count = values.len();
        Tensor::<2>::from_data(TensorData::new(values, [1, count]), &device)
    };
    if let Some(manifest) = manifest("dcgan-64", &[]) {
        let mut reference = Reference::of(&manifest, &device);
        let z = reference.latents("z", 1.0).narrow(0, 0, 2);
        let first = network(&manifest, &device).first_layer().unwrap();
        assert_eq!(first.dims(), [100, 128 * 4 * 4]);
        reference.check("act.main.0", z.matmul(first).reshape([2, 128, 4, 4]), "cpu");
    }
    if let Some(manifest) = manifest("bigbigan", &[]) {
        let mut reference = Reference::of(&manifest, &device);
        let z = reference.latents("z", 1.0).narrow(0, 0, 1);
        let first = network(&manifest, &device).first_layer().unwrap();
        assert_eq!(first.dims(), [120, 2048]);
        reference.check("act.linear", z.matmul(first) + vector(&manifest, "linear.bias"), "cpu");
    }
    if let Some(manifest) = manifest("biggan-deep", &[]) {
        let mut reference = Reference::of(&manifest, &device);
        let z = reference.latents("z_t0.4", 0.4).narrow(0, 0, 1);
        let first = network(&manifest, &device).first_layer().unwrap();
        let (all, shape) = weights(&manifest, "generator.gen_z.weight_orig");
        let all = Tensor::<2>::from_data(TensorData::new(all, [shape[0], shape[1]]), &device).transpose();
        // The half that sees the class, with the factor that the spectral norm has given the other half.
        let of_z = all.clone().narrow(0, 0, 16);
        let factor = read_floats(first.clone().sum() / of_z.sum()).unwrap()[0] / 0.4;
        let class = reference.latents("cond_t0.4", 1.0).narrow(0, 0, 1).narrow(1, 16, 16);
        let added = class.matmul(all.narrow(0, 16, 16)) * factor;
        let bias = vector(&manifest, "generator.gen_z.bias");
        reference.check("act.gen_z", z.matmul(first) + added + bias, "cpu");
    }
    if let Some(manifest) = manifest("stylegan2-rosinality", &[]) {
        let mut reference = Reference::of(&manifest, &device);
        let network = network(&manifest, &device);
        assert!(network.first_layer().is_none(), "z is normalised first");
        let w = reference.latents("w", 1.0).narrow(0, 0, 2);
        // Behind the two styles at 4 x 4, of 48 channels each.
        let styles = w.matmul(network.intermediate().unwrap().first_layer());
        assert_eq!(styles.dims(), [2, 6 * 48 + 3 * 32 + 2 * 24]);
        let bias = vector(&manifest, "convs.0.conv.modulation.bias");
        reference.check("act.convs.0.conv.modulation", styles.narrow(1, 96, 48) + bias, "cpu");
    }
}

/// The message with which the weights of a manifest with `changes` are refused.
fn refused(name: &str, changes: &[(&str, &str)]) -> Option<String> {
    let manifest = manifest(name, changes)?;
    match Generator::load(&manifest, None, &Device::flex()) {
        Err(error) => Some(error.to_string()),
        Ok(_) => panic!("{name} was loaded with {changes:?}"),
    }
}

#[test]
fn a_checkpoint_of_another_architecture_is_named() {
    for (index, name) in NAMES.iter().enumerate() {
        let other = NAMES[(index + 1) % NAMES.len()];
        let (Some(good), Some(wrong)) = (manifest(name, &[]), manifest(other, &[])) else { return };
        let manifest =
            Manifest { weights: wrong.weights.clone(), state_dict: wrong.state_dict.clone(), ..good.clone() };
        let sha256 = sha256_of_file(&manifest.weights_path()).unwrap();
        let manifest = Manifest { sha256, ..manifest };
        let error = Generator::load(&manifest, None, &Device::flex()).unwrap_err().to_string();
        let (expected, got) = (good.architecture.name(), wrong.architecture.name());
        assert!(error.contains(&format!("expected a checkpoint of `{expected}`")), "{error}");
        assert!(error.contains(&format!("got one of `{got}`")) && error.contains("tensor `"), "{error}");
    }
    // Weights of none of them, and a dictionary that was not named.
    if let Some(good) = manifest("dcgan-64", &[]) {
        let embedded = root().join("assets/generators/glyphs-gan/generator-00006000.safetensors");
        let manifest = Manifest { sha256: sha256_of_file(&embedded).unwrap(), ..good };
        let error = Generator::load(&manifest, Some(&embedded), &Device::flex()).unwrap_err().to_string();
        assert!(error.contains("no tensor `main.12.weight`"), "{error}");
    }
    // The one dictionary that the weights lie in is found without being named; a wrong name is not.
    if let Some(named) = manifest("stylegan2-rosinality", &[("state_dict = \"g_ema\"", "")]) {
        Generator::load(&named, None, &Device::flex()).unwrap();
    }
    let wrong = ("state_dict = \"g_ema\"", "state_dict = \"g_emma\"");
    if let Some(error) = refused("stylegan2-rosinality", &[wrong]) {
        assert!(error.contains("there is no `g_emma`") && error.contains("`g_ema`"), "{error}");
    }
}

#[test]
fn sizes_that_are_not_the_checkpoints_are_named_by_key() {
    let cases = [
        (
            "biggan-deep",
            "classes = 10",
            "classes = 12",
            "`embeddings.weight` has shape [16, 10], expected [16, 12]",
        ),
        (
            "biggan-deep",
            "dimension = 16",
            "dimension = 32",
            "`embeddings.weight` has shape [16, 10], expected [32, 10]",
        ),
        (
            "biggan-deep",
            "= 128",
            "= 256",
            "`generator.layers.5.conv_3.weight_orig` has shape [32, 16, 1, 1], expected [64, 16, 1, 1]",
        ),
        (
            "bigbigan",
            "dimension = 120",
            "dimension = 60",
            "`linear.weight` has shape [2048, 20], expected [2048, 10]",
        ),
        (
            "bigbigan",
            "[latent]",
            "[condition]\nclasses = 12\n[latent]",
            "`shared.weight` has shape [10, 32], expected [12, any]",
        ),
        (
            "dcgan-64",
            "dimension = 100",
            "dimension = 64",
            "`main.0.weight` has shape [100, 128, 4, 4], expected [64, 128, 4, 4]",
        ),
        (
            "dcgan-64",
            "channels = 3",
            "channels = 1",
            "`main.12.weight` has shape [16, 3, 4, 4], expected [any, 1, 4, 4]",
        ),
        (
            "stylegan2-rosinality",
            "dimension = 64",
            "dimension = 32",
            "`style.1.weight` has shape [64, 64], expected [32, 32]",
        ),
        ("stylegan2-rosinality", "= 32", "= 64", "no tensor `convs.6.conv.weight`"),
        (
            "stylegan2-rosinality",
            "= 32",
            "= 16",
            "`convs.4.conv.weight` has shape [1, 24, 32, 3, 3], expected no such tensor for images of 16 x 16",
        ),
    ];
    for (name, from, to, message) in cases {
        let Some(error) = refused(name, &[(from, to)]) else { return };
        assert!(error.contains(message), "{name} {to}: {error}");
    }
}

#[test]
fn manifests_that_an_architecture_cannot_work_with_are_refused() {
    let problem = |name: &str, from: &str, to: &str| {
        let path = root().join("configs/generators/parity").join(format!("{name}.toml"));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        Manifest::parse(&path, &text.replace(from, to)).unwrap_err().to_string()
    };
    let end = "range = [-1.0, 1.0]\n";
    let options = |option: &str| format!("{end}[options]\n{option}\n");
    let cases = [
        (
            "dcgan-64",
            end,
            options("truncation = 0.5"),
            "`options.truncation`: not an option of `dcgan-64`; it has none",
        ),
        ("bigbigan", end, options("noise = \"none\""), "`options.noise`: not an option of `bigbigan`"),
        (
            "biggan-deep",
            "truncation = 0.4",
            "noise = \"none\"".to_owned(),
            "`options.noise`: not an option of `biggan-deep`; it has `truncation`",
        ),
        (
            "biggan-deep",
            "truncation = 0.4",
            "truncation = 1.5".to_owned(),
            "`options.truncation`: expected above 0 up to 1, got 1.5",
        ),
        ("biggan-deep", "truncation = 0.4", "truncatoin = 0.4".to_owned(), "did you mean `truncation`?"),
        ("biggan-deep", "[condition]\nclasses = 10", String::new(), "`biggan-deep` is conditional"),
        (
            "biggan-deep",
            "= 128",
            "= 64".to_owned(),
            "makes images of 128 x 128, 256 x 256, 512 x 512, got 64 x 64",
        ),
        ("bigbigan", "dimension = 120", "dimension = 100".to_owned(), "expected a multiple of 6, got 100"),
        ("bigbigan", "channels = 3", "channels = 1".to_owned(), "makes images of 3 channels, got 1"),
        (
            "dcgan-64",
            "[latent]",
            "[condition]\nclasses = 2\n[latent]".to_owned(),
            "`dcgan-64` is unconditional",
        ),
        (
            "dcgan-64",
            end,
            "range = [0.0, 1.0]\n".to_owned(),
            "expected [-1.0, 1.0] as the last layer of `dcgan-64` gives",
        ),
        ("dcgan-64", end, format!("{end}[[layers]]\nkind = \"tanh\"\n"), "[[layers]]: only `architecture"),
        ("stylegan2-rosinality", end, options("noise = \"random\""), "random"),
        ("stylegan2-rosinality", end, options("truncation = 0.0"), "expected above 0 up to 1 (none), got 0"),
    ];
    for (name, from, to, message) in cases {
        let error = problem(name, from, &to);
        assert!(error.contains(message), "{name} {to}: {error}");
    }
}
