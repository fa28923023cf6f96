//! Generators in ONNX files: the same images as natively and as PyTorch's, and what is wrong with others.
#![cfg(feature = "onnx")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Int, Tensor};
use zview_generator::{Generator, Manifest, compare_with_reference};
use zview_runtime::device::read_floats;
use zview_runtime::hash::sha256_of_file;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/onnx").join(name)
}

/// A manifest of the file at `weights`; `more` are further sections.
fn manifest(weights: &Path, architecture: &str, image: [usize; 2], more: &str) -> Result<Manifest, String> {
    let sha256 = sha256_of_file(weights).unwrap();
    let [side, dimension] = image;
    let range = if side == 2 { "[0.0, 1.0]" } else { "[-1.0, 1.0]" };
    let text = format!(
        "name = \"tiny\"\nsource = \"a test\"\nlicence = \"none\"\nweights = '{}'\nsha256 = \"{sha256}\"\n\
         architecture = \"{architecture}\"\nlatent = {{ dimension = {dimension}, distribution = \"normal\" }}\n\
         output = {{ channels = 1, height = {side}, width = {side}, range = {range} }}\n{more}",
        weights.display()
    );
    Manifest::parse(Path::new("generator.toml"), &text).map_err(|error| error.to_string())
}

fn load(name: &str, image: [usize; 2], more: &str) -> Result<Generator, String> {
    let manifest = manifest(&golden(name), "onnx", image, more)?;
    Generator::load(&manifest, None, &Device::flex()).map_err(|error| error.to_string())
}

const LAYERS: &str = "[[layers]]\nkind = \"reshape\"\nshape = [4, 1, 1]\n\
    [[layers]]\nkind = \"conv-transpose\"\nkey = \"net.0\"\nin = 4\nout = 8\nkernel = 4\nbias = false\n\
    [[layers]]\nkind = \"batch-norm\"\nkey = \"net.1\"\nchannels = 8\n[[layers]]\nkind = \"relu\"\n\
    [[layers]]\nkind = \"conv-transpose\"\nkey = \"net.3\"\nin = 8\nout = 1\nkernel = 4\nstride = 2\npadding = 1\n\
    [[layers]]\nkind = \"tanh\"\n";
const INDEX: &str = "[condition]\nclasses = 3\n[onnx]\nclass = \"y\"\n";
const ONE_HOT: &str = "[condition]\nclasses = 3\n[onnx]\nclass = \"y\"\nclass_as = \"one-hot\"\n";

#[test]
fn an_exported_generator_gives_the_images_of_the_same_one_loaded_natively() {
    let native = manifest(&golden("plain.safetensors"), "sequential", [8, 4], LAYERS).unwrap();
    let native = Generator::load(&native, None, &Device::flex()).unwrap();
    let values: Vec<f32> = (0..7 * 4).map(|at| ((at * 37 % 19) as f32 - 9.0) / 6.0).collect();
    let z = || Tensor::<1>::from_floats(values.as_slice(), &Device::flex()).reshape([7, 4]);
    let images =
        |generator: &Generator| read_floats(generator.raw_image_from_latent(z(), None).unwrap()).unwrap();
    let expected = images(&native);
    // One takes any number of latents, the other two at once.
    for name in ["plain.onnx", "fixed-batch.onnx"] {
        let exported = load(name, [8, 4], "").unwrap();
        let got = images(&exported);
        assert_eq!(got.len(), expected.len());
        let worst =
            got.iter().zip(&expected).map(|(got, expected)| (got - expected).abs()).fold(0.0, f32::max);
        println!("{name}: {worst:e}");
        assert!(worst < 1e-4, "{name}: {worst}");
        assert_eq!(images(&exported), got, "the same latents give other images");
        let reference = compare_with_reference(&exported, &golden("plain-reference.safetensors")).unwrap();
        assert!(reference.max_abs_error < 1e-4, "{name}: {reference:?}");
    }
}

#[test]
fn classes_are_given_by_index_or_one_hot() {
    for (name, sections) in [("class-index.onnx", INDEX), ("class-one-hot.onnx", ONE_HOT)] {
        let generator = load(name, [2, 4], sections).unwrap();
        let reference = compare_with_reference(&generator, &golden("class-reference.safetensors")).unwrap();
        assert!(reference.max_abs_error < 1e-4, "{name}: {reference:?}");
        let device = Device::flex();
        let of = |class: i32| {
            let y = Tensor::<1, Int>::from_ints([class], &device);
            read_floats(generator.raw_image_from_latent(Tensor::zeros([1, 4], &device), Some(y)).unwrap())
                .unwrap()
        };
        assert_ne!(of(0), of(2), "{name}");
    }
}

#[test]
fn what_does_not_fit_is_told() {
    let conditional = "[condition]\nclasses = 3\n";
    for (name, image, more, told) in [
        ("plain.safetensors", [8, 4], "", "expected an ONNX file"),
        ("class-index.onnx", [2, 4], "", "2 inputs (z, y), expected 1 (latents); if one is a class"),
        ("plain.onnx", [8, 5], "", "the input `z` takes latents of 4 values, the manifest says 5"),
        ("class-index.onnx", [2, 3], INDEX, "takes latents of 4 values, the manifest says 3"),
        ("plain.onnx", [16, 4], "", "gives images of shape [1, 1, 8, 8]"),
        ("unknown-operator.onnx", [8, 4], "", "NoSuchOperator"),
        ("class-index.onnx", [2, 4], conditional, "`onnx.class`: expected the name of the input"),
        ("class-index.onnx", [2, 4], "[onnx]\nclass = \"y\"", "expected a section [condition]"),
        ("plain.onnx", [8, 4], INDEX, "no input `y`, there are z"),
        ("plain.onnx", [8, 4], "[onnx]\noutput = \"x\"", "no output `x`, there are image"),
        ("class-index.onnx", [2, 4], ONE_HOT, "set it to \"index\""),
        ("class-one-hot.onnx", [2, 4], INDEX, "set it to \"one-hot\""),
        ("plain.onnx", [8, 4], LAYERS, "only `architecture = \"sequential\"` is made of them"),
        ("plain.onnx", [8, 4], "[onnx]\nclas = \"y\"", "did you mean `class`?"),
    ] {
        let error = load(name, image, more).unwrap_err();
        assert!(error.contains(told), "{name}: expected {told}, got {error}");
    }
    let other = manifest(&golden("plain.safetensors"), "sequential", [8, 4], &format!("[onnx]\n{LAYERS}"));
    assert!(other.unwrap_err().contains("`onnx`: this section is for"), "a section that is not used");
}

#[test]
fn damaged_files_are_refused_and_never_end_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(golden("plain.onnx")).unwrap();
    let path = folder.path().join("generator.onnx");
    let load = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let manifest = manifest(&path, "onnx", [8, 4], "").unwrap();
        Generator::load(&manifest, None, &Device::flex()).map_err(|error| error.to_string())
    };
    for bytes in [&b""[..], b"just text, no network", &whole[..whole.len() / 2], &whole[1..]] {
        let error = load(bytes).unwrap_err();
        assert!(error.contains("generator.onnx"), "{error}");
    }
    for at in (0..whole.len()).step_by(97) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        let _refused_or_not = load(&damaged); // a changed weight is no error
    }
}
