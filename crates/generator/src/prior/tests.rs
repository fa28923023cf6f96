//! Latents are distributed as in the generator's training, and so are their views.

use std::path::Path;

use super::*;
use crate::manifest::Manifest;
use crate::views::{AnchorsConfig, LatentSampler, ViewKind, ViewsConfig};

/// A manifest with this section.
fn manifest(latent: &str) -> Result<Manifest, String> {
    let text = format!(
        "name = \"t\"\nsource = \"t\"\nlicence = \"t\"\nweights = \"w.pth\"\nsha256 = \"compute\"\n\
         architecture = \"dcgan-64\"\n\
         [output]\nchannels = 3\nheight = 64\nwidth = 64\nrange = [-1.0, 1.0]\n{latent}"
    );
    Manifest::parse(Path::new("g.toml"), &text).map_err(|error| error.to_string())
}

fn prior(latent: &str) -> Prior {
    Prior::of(&manifest(latent).unwrap().latent)
}

const UNIFORM: &str = "[latent]\ndimension = 40\ndistribution = \"uniform\"";
const TRUNCATED: &str = "[latent]\ndimension = 40\ndistribution = \"truncated-normal\"\ntruncation = 1.5";
const INFOGAN: &str = "[latent]\n\
    [[latent.parts]]\ndimension = 62\ndistribution = \"uniform\"\nlow = 0.0\n\
    [[latent.parts]]\ndimension = 10\ndistribution = \"one-hot\"\n\
    [[latent.parts]]\ndimension = 2\ndistribution = \"normal\"\nmean = 3.0\nstd = 0.5\n";

/// z (N, V, D) of fresh anchors.
fn drawn(prior: &Prior, kind: ViewKind, truncation: f32, anchors: usize) -> Vec<f32> {
    let views = ViewsConfig { truncation, ..ViewsConfig::of(kind) };
    let mut sampler = LatentSampler::with_prior(&views, AnchorsConfig::default(), prior.clone(), None);
    let drawn = sampler.draw(3, 5, (0, anchors));
    let batch = sampler.finish(drawn);
    assert_eq!(batch.dimension, prior.dimension());
    assert_eq!(batch.latents.len(), anchors * 2 * prior.dimension());
    batch.latents
}

/// The largest distance of the values' distribution from `cdf` (Kolmogorov and Smirnov), times the root of N: above
/// 1.95 in one of a thousand samples.
fn distance(mut values: Vec<f32>, cdf: impl Fn(f64) -> f64) -> f64 {
    values.sort_by(f32::total_cmp);
    let n = values.len() as f64;
    let far = |(at, value): (usize, &f32)| {
        let p = cdf(f64::from(*value));
        (p - at as f64 / n).abs().max((p - (at + 1) as f64 / n).abs())
    };
    values.iter().enumerate().map(far).fold(0.0, f64::max) * n.sqrt()
}

/// The anchors of rows (V = 2, D), columns `range`.
fn anchors(latents: &[f32], dimension: usize, range: std::ops::Range<usize>) -> Vec<f32> {
    latents.chunks_exact(2 * dimension).flat_map(|views| views[range.clone()].to_vec()).collect()
}

fn views(latents: &[f32], dimension: usize, range: std::ops::Range<usize>) -> Vec<f32> {
    anchors(&latents[dimension..], dimension, range.clone())
        .into_iter()
        .chain(latents[latents.len() - dimension..][range].iter().copied())
        .collect()
}

#[test]
fn anchors_of_uniform_latents_are_uniform_and_views_stay_within() {
    let prior = prior(UNIFORM);
    for kind in ViewKind::ALL.iter().filter(|kind| **kind != ViewKind::Steered) {
        let latents = drawn(&prior, *kind, 2.0, 1_000);
        let far = distance(anchors(&latents, 40, 0..40), |z| (z + 1.0) / 2.0);
        assert!(far < 1.95, "{kind:?}: {far}");
        assert!(latents.iter().all(|z| (-1.0..=1.0).contains(z)), "{kind:?}");
    }
    // Views that are distributed as anchors are.
    for kind in [ViewKind::Independent, ViewKind::Interpolate] {
        let far = distance(views(&drawn(&prior, kind, 2.0, 1_000), 40, 0..40), |z| (z + 1.0) / 2.0);
        assert!(far < 1.95, "{kind:?}: {far}");
    }
    // One standard deviation of a uniform latent: 1 / sqrt(3) of the way.
    let near = drawn(&prior, ViewKind::Same, 1.0, 500);
    let end = 1.0 / 3f32.sqrt();
    assert!(near.iter().all(|z| z.abs() <= end + 1e-6));
    let far = distance(anchors(&near, 40, 0..40), |z| (z / f64::from(end) + 1.0) / 2.0);
    assert!(far < 1.95, "{far}");
}

#[test]
fn truncated_normal_latents_have_their_distribution_and_no_view_passes_the_bound() {
    let prior = prior(TRUNCATED);
    let (below, cut) = (normal::phi(-1.5), 1.0 - 2.0 * normal::phi(-1.5));
    for truncation in [1.5, 2.0, f32::INFINITY] {
        let latents = drawn(&prior, ViewKind::Gaussian, truncation, 1_000);
        let far = distance(anchors(&latents, 40, 0..40), |z| (normal::phi(z) - below) / cut);
        assert!(far < 1.95, "{truncation}: {far}");
        assert!(latents.iter().all(|z| z.abs() <= 1.5));
        let squares = anchors(&latents, 40, 0..40).iter().map(|z| f64::from(z * z)).sum::<f64>() / 40_000.0;
        // scipy.stats.truncnorm(-1.5, 1.5).var()
        assert!((squares - 0.551_524).abs() < 0.01, "{squares}");
    }
    assert!(drawn(&prior, ViewKind::Same, 0.7, 200).iter().all(|z| z.abs() <= 0.7 + 1e-6));
}

#[test]
fn infogan_latents_have_all_their_parts_and_views_share_the_category() {
    let prior = prior(INFOGAN);
    assert_eq!((prior.dimension(), prior.coordinates(), prior.categories()), (74, 64, 1));
    let place = |z: &[f32]| {
        let hot = &z[62..72];
        assert!(hot.iter().all(|value| *value == 0.0 || *value == 1.0) && hot.iter().sum::<f32>() == 1.0);
        hot.iter().position(|value| *value == 1.0).unwrap()
    };
    for kind in ViewKind::ALL.iter().filter(|kind| **kind != ViewKind::Steered) {
        let latents = drawn(&prior, *kind, 2.0, 1_000);
        let mut counts = [0; 10];
        let mut same = 0;
        for views in latents.chunks_exact(2 * 74) {
            let (anchor, view) = views.split_at(74);
            counts[place(anchor)] += 1;
            same += usize::from(place(anchor) == place(view));
            assert!(anchor[..62].iter().chain(&view[..62]).all(|z| (0.0..=1.0).contains(z)));
        }
        assert!(counts.iter().all(|count| (60..145).contains(count)), "{kind:?}: {counts:?}");
        let independent = *kind == ViewKind::Independent;
        assert!(if independent { (60..145).contains(&same) } else { same == 1_000 }, "{kind:?}: {same}");
        assert!(distance(anchors(&latents, 74, 0..62), |z| z) < 1.95, "{kind:?}");
        let normals = anchors(&latents, 74, 72..74);
        let mean = normals.iter().sum::<f32>() / 2_000.0;
        assert!((mean - 3.0).abs() < 0.04, "{kind:?}: {mean}");
        // Truncated at two standard deviations, as the recipe says.
        assert!(normals.iter().all(|z| (z - 3.0).abs() <= 1.0 + 1e-5));
    }
}

#[test]
fn normal_latents_are_the_same_bits_as_without_a_section_of_parts() {
    let plain = Prior::standard_normal(40);
    let parts = prior(
        "[latent]\n[[latent.parts]]\ndimension = 15\ndistribution = \"normal\"\n\
         [[latent.parts]]\ndimension = 25\ndistribution = \"normal\"\ntruncation = 2.0\n",
    );
    assert!(parts.is_standard_normal());
    for kind in ViewKind::ALL {
        assert_eq!(drawn(&plain, *kind, 2.0, 20), drawn(&parts, *kind, 2.0, 20), "{kind:?}");
    }
    assert!(
        drawn(&parts, ViewKind::Same, f32::INFINITY, 500)
            .chunks(40)
            .all(|z| z[15..].iter().all(|z| z.abs() <= 2.0))
    );
}

#[test]
fn every_contradiction_in_the_latent_is_named() {
    let refused = |latent: &str, message: &str| {
        let error = manifest(latent).unwrap_err();
        assert!(error.contains(message), "{latent}: {error}");
    };
    refused("[latent]\ndimension = 3\n", "`latent.distribution`: expected \"normal\"");
    refused("[latent]\ndimension = 3\ndistribution = \"gaussian\"\n", "unknown variant `gaussian`");
    refused(&format!("{UNIFORM}\nlow = 2.0\n"), "`latent.low`: expected below `high`, got 2 and 1");
    refused(&format!("{UNIFORM}\nstd = 2.0\n"), "`latent.std`: not a key of \"uniform\"");
    refused(&format!("{UNIFORM}\nhigh = inf\n"), "`latent.high`: expected a finite number");
    refused(
        "[latent]\ndimension = 3\ndistribution = \"truncated-normal\"\n",
        "`latent.truncation`: expected the bound",
    );
    refused(
        "[latent]\ndimension = 3\ndistribution = \"normal\"\ntruncation = -1.0\n",
        "expected above 0, got -1",
    );
    refused(
        "[latent]\ndimension = 3\ndistribution = \"one-hot\"\n",
        "expected a part that is not \"one-hot\"",
    );
    refused(
        &INFOGAN.replace("[latent]\n", "[latent]\ndimension = 70\n"),
        "expected 74, the sum of the parts, got 70",
    );
    refused(
        &INFOGAN.replace("[latent]\n", "[latent]\ndistribution = \"normal\"\n"),
        "expected `dimension` alone",
    );
    refused(
        &INFOGAN.replace("dimension = 10", "dimension = 1"),
        "`latent.parts[1].dimension`: expected 2 to",
    );
    assert!(manifest(&INFOGAN.replace("one-hot", "categorical")).is_ok());
}
