//! Drawing a batch of anchors and their views in z, without a generator at hand.

use super::{AnchorsConfig, LatentSampler, ViewsConfig};
use crate::LatentBatch;
use crate::manifest::Latent;
use crate::prior::Prior;

/// Draws `anchors` fresh anchors (B) and their views (V) in z, whatever space `config` names: latents (B, V, D) with
/// D = `latent_dimension`, as [`LatentSampler::sample`] does. The directions of kind `steered` are those of a generator: without one, its views
/// are the anchor.
#[must_use]
pub fn sample_latents(
    config: &ViewsConfig,
    latent_dimension: usize,
    classes: Option<usize>,
    run_seed: u64,
    step: u64,
    anchors: usize,
) -> LatentBatch {
    sample_latents_of(config, &Latent::normal(latent_dimension), classes, run_seed, step, anchors)
}

/// As [`sample_latents`], drawn from what `latent`, the section of a manifest, says.
#[must_use]
pub fn sample_latents_of(
    config: &ViewsConfig,
    latent: &Latent,
    classes: Option<usize>,
    run_seed: u64,
    step: u64,
    anchors: usize,
) -> LatentBatch {
    let in_z = ViewsConfig { space: super::LatentSpace::Z, ..config.clone() };
    let prior = Prior::of(latent);
    let mut sampler = LatentSampler::with_prior(&in_z, AnchorsConfig::default(), prior, classes);
    let drawn = sampler.draw(run_seed, step, (0, anchors));
    sampler.finish(drawn)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Int, Tensor, TensorData};
    use zview_runtime::device::on_test_devices;

    use super::*;
    use crate::ViewKind;

    const D: usize = 50;

    fn config(kind: ViewKind, std: f32, per_anchor: usize) -> ViewsConfig {
        ViewsConfig { std, per_anchor, ..ViewsConfig::of(kind) }
    }

    /// All of (z_anchor, z_view) over the views after the first.
    fn pairs(batch: &LatentBatch) -> impl Iterator<Item = (f32, f32)> {
        batch.latents.chunks_exact(batch.per_anchor * D).flat_map(|z_views| {
            let (z_anchor, z_views) = z_views.split_at(D);
            z_views.iter().enumerate().map(|(index, z_view)| (z_anchor[index % D], *z_view))
        })
    }

    fn std(values: impl Iterator<Item = f32>) -> f64 {
        let values: Vec<f64> = values.map(f64::from).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        assert!(mean.abs() < 0.02, "mean {mean}");
        (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
    }

    #[test]
    fn gaussian_steps_have_the_moments_and_bounds_of_their_formula() {
        let batch = sample_latents(&config(ViewKind::Gaussian, 0.5, 3), D, None, 1, 2, 500);
        assert_eq!(batch.latents.len(), 500 * 3 * D);
        let step = std(pairs(&batch).map(|(anchor, view)| view - anchor));
        // sqrt(0.7737), the standard deviation of a normal truncated at 2.
        assert!((step - 0.5 * 0.8796).abs() < 0.005, "{step}");
        assert!(pairs(&batch).all(|(anchor, view)| (view - anchor).abs() <= 0.5 * 2.0 + 1e-6));
        assert!(pairs(&batch).all(|(anchor, _)| anchor.abs() <= 2.0));
        assert!((std(pairs(&batch).map(|(anchor, _)| anchor)) - 0.8796).abs() < 0.02);
    }

    /// Every kind whose steps have the standard deviation of the recipe, times that of what is truncated.
    #[test]
    fn steps_of_every_kind_are_as_wide_as_the_recipe_says() {
        let untruncated = |kind, std| ViewsConfig { truncation: f32::INFINITY, ..config(kind, std, 3) };
        for (kind, wanted) in [
            (ViewKind::Gaussian, 0.5),
            (ViewKind::Adaptive, 0.5),
            (ViewKind::UniformBall, 0.5),
            (ViewKind::Interpolate, 0.5),
            // Root mean square of the radii 0.5, 1 and 1.5.
            (ViewKind::Radii, 0.5 * 1.0801),
        ] {
            let batch = sample_latents(&untruncated(kind, 0.5), D, None, 1, 2, 500);
            let squares: f64 = pairs(&batch).map(|(anchor, view)| f64::from(view - anchor).powi(2)).sum();
            let step = (squares / pairs(&batch).count() as f64).sqrt();
            assert!((step - wanted).abs() < 0.012, "{kind:?}: {step}, expected {wanted}");
        }
    }

    fn norm(latent: &[f32]) -> f64 {
        latent.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
    }

    #[test]
    fn angular_views_have_the_norm_of_their_own_anchor() {
        for std in [0.1, 1.0, 10.0] {
            let batch = sample_latents(&config(ViewKind::Angular, std, 4), D, None, 1, 2, 200);
            let mut norms = Vec::new();
            for views in batch.latents.chunks_exact(4 * D) {
                let anchor = norm(&views[..D]);
                norms.push(anchor);
                for view in views.chunks_exact(D) {
                    assert!((norm(view) / anchor - 1.0).abs() < 1e-6, "{} {anchor}", norm(view));
                }
            }
            // The norms differ from row to row, so a norm taken over the batch would be found.
            let (low, high) =
                norms.iter().fold((f64::MAX, 0.0f64), |(low, high), n| (low.min(*n), high.max(*n)));
            assert!(high / low > 1.2, "{low} {high}");
        }
        // A step of no width turns nothing.
        let batch = sample_latents(&config(ViewKind::Angular, 0.0, 2), D, None, 1, 2, 20);
        assert!(pairs(&batch).all(|(anchor, view)| (anchor - view).abs() < 1e-6));
    }

    #[test]
    fn views_in_a_ball_stay_in_it_and_views_at_radii_lie_on_them() {
        let distances = |kind| -> Vec<f64> {
            let batch = sample_latents(&config(kind, 0.5, 3), D, None, 1, 2, 300);
            let views = batch.latents.chunks_exact(3 * D);
            let steps = views.flat_map(|views| {
                let anchor = &views[..D];
                views[D..].chunks_exact(D).map(move |view| {
                    let step: Vec<f32> =
                        view.iter().zip(anchor).map(|(view, anchor)| view - anchor).collect();
                    norm(&step)
                })
            });
            steps.collect()
        };
        let radius = 0.5 * (D as f64 + 2.0).sqrt();
        assert!(distances(ViewKind::UniformBall).iter().all(|distance| *distance <= radius * 1.00001));
        let unit = 0.5 * (D as f64).sqrt();
        let mut counts = [0; 3];
        for distance in distances(ViewKind::Radii) {
            let place = [0.5, 1.0, 1.5].iter().position(|radius| (distance / unit - radius).abs() < 1e-4);
            counts[place.unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (150..250).contains(count)), "{counts:?}");
    }

    #[test]
    fn interpolated_views_are_distributed_as_anchors_and_end_at_the_other_latent() {
        let batch = sample_latents(&config(ViewKind::Interpolate, 0.8, 3), D, None, 1, 2, 500);
        assert!((std(pairs(&batch).map(|(_, view)| view)) - 0.8796).abs() < 0.02);
        let quarter = config(ViewKind::Interpolate, std::f32::consts::SQRT_2, 2);
        let other = sample_latents(&config(ViewKind::Independent, 1.0, 2), D, None, 1, 2, 5);
        let batch = sample_latents(&quarter, D, None, 1, 2, 5);
        assert!(batch.latents.iter().zip(&other.latents).all(|(got, other)| (got - other).abs() < 1e-5));
    }

    #[test]
    fn independent_views_have_nothing_of_their_anchor() {
        let batch = sample_latents(&config(ViewKind::Independent, 1.0, 2), D, None, 1, 2, 1_000);
        let correlation =
            pairs(&batch).map(|(anchor, view)| f64::from(anchor * view)).sum::<f64>() / (1_000 * D) as f64;
        assert!(correlation.abs() < 0.02, "{correlation}");
        assert!(pairs(&batch).all(|(_, view)| view.abs() <= 2.0));
        assert_eq!(batch.distinct_views(), 2);
    }

    #[test]
    fn views_of_kind_same_are_the_anchor_and_say_so() {
        let batch = sample_latents(&config(ViewKind::Same, 1.0, 4), D, Some(10), 1, 2, 20);
        assert!(pairs(&batch).all(|(anchor, view)| anchor == view));
        assert_eq!((batch.distinct_views(), batch.images()), (1, 80));
    }

    #[test]
    fn selected_anchors_keep_their_views_and_classes() {
        let batch = sample_latents(&config(ViewKind::Gaussian, 1.0, 3), D, Some(10), 1, 2, 20);
        let some = batch.select(&[19, 0]);
        assert_eq!((some.anchors, some.images()), (2, 6));
        assert_eq!(some.latents, [&batch.latents[19 * 3 * D..], &batch.latents[..3 * D]].concat());
        let classes = batch.condition.unwrap();
        assert_eq!(some.condition.unwrap(), [&classes[19 * 3..], &classes[..3]].concat());
    }

    #[test]
    fn a_draw_depends_on_its_key_and_not_on_the_batch() {
        for kind in ViewKind::ALL {
            let config = config(*kind, 0.3, 2);
            let small = sample_latents(&config, D, Some(10), 5, 7, 4);
            let large = sample_latents(&config, D, Some(10), 5, 7, 64);
            assert_eq!(small.latents, large.latents[..small.latents.len()]);
            assert_eq!(small.condition.as_deref(), large.condition.as_deref().map(|all| &all[..8]));
            assert_ne!(small.latents, sample_latents(&config, D, Some(10), 6, 7, 4).latents);
            assert_ne!(small.latents, sample_latents(&config, D, Some(10), 5, 8, 4).latents);
        }
        // More views keep the first ones.
        let two = sample_latents(&config(ViewKind::Gaussian, 0.3, 2), D, None, 5, 7, 1);
        let five = sample_latents(&config(ViewKind::Gaussian, 0.3, 5), D, None, 5, 7, 1);
        assert_eq!(two.latents, five.latents[..2 * D]);
    }

    /// Latents are drawn on the host, so that every device gets the same bits.
    #[test]
    fn every_device_gets_the_latents_that_were_drawn() {
        on_test_devices(|name, device| {
            for kind in ViewKind::ALL {
                let batch = sample_latents(&config(*kind, 0.3, 2), D, Some(10), 5, 7, 64);
                let z = Tensor::<2>::from_data(TensorData::new(batch.latents.clone(), [128, D]), device);
                assert_eq!(z.into_data().try_into_vec::<f32>().unwrap(), batch.latents, "{name}, {kind:?}");
                let classes = batch.condition.unwrap();
                let uploaded =
                    Tensor::<1, Int>::from_data(TensorData::new(classes.clone(), [128]), device).float();
                let got = uploaded.into_data().try_into_vec::<f32>().unwrap();
                assert!(
                    got.iter().zip(&classes).all(|(got, class)| *got == *class as f32),
                    "{name}, {kind:?}"
                );
            }
        });
    }

    #[test]
    fn views_share_the_condition_of_their_anchor_and_all_classes_occur() {
        let batch = sample_latents(&config(ViewKind::Gaussian, 1.0, 3), D, Some(10), 0, 0, 500);
        let condition = batch.condition.clone().unwrap();
        let mut counts = [0usize; 10];
        for views in condition.chunks_exact(3) {
            assert!(views.iter().all(|class| *class == views[0]), "{views:?}");
            counts[views[0] as usize] += 1;
        }
        assert!(counts.iter().all(|count| (20..90).contains(count)), "{counts:?}");
        assert!(batch.with_class(3).condition.unwrap().iter().all(|class| *class == 3));
        assert_eq!(sample_latents(&ViewsConfig::default(), D, None, 0, 0, 5).condition, None);
    }
}
