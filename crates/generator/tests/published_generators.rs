//! The manifests in `configs/generators` against the images that the original code makes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use zview_generator::{
    Generator, InspectOptions, Manifest, ViewsConfig, compare_with_reference, inspect, list_manifests,
    sample_latents,
};
use zview_runtime::device::choose;
use zview_runtime::testing::{adapter, shared};

const NAMES: [&str; 6] =
    ["faces32-dcgan", "mnist-cgan-mlp", "mnist-cwgangp-conv", "mnist-dcgan", "mnist-gan-mlp", "mnist-vae"];

fn manifests_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/generators")
}

fn manifest(name: &str) -> Manifest {
    Manifest::read(&manifests_folder().join(format!("{name}.toml"))).unwrap_or_else(|error| panic!("{error}"))
}

/// The published generators whose files are on this machine, with their references.
fn present() -> impl Iterator<Item = (&'static str, PathBuf)> {
    let reference = |name| shared(Path::new("generators").join(name).join("reference.safetensors"));
    NAMES.into_iter().filter_map(move |name| Some((name, reference(name)?)))
}

#[test]
fn every_published_manifest_is_valid_and_listed() {
    let listed = list_manifests(&[manifests_folder()]);
    for name in NAMES {
        assert_eq!(manifest(name).name, name);
        assert!(listed.iter().any(|path| path.file_stem().unwrap() == name), "{listed:?}");
    }
}

#[test]
fn images_equal_the_reference_on_the_cpu() {
    for (name, reference) in present() {
        let options = InspectOptions { reference: Some(&reference), ..InspectOptions::default() };
        let inspection = inspect(&manifest(name), &options, &Device::flex()).unwrap();
        let comparison = inspection.reference.unwrap();
        let used = inspection.keys.iter().filter(|key| key.used).count();
        eprintln!(
            "{name}: max abs error {:e} over {} images; {} parameters; {used} of {} keys used",
            comparison.max_abs_error,
            comparison.images,
            inspection.parameters,
            inspection.keys.len()
        );
        assert_eq!(comparison.images, 32, "{name}");
        assert!(comparison.max_abs_error < 1e-4, "{name}: {}", comparison.max_abs_error);
    }
}

/// The only test here that uses the GPU, so that all its work is on one thread.
#[test]
fn images_equal_the_reference_on_wgpu() {
    let Some(chosen) = adapter(choose("wgpu".parse().unwrap()).ok()) else { return };
    let device = chosen.device;
    for (name, reference) in present() {
        let generator = Generator::load(&manifest(name), None, &device).unwrap();
        let comparison = compare_with_reference(&generator, &reference).unwrap();
        eprintln!("{name} on {device:?}: max abs error {:e}", comparison.max_abs_error);
        assert!(comparison.max_abs_error < 1e-4, "{name}: {}", comparison.max_abs_error);

        let config = ViewsConfig { per_anchor: 3, ..ViewsConfig::default() };
        let batch = sample_latents(&config, generator.latent_dimension(), generator.classes(), 0, 0, 4);
        let on_cpu = Generator::load(&manifest(name), None, &Device::flex()).unwrap();
        let views = |generator: &Generator| {
            generator.render(&batch).unwrap().into_data().try_to_vec::<f32>().unwrap()
        };
        for (gpu, cpu) in views(&generator).into_iter().zip(views(&on_cpu)) {
            assert!((gpu - cpu).abs() < 1e-4, "{name}: {gpu} {cpu}");
        }
    }
}

#[test]
fn a_weights_file_cut_off_anywhere_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["mnist-gan-mlp", "mnist-dcgan"] {
        let manifest = manifest(name);
        let Some(weights) = shared(manifest.weights_path()) else { return };
        let bytes = std::fs::read(weights).unwrap();
        let cut = folder.path().join("cut.pth");
        for part in 0..40 {
            std::fs::write(&cut, &bytes[..bytes.len() * part / 40]).unwrap();
            // The true hash of the cut file, so that the reader itself is what refuses it.
            let sha256 = zview_runtime::hash::sha256_of_file(&cut).unwrap();
            let manifest = Manifest { sha256, ..manifest.clone() };
            assert!(Generator::load(&manifest, Some(&cut), &Device::flex()).is_err(), "{name} {part}");
        }
    }
}

#[test]
fn a_dcgan_that_only_a_manifest_describes_equals_its_reference() {
    let Some(folder) = shared("generators/parity/dcgan-64") else { return };
    let mut text = String::from(
        r#"
        name = "dcgan-64"
        source = "the generator of pytorch/examples, random weights"
        licence = "BSD-3-Clause"
        weights = "weights.pth"
        sha256 = "ed47ca4f149ec8db9d030954c32d766991d9a06f51ded3484a543dcc1500591f"
        architecture = "sequential"
        latent = { dimension = 100, distribution = "normal" }
        output = { channels = 3, height = 64, width = 64, range = [-1.0, 1.0] }
        layers = [{ kind = "reshape", shape = [100, 1, 1] }"#,
    );
    let channels = [100, 128, 64, 32, 16, 3];
    for (block, pair) in channels.windows(2).enumerate() {
        let [channels_in, channels_out] = [pair[0], pair[1]];
        let key = 3 * block;
        let (stride, padding) = if block == 0 { (1, 0) } else { (2, 1) };
        text.push_str(&format!(
            r#", {{ kind = "conv-transpose", key = "main.{key}", in = {channels_in}, out = {channels_out}, kernel = 4, stride = {stride}, padding = {padding}, bias = false }}"#
        ));
        if block < 4 {
            let key = key + 1;
            text.push_str(&format!(
                r#", {{ kind = "batch-norm", key = "main.{key}", channels = {channels_out} }}, {{ kind = "relu" }}"#
            ));
        }
    }
    text.push_str(", { kind = \"tanh\" }]");
    let manifest =
        Manifest::parse(&folder.join("generator.toml"), &text).unwrap_or_else(|error| panic!("{error}"));
    let generator = Generator::load(&manifest, None, &Device::flex()).unwrap();
    let comparison = compare_with_reference(&generator, &folder.join("reference.safetensors")).unwrap();
    eprintln!("dcgan-64: max abs error {:e}", comparison.max_abs_error);
    assert!(comparison.max_abs_error < 1e-4);
}
