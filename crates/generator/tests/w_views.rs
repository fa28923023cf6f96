//! Views in the intermediate space w, drawn for a small StyleGAN2 that `scripts/make_stylegan2_checkpoint.py` makes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use zview_generator::{
    AnchorsConfig, AnySampler, Generator, LatentSampler, LatentSpace, Manifest, UnitCoordinates, ViewKind,
    ViewsConfig,
};
use zview_runtime::device::{on_test_devices, read_floats};
use zview_runtime::hash::sha256_of_file;

const D: usize = 4;

fn stylegan2(device: &Device) -> Generator {
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/stylegan2-training.pt");
    let text = format!(
        r#"
        name = "tiny"
        source = "test"
        licence = "none"
        weights = "stylegan2-training.pt"
        sha256 = "{}"
        architecture = "stylegan2"
        state_dict = "g_ema"
        latent = {{ dimension = {D}, distribution = "normal" }}
        output = {{ channels = 3, height = 8, width = 8, range = [-1.0, 1.0] }}
        options = {{ truncation = 0.7 }}
        "#,
        sha256_of_file(&weights).unwrap()
    );
    let manifest = Manifest::parse(&weights.with_file_name("generator.toml"), &text).unwrap();
    Generator::load(&manifest, None, device).unwrap()
}

fn in_w(kind: ViewKind, std: f32) -> ViewsConfig {
    ViewsConfig { std, space: LatentSpace::W, per_anchor: 3, ..ViewsConfig::of(kind) }
}

#[test]
fn anchors_in_w_are_the_mapped_anchors_in_z() {
    on_test_devices(|name, device| {
        let generator = stylegan2(device);
        let latents = |space| {
            let config = ViewsConfig { space, ..in_w(ViewKind::Same, 0.0) };
            let mut sampler = LatentSampler::new(&config, AnchorsConfig::default(), &generator).unwrap();
            sampler.sample(&generator, 3, 5, (0, 20)).unwrap()
        };
        let (z, w) = (latents(LatentSpace::Z), latents(LatentSpace::W));
        assert_eq!((w.space, w.distinct_views()), (LatentSpace::W, 1));
        let z_tensor = Tensor::from_data(TensorData::new(z.latents.clone(), [60, D]), device);
        let expected = read_floats(generator.w_from_z(z_tensor).unwrap()).unwrap();
        for (got, expected) in w.latents.iter().zip(&expected) {
            assert!((got - expected).abs() < 1e-4, "{name}: {got} {expected}");
        }
        // Views without a step are the same images from either space.
        let [from_z, from_w] = [&z, &w].map(|batch| read_floats(generator.render(batch).unwrap()).unwrap());
        let apart = from_z.iter().zip(&from_w).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 1e-3, "{name}: {apart}");
    });
}

#[test]
fn steps_in_w_are_as_wide_as_the_recipe_says_in_units_of_each_dimension() {
    let generator = stylegan2(&Device::flex());
    let coordinates = UnitCoordinates::of_w(&generator, 2.0).unwrap();
    for kind in [ViewKind::Gaussian, ViewKind::UniformBall] {
        let mut sampler = LatentSampler::new(&in_w(kind, 0.5), AnchorsConfig::default(), &generator).unwrap();
        let batch = sampler.sample(&generator, 3, 5, (0, 2_000)).unwrap();
        let mut squares = [0.0f64; D];
        for views in batch.latents.chunks_exact(3 * D) {
            for view in views[D..].chunks_exact(D) {
                for (d, square) in squares.iter_mut().enumerate() {
                    *square += f64::from((view[d] - views[d]) / coordinates.std(d)).powi(2);
                }
            }
        }
        let expected = if kind == ViewKind::Gaussian { 0.5 * 0.8796 } else { 0.5 };
        for square in squares {
            let step = (square / 4_000.0).sqrt();
            assert!((step - expected).abs() < 0.02, "{kind:?}: {step}, expected {expected}");
        }
    }
}

#[test]
fn every_kind_draws_and_renders_in_w_and_anchors_spread_as_the_coordinates_say() {
    let generator = stylegan2(&Device::flex());
    for kind in ViewKind::ALL {
        let mut config = in_w(*kind, 0.5);
        if let AnySampler::Steered(keys) = &mut config.kind {
            (keys.directions, keys.direction_count) = (Some("principal".to_owned()), Some(2));
        }
        let mut sampler = LatentSampler::new(&config, AnchorsConfig::default(), &generator).unwrap();
        let batch = sampler.sample(&generator, 3, 5, (0, 6)).unwrap();
        assert_eq!(generator.render(&batch).unwrap().dims(), [18, 3, 8, 8], "{kind:?}");
        assert!(batch.latents.iter().all(|value| value.is_finite()), "{kind:?}");
        let moved = batch.latents[..D] != batch.latents[D..2 * D];
        assert_eq!(moved, *kind != ViewKind::Same, "{kind:?}");
    }
    let coordinates = UnitCoordinates::of_w(&generator, 2.0).unwrap();
    let same = in_w(ViewKind::Same, 0.0);
    let mut sampler = LatentSampler::new(&same, AnchorsConfig::default(), &generator).unwrap();
    let batch = sampler.sample(&generator, 3, 5, (0, 4_000)).unwrap();
    for d in 0..D {
        let values: Vec<f64> = batch.latents.chunks_exact(3 * D).map(|row| f64::from(row[d])).collect();
        let mean = values.iter().sum::<f64>() / 4_000.0;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 4_000.0;
        let ratio = variance.sqrt() / f64::from(coordinates.std(d));
        assert!((ratio - 1.0).abs() < 0.06, "dimension {d}: {ratio}");
    }
}
