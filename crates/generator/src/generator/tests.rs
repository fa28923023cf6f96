//! A generator of one linear layer, whose images are known.

use safetensors::Dtype;
use safetensors::tensor::TensorView;
use zview_runtime::device::on_test_devices;
use zview_runtime::hash::sha256_of_file;

use super::*;
use crate::views::{ViewKind, ViewsConfig, sample_latents};
use zview_network::weights::WeightsError;

/// A linear layer from z (2), with a class embedding (1) if conditional, to a 1x1x2 image in
/// -1 to 1: raw pixels (z_0, z_1 + embedding).
fn manifest(folder: &Path, conditional: bool) -> Manifest {
    let weight: &[f32] = if conditional { &[1.0, 0.0, 0.0, 0.0, 1.0, 1.0] } else { &[1.0, 0.0, 0.0, 1.0] };
    let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let (weight, embedding) = (bytes(weight), bytes(&[0.0, 0.25, 0.5]));
    let mut tensors =
        vec![("out.weight", TensorView::new(Dtype::F32, vec![2, weight.len() / 8], &weight).unwrap())];
    if conditional {
        tensors.push(("classes.weight", TensorView::new(Dtype::F32, vec![3, 1], &embedding).unwrap()));
    }
    let path = folder.join("weights.safetensors");
    std::fs::write(&path, safetensors::serialize(tensors, None).unwrap()).unwrap();
    let sha256 = sha256_of_file(&path).unwrap();
    let (inputs, classes, embed) = if conditional {
        let embed = "[[layers]]\nkind = \"condition\"\nkey = \"classes\"\ndimension = 1";
        (3, "[condition]\nclasses = 3", embed)
    } else {
        (2, "", "")
    };
    let text = format!(
        r#"
        name = "tiny"
        source = "test"
        licence = "MIT"
        weights = "weights.safetensors"
        sha256 = "{sha256}"
        architecture = "sequential"
        latent = {{ dimension = 2, distribution = "normal" }}
        output = {{ channels = 1, height = 1, width = 2, range = [-1.0, 1.0] }}
        {classes}
        {embed}
        [[layers]]
        kind = "linear"
        key = "out"
        inputs = {inputs}
        outputs = 2
        bias = false
        [[layers]]
        kind = "reshape"
        shape = [1, 1, 2]
        "#
    );
    Manifest::parse(&folder.join("generator.toml"), &text).unwrap()
}

fn load(conditional: bool) -> Generator {
    load_on(conditional, &Device::flex())
}

fn load_on(conditional: bool, device: &Device) -> Generator {
    let folder = tempfile::tempdir().unwrap();
    Generator::load(&manifest(folder.path(), conditional), None, device).unwrap()
}

fn z(values: [[f32; 2]; 2]) -> Tensor<2> {
    z_on(values, &Device::flex())
}

fn z_on(values: [[f32; 2]; 2], device: &Device) -> Tensor<2> {
    Tensor::from_data(values, device)
}

fn values(images: Result<Tensor<4>, GeneratorError>) -> Vec<f32> {
    images.unwrap().into_data().try_to_vec().unwrap()
}

#[test]
fn images_are_rescaled_from_the_raw_range_and_clamped() {
    on_test_devices(|name, device| {
        let generator = load_on(false, device);
        assert_eq!(generator.parameters(), 4);
        let latents = || z_on([[0.5, -0.5], [3.0, -3.0]], device);
        let (raw, image) =
            (generator.raw_image_from_latent(latents(), None), generator.image_from_latent(latents(), None));
        assert_eq!(values(raw), [0.5, -0.5, 3.0, -3.0], "{name}");
        assert_eq!(values(image), [0.75, 0.25, 1.0, 0.0], "{name}");
    });
}

#[test]
fn the_condition_reaches_the_image() {
    on_test_devices(|name, device| {
        let classes = Tensor::from_data([0, 2], device);
        let latents = z_on([[0.0, 0.0], [0.0, 0.0]], device);
        let raw = load_on(true, device).raw_image_from_latent(latents, Some(classes));
        assert_eq!(values(raw), [0.0, 0.0, 0.0, 0.5], "{name}");
    });
}

#[test]
fn rendered_views_are_in_the_order_of_the_batch() {
    on_test_devices(|name, device| {
        let generator = load_on(true, device);
        for kind in ViewKind::ALL {
            let config = ViewsConfig { std: 0.1, per_anchor: 3, ..ViewsConfig::of(*kind) };
            let batch = sample_latents(&config, 2, Some(3), 0, 0, 4);
            let images = generator.render(&batch).unwrap();
            assert_eq!(images.dims(), [12, 1, 1, 2]);
            let embedding = [0.0, 0.25, 0.5];
            let condition = batch.condition.as_ref().unwrap();
            let expected = batch.latents.chunks_exact(2).zip(condition).flat_map(|(z, class)| {
                [z[0], z[1] + embedding[*class as usize]].map(|raw| ((raw + 1.0) / 2.0).clamp(0.0, 1.0))
            });
            for (got, expected) in values(Ok(images)).into_iter().zip(expected) {
                assert!((got - expected).abs() < 1e-6, "{name}, {kind:?}: {got} {expected}");
            }
        }
    });
}

#[test]
fn an_autodiff_device_is_left_for_its_inner_one() {
    let folder = tempfile::tempdir().unwrap();
    let device = Device::flex().autodiff();
    let generator = Generator::load(&manifest(folder.path(), false), None, &device).unwrap();
    assert!(!generator.device().is_autodiff());
    let batch = sample_latents(&ViewsConfig::default(), 2, None, 0, 0, 4);
    assert!(!generator.render(&batch).unwrap().device().is_autodiff());
}

#[test]
fn inputs_that_do_not_fit_are_named() {
    let message = |result: Result<Tensor<4>, GeneratorError>| result.unwrap_err().to_string();
    let (plain, conditional) = (load(false), load(true));
    let latents = || z([[0.0; 2]; 2]);
    let classes = |classes: &[i32]| Some(Tensor::from_data(classes, &Device::flex()));
    let missing = message(conditional.raw_image_from_latent(latents(), None));
    assert!(missing.contains("expected a class (0 to 2) per latent"), "{missing}");
    let unexpected = message(plain.raw_image_from_latent(latents(), classes(&[0, 1])));
    assert!(unexpected.contains("is unconditional"), "{unexpected}");
    let too_few = message(conditional.raw_image_from_latent(latents(), classes(&[0])));
    assert!(too_few.contains("classes: expected 2, got 1"), "{too_few}");
    let wide = Tensor::zeros([2, 5], &Device::flex());
    let wide = message(plain.raw_image_from_latent(wide, None));
    assert!(wide.contains("values per latent: expected 2, got 5"), "{wide}");

    let batch = sample_latents(&ViewsConfig::default(), 2, Some(3), 0, 0, 4);
    assert!(message(plain.render(&batch)).contains("is unconditional"));
    let fourth = message(conditional.render(&batch.clone().with_class(3)));
    assert!(fourth.contains("has classes 0 to 2, got 3"), "{fourth}");
    assert!(message(conditional.render(&batch.clone().with_class(-1))).contains("got -1"));
    let shortened = LatentBatch { latents: vec![0.0; 3], ..batch };
    assert!(message(conditional.render(&shortened)).contains("expected 16, got 3"));
}

#[test]
fn weights_that_do_not_fit_the_manifest_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let good = manifest(folder.path(), false);
    let failed = |manifest: &Manifest| match Generator::load(manifest, None, &Device::flex()) {
        Err(GeneratorError::Weights(error)) => error,
        other => panic!("{other:?}"),
    };
    let wrong_hash = Manifest { sha256: "0".repeat(64), ..good.clone() };
    assert!(matches!(failed(&wrong_hash), WeightsError::Hash { .. }));
    let absent = Manifest { weights: "absent.pth".into(), ..good.clone() };
    assert!(matches!(failed(&absent), WeightsError::Read { .. }));
    let with_bias = |manifest: &Manifest| {
        let text = toml::to_string(manifest).unwrap().replace("bias = false", "bias = true");
        Manifest::parse(&manifest.path, &text).unwrap()
    };
    let missing = failed(&with_bias(&good)).to_string();
    assert!(missing.contains("no tensor `out.bias`") && missing.contains("`out.weight`"), "{missing}");
    let elsewhere = folder.path().join("elsewhere");
    std::fs::rename(good.weights_path(), &elsewhere).unwrap();
    assert!(Generator::load(&good, Some(&elsewhere), &Device::flex()).is_ok());
}
