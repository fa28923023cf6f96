//! Directions do what they are named for, on the embedded generator and on one whose directions are known.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use support::response;
use zview_generator::directions::{
    Directions, DirectionsError, Edit, PrincipalConfig, WalkConfig, factorised_directions,
    learned_directions, principal_directions,
};
use zview_generator::{Generator, GeneratorError, LatentSpace, Manifest};
use zview_runtime::device::{on_test_devices, read_floats};
use zview_runtime::hash::sha256_of_file;
use zview_runtime::seed::{Purpose, Stream};

const D: usize = 6;
const SIDE: usize = 8;

fn embedded() -> Manifest {
    Manifest::find("glyphs-gan", &[]).unwrap()
}

/// A linear generator of 8x8 images of z (6), `classes` classes that add 1 to a value behind z, and per value of z a
/// pattern of pixels: `pixel(z, row, column)`.
fn planted(folder: &Path, classes: usize, pixel: impl Fn(usize, usize, usize) -> f32) -> Manifest {
    let inputs = D + usize::from(classes > 0);
    let mut weight = Vec::new();
    for at in 0..SIDE * SIDE {
        weight.extend((0..D).map(|z| pixel(z, at / SIDE, at % SIDE)));
        weight.extend((D..inputs).map(|_| 7.0)); // the class embedding's: larger than all of z's
    }
    let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let embedding: Vec<f32> = (0..classes).map(|class| class as f32 / 100.0).collect();
    let (weight, bias, embedding) = (bytes(&weight), bytes(&[0.4; SIDE * SIDE]), bytes(&embedding));
    let mut tensors = vec![
        ("out.weight", TensorView::new(Dtype::F32, vec![SIDE * SIDE, inputs], &weight).unwrap()),
        ("out.bias", TensorView::new(Dtype::F32, vec![SIDE * SIDE], &bias).unwrap()),
    ];
    let (mut condition, mut layer) = (String::new(), String::new());
    if classes > 0 {
        tensors.push(("classes.weight", TensorView::new(Dtype::F32, vec![classes, 1], &embedding).unwrap()));
        condition = format!("[condition]\nclasses = {classes}\n");
        layer = "[[layers]]\nkind = \"condition\"\nkey = \"classes\"\ndimension = 1\n".to_owned();
    }
    let weights: PathBuf = folder.join("weights.safetensors");
    std::fs::write(&weights, safetensors::serialize(tensors, None).unwrap()).unwrap();
    let text = format!(
        "name = \"planted\"\nsource = \"a test\"\nlicence = \"MIT\"\nweights = \"weights.safetensors\"\n\
         sha256 = \"{}\"\narchitecture = \"sequential\"\n[latent]\ndimension = {D}\ndistribution = \"normal\"\n\
         {condition}[output]\nchannels = 1\nheight = {SIDE}\nwidth = {SIDE}\nrange = [0.0, 1.0]\n{layer}\
         [[layers]]\nkind = \"linear\"\nkey = \"out\"\ninputs = {inputs}\noutputs = {}\n\
         [[layers]]\nkind = \"reshape\"\nshape = [1, {SIDE}, {SIDE}]\n",
        sha256_of_file(&weights).unwrap(),
        SIDE * SIDE
    );
    std::fs::write(folder.join("generator.toml"), text).unwrap();
    Manifest::read(&folder.join("generator.toml")).unwrap_or_else(|error| panic!("{error}"))
}

/// Noise of its own for every value of z but number 2, which has ten times as much of it.
fn one_strong(z: usize, row: usize, column: usize) -> f32 {
    let noise = Stream::new(0, Purpose::Check, z as u64, (row * SIDE + column) as u64).normal();
    if z == 2 { 0.05 * noise } else { 0.005 * noise }
}

#[test]
fn a_planted_direction_is_the_first_of_both_unsupervised_methods() {
    for classes in [0, 3] {
        let folder = tempfile::tempdir().unwrap();
        let manifest = planted(folder.path(), classes, one_strong);
        let generator = Generator::load(&manifest, None, &Device::flex()).unwrap();
        let config = PrincipalConfig { count: 2, samples: 600, ..PrincipalConfig::default() };
        let factorised = factorised_directions(&generator, LatentSpace::Z, 2).unwrap();
        let principal = principal_directions(&generator, LatentSpace::Z, &config).unwrap();
        for found in [&factorised, &principal] {
            assert_eq!((found.dimension, found.count()), (D, 2));
            assert!(found.row(0)[2].abs() > 0.98, "{classes}: {found:?}");
            assert!(found.row(1)[2].abs() < 0.2, "{classes}: {found:?}");
        }
        // The length of the pattern of z's value 2, squared, is the largest eigenvalue but for the other patterns.
        let squares: f32 = (0..SIDE * SIDE).map(|at| one_strong(2, at / SIDE, at % SIDE).powi(2)).sum();
        let eigenvalue = factorised.eigenvalues.as_ref().unwrap()[0];
        assert!((eigenvalue / squares - 1.0).abs() < 0.05, "{eigenvalue} {squares}");
        let error = factorised_directions(&generator, LatentSpace::Z, D + 1).unwrap_err().to_string();
        assert!(error.contains("expected 1 to 6") && error.contains("got 7"), "{error}");
        let error = factorised_directions(&generator, LatentSpace::W, 1).unwrap_err();
        assert!(
            matches!(error, DirectionsError::Generator(GeneratorError::NoIntermediateSpace { .. })),
            "{error}"
        );
    }
}

#[test]
fn the_walk_of_a_generator_with_a_brightness_value_is_that_value() {
    let folder = tempfile::tempdir().unwrap();
    // Values 0 to 4 draw faint noise, value 5 lights every pixel alike by a quarter per unit.
    let pixel = |z, row, column| if z == 5 { 0.25 } else { 0.2 * one_strong(z, row, column) };
    let manifest = planted(folder.path(), 0, pixel);
    on_test_devices(|name, device| {
        let generator = Generator::load_differentiable(&manifest, None, device).unwrap();
        // Without truncation to near the middle, the brightest images are cut off at white.
        let config = WalkConfig {
            edits: vec![Edit::Brightness],
            steps: 80,
            batch: 8,
            lr: 0.1,
            truncation: 0.3,
            ..WalkConfig::default()
        };
        let learned = learned_directions(&generator, LatentSpace::Z, &config, &mut |_| ()).unwrap();
        let (directions, quality) = (&learned.directions, learned.quality[0]);
        assert!(directions.row(0)[5] > 0.97, "{name}: {learned:?}");
        let scale = directions.scale.as_ref().unwrap()[0];
        assert!((scale - 0.25).abs() < 0.02, "{name}: a unit adds {scale}");
        assert!(quality.loss_ratio() < 0.05, "{name}: {quality:?}");
    });
}

/// Asserts that steps along `direction` raise what `edit` changes, each step for certain.
fn assert_rises(generator: &Generator, direction: &[f32], edit: Edit) {
    let response = response(generator, direction, edit, 400, 2);
    assert!(response.rises(), "{}: {response:?}", edit.name());
}

#[test]
fn forty_steps_teach_a_walk_that_zooms_and_one_that_brightens() {
    let manifest = embedded();
    let differentiable = Generator::load_differentiable(&manifest, None, &Device::flex()).unwrap();
    let edits = vec![Edit::Zoom, Edit::Brightness];
    let config = WalkConfig { edits: edits.clone(), steps: 40, batch: 24, lr: 0.1, ..WalkConfig::default() };
    let mut done = Vec::new();
    let learned =
        learned_directions(&differentiable, LatentSpace::Z, &config, &mut |step| done.push(step)).unwrap();
    assert_eq!(done, (1..=80).collect::<Vec<u64>>());
    let generator = Generator::load(&manifest, None, &Device::flex()).unwrap();
    for (k, edit) in edits.into_iter().enumerate() {
        assert_rises(&generator, learned.directions.row(k), edit);
        let ratio = learned.quality[k].loss_ratio();
        assert!(ratio > 0.0 && ratio < 0.95, "{}: {ratio}", edit.name());
    }
}

#[test]
fn the_walks_of_the_embedded_generator_move_what_they_are_named_for_step_by_step() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/generators/glyphs-gan/walks.safetensors");
    let generator = Generator::load(&embedded(), None, &Device::flex()).unwrap();
    let walks = Directions::read_for(&path, &generator).unwrap();
    assert_eq!(walks.origin.weights_sha256, generator.sha256());
    for edit in Edit::ALL {
        let k = walks.names.iter().position(|name| name == edit.name()).unwrap();
        assert_rises(&generator, walks.row(k), *edit);
    }
}

#[test]
fn walks_are_the_same_bits_for_a_seed_and_others_for_another() {
    let generator = Generator::load_differentiable(&embedded(), None, &Device::flex()).unwrap();
    let walk = |seed| {
        let config =
            WalkConfig { edits: vec![Edit::ShiftX], steps: 3, batch: 4, seed, ..WalkConfig::default() };
        learned_directions(&generator, LatentSpace::Z, &config, &mut |_| ()).unwrap()
    };
    assert_eq!(walk(1), walk(1));
    assert_ne!(walk(1).directions.values, walk(2).directions.values);
}

#[test]
fn settings_that_cannot_be_used_are_refused() {
    let plain = Generator::load(&embedded(), None, &Device::flex()).unwrap();
    let refused = |generator: &Generator, config: WalkConfig, words: &str| {
        let error = learned_directions(generator, LatentSpace::Z, &config, &mut |_| ()).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    };
    refused(&plain, WalkConfig::default(), "differentiable");
    let generator = Generator::load_differentiable(&embedded(), None, &Device::flex()).unwrap();
    refused(&generator, WalkConfig { edits: Vec::new(), ..WalkConfig::default() }, "edits");
    refused(&generator, WalkConfig { batch: 0, ..WalkConfig::default() }, "batch");
    refused(&generator, WalkConfig { lr: f64::NAN, ..WalkConfig::default() }, "learning rate");
    let config = PrincipalConfig { samples: 10, ..PrincipalConfig::default() };
    let error = principal_directions(&plain, LatentSpace::Z, &config).unwrap_err().to_string();
    assert!(error.contains("samples: expected 128"), "{error}");
}

#[test]
fn a_step_along_z_goes_through_the_first_layer_alone() {
    // What `first_layer` says against what the network does: a linear network's image is bias + z A.
    let folder = tempfile::tempdir().unwrap();
    let generator = Generator::load(&planted(folder.path(), 3, one_strong), None, &Device::flex()).unwrap();
    let directions = factorised_directions(&generator, LatentSpace::Z, 1).unwrap();
    let z = |step: f32| {
        let values: Vec<f32> = directions.row(0).iter().map(|value| step * value).collect();
        let data = burn::tensor::TensorData::new(values, [1, D]);
        let classes = burn::tensor::Tensor::from_data([1], &Device::flex());
        let z = burn::tensor::Tensor::from_data(data, &Device::flex());
        read_floats(generator.raw_image_from_latent(z, Some(classes)).unwrap()).unwrap()
    };
    let change: f32 = z(1.0).iter().zip(z(0.0)).map(|(a, b)| (a - b).powi(2)).sum();
    let eigenvalue = directions.eigenvalues.as_ref().unwrap()[0];
    assert!((change / eigenvalue - 1.0).abs() < 1e-3, "{change} {eigenvalue}");
}
