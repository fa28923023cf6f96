//! What an inspection finds, draws and measures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor};
use zview_generator::{Generator, GeneratorError, InspectOptions, Manifest, inspect};
use zview_runtime::hash::sha256_of_file;
use zview_runtime::testing::shared;

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn parity(name: &str) -> PathBuf {
    here().join("../../configs/generators/parity").join(format!("{name}.toml"))
}

#[test]
fn a_contact_sheet_has_a_row_for_each_class_and_the_speed_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    for (name, images, rows) in [("glyphs-gan-conditional", 128, 16), ("glyphs-gan", 64, 0)] {
        let manifest = Manifest::find(name, &[]).unwrap();
        let sheet = folder.path().join(format!("{name}.png"));
        let options =
            InspectOptions { sheet: Some(&sheet), batch: 24, seconds: 0.01, ..InspectOptions::default() };
        let found = inspect(&manifest, &options, &Device::flex()).unwrap();
        let drawn = found.sheet.unwrap();
        assert_eq!((drawn.images, drawn.classes.len()), (images, rows), "{name}");
        assert!(drawn.classes.is_sorted() && drawn.classes.iter().all(|class| *class < 26));
        assert!(std::fs::read(&sheet).unwrap().starts_with(b"\x89PNG"));
        let speed = found.throughput.unwrap();
        assert!(speed.batches >= 3 && speed.batch == 24);
        assert!(0.0 < speed.slowest && speed.slowest <= speed.images_per_second);
        assert!(speed.images_per_second <= speed.fastest);
        assert!(found.reference_file.is_none() && found.parameters > 0);
        // The same latents every time.
        let first = std::fs::read(&sheet).unwrap();
        inspect(&manifest, &options, &Device::flex()).unwrap();
        assert_eq!(std::fs::read(&sheet).unwrap(), first, "{name}");
    }
    let nowhere = folder.path().join("glyphs-gan.png/no/sheet.png");
    let options = InspectOptions { sheet: Some(&nowhere), ..InspectOptions::default() };
    let manifest = Manifest::find("glyphs-gan", &[]).unwrap();
    assert!(matches!(inspect(&manifest, &options, &Device::flex()), Err(GeneratorError::Sheet(_))));
}

#[test]
fn a_reference_beside_the_weights_is_found() {
    for name in ["dcgan-64", "stylegan2-rosinality", "biggan-deep", "bigbigan"] {
        let manifest = Manifest::read(&parity(name)).unwrap();
        let Some(_) = shared(manifest.weights_path()) else { return };
        let found = inspect(&manifest, &InspectOptions::default(), &Device::flex()).unwrap();
        assert_eq!(found.reference_problem, None, "{name}");
        let error = found.reference.unwrap().max_abs_error;
        assert!(error < 1e-4, "{name}: {error}");
        assert!(found.throughput.is_none() && found.sheet.is_none());
    }
}

#[test]
fn a_reference_of_other_settings_is_an_error_only_where_it_was_named() {
    let text = std::fs::read_to_string(parity("biggan-deep")).unwrap();
    let text = text.replace("truncation = 0.4", "truncation = 0.5");
    let manifest = Manifest::parse(&parity("biggan-deep"), &text).unwrap();
    let Some(_) = shared(manifest.weights_path()) else { return };
    let found = inspect(&manifest, &InspectOptions::default(), &Device::flex()).unwrap();
    assert!(found.reference.is_none());
    let problem = found.reference_problem.unwrap();
    assert!(problem.contains("it has no `image_t0.5`"), "{problem}");
    let named = found.reference_file.unwrap();
    let options = InspectOptions { reference: Some(&named), ..InspectOptions::default() };
    let error = inspect(&manifest, &options, &Device::flex()).unwrap_err();
    assert!(matches!(error, GeneratorError::Reference { .. }), "{error}");
}

/// Made by `scripts/make_stylegan2_checkpoint.py`.
#[test]
fn a_checkpoint_of_training_with_an_object_of_python_beside_the_weights_is_read() {
    let weights = here().join("tests/golden/stylegan2-training.pt");
    let text = format!(
        r#"
        name = "tiny"
        source = "test"
        licence = "none"
        weights = "stylegan2-training.pt"
        sha256 = "{}"
        architecture = "stylegan2"
        state_dict = "g_ema"
        latent = {{ dimension = 4, distribution = "normal" }}
        output = {{ channels = 3, height = 8, width = 8, range = [-1.0, 1.0] }}
        options = {{ truncation = 0.5 }}
        "#,
        sha256_of_file(&weights).unwrap()
    );
    let manifest = Manifest::parse(&weights.with_file_name("generator.toml"), &text).unwrap();
    let device = Device::flex();
    let generator = Generator::load(&manifest, None, &device).unwrap();
    // No `latent_avg` in such a file: the mean latent is estimated, so that w is half as wide.
    let whole =
        Manifest::parse(&manifest.path, &text.replace("truncation = 0.5", "truncation = 1.0")).unwrap();
    let z = Tensor::from_data([[1.0f32, -2.0, 0.5, 0.3], [-1.0, 0.2, 0.8, 2.0]], &device);
    let w = generator.w_from_z(z.clone()).unwrap();
    let wide = Generator::load(&whole, None, &device).unwrap().w_from_z(z.clone()).unwrap();
    let apart = |w: Tensor<2>| w.clone().narrow(0, 0, 1) - w.narrow(0, 1, 1);
    let half = apart(wide) * 0.5 - apart(w);
    assert!(half.abs().max().into_scalar::<f32>() < 1e-5);
    assert_eq!(generator.raw_image_from_latent(z, None).unwrap().dims(), [2, 3, 8, 8]);
    let found = inspect(&manifest, &InspectOptions::default(), &device).unwrap();
    assert!(found.keys.iter().all(|key| key.used), "{:?}", found.keys);
}
