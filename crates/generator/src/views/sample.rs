//! Drawing a batch of anchors and their views.

use zview_runtime::seed::{Purpose, Stream};

use super::ViewsConfig;
use super::config::PER_ANCHOR_MAX;
use crate::LatentBatch;

/// Draws `anchors` anchors (B) and their views (V): z (B, V, D) with D = `latent_dimension`, and
/// for a conditional generator of `classes` classes one class per anchor, shared by its views.
///
/// Anchors are standard normal, truncated as `config` says; view 0 is the anchor. Every anchor,
/// class and view has its own stream, keyed by (`run_seed`, `step`, its number), so that a draw
/// does not depend on the batch it is in. `config` must be valid ([`ViewsConfig::validate`]).
#[must_use]
pub fn sample_latents(
    config: &ViewsConfig,
    latent_dimension: usize,
    classes: Option<usize>,
    run_seed: u64,
    step: u64,
    anchors: usize,
) -> LatentBatch {
    let sampler = config.sampler();
    let per_anchor = config.per_anchor;
    let mut z = vec![0.0; anchors * per_anchor * latent_dimension];
    if latent_dimension > 0 {
        for (anchor, z_views) in z.chunks_exact_mut(per_anchor.max(1) * latent_dimension).enumerate() {
            let anchor = anchor as u64;
            let (z_anchor, z_views) = z_views.split_at_mut(latent_dimension);
            let mut stream = Stream::new(run_seed, Purpose::Anchor, step, anchor);
            z_anchor.fill_with(|| stream.truncated_normal(config.truncation));
            for (view, z_view) in (1..).zip(z_views.chunks_exact_mut(latent_dimension)) {
                let index = anchor * PER_ANCHOR_MAX as u64 + view;
                sampler.view(z_anchor, &mut Stream::new(run_seed, Purpose::View, step, index), z_view);
            }
        }
    }
    let condition = classes.map(|classes| {
        (0..anchors as u64)
            .flat_map(|anchor| {
                let mut stream = Stream::new(run_seed, Purpose::Condition, step, anchor);
                std::iter::repeat_n(stream.below(classes as u64) as i32, per_anchor)
            })
            .collect()
    });
    let views_differ = sampler.views_differ();
    LatentBatch { z, condition, anchors, per_anchor, dimension: latent_dimension, views_differ }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Int, Tensor, TensorData};
    use zview_runtime::device::on_test_devices;

    use super::*;
    use crate::ViewKind;

    const D: usize = 50;

    fn config(kind: ViewKind, std: f32, per_anchor: usize) -> ViewsConfig {
        ViewsConfig { kind, std, per_anchor, ..ViewsConfig::default() }
    }

    /// All of (z_anchor, z_view) over the views after the first.
    fn pairs(batch: &LatentBatch) -> impl Iterator<Item = (f32, f32)> {
        batch.z.chunks_exact(batch.per_anchor * D).flat_map(|z_views| {
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
        assert_eq!(batch.z.len(), 500 * 3 * D);
        let step = std(pairs(&batch).map(|(anchor, view)| view - anchor));
        // sqrt(0.7737), the standard deviation of a normal truncated at 2.
        assert!((step - 0.5 * 0.8796).abs() < 0.005, "{step}");
        assert!(pairs(&batch).all(|(anchor, view)| (view - anchor).abs() <= 0.5 * 2.0 + 1e-6));
        assert!(pairs(&batch).all(|(anchor, _)| anchor.abs() <= 2.0));
        assert!((std(pairs(&batch).map(|(anchor, _)| anchor)) - 0.8796).abs() < 0.02);
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
        assert_eq!(some.z, [&batch.z[19 * 3 * D..], &batch.z[..3 * D]].concat());
        let classes = batch.condition.unwrap();
        assert_eq!(some.condition.unwrap(), [&classes[19 * 3..], &classes[..3]].concat());
    }

    #[test]
    fn a_draw_depends_on_its_key_and_not_on_the_batch() {
        for kind in ViewKind::ALL {
            let config = config(*kind, 0.3, 2);
            let small = sample_latents(&config, D, Some(10), 5, 7, 4);
            let large = sample_latents(&config, D, Some(10), 5, 7, 64);
            assert_eq!(small.z, large.z[..small.z.len()]);
            assert_eq!(small.condition.as_deref(), large.condition.as_deref().map(|all| &all[..8]));
            assert_ne!(small.z, sample_latents(&config, D, Some(10), 6, 7, 4).z);
            assert_ne!(small.z, sample_latents(&config, D, Some(10), 5, 8, 4).z);
        }
        // More views keep the first ones.
        let two = sample_latents(&config(ViewKind::Gaussian, 0.3, 2), D, None, 5, 7, 1);
        let five = sample_latents(&config(ViewKind::Gaussian, 0.3, 5), D, None, 5, 7, 1);
        assert_eq!(two.z, five.z[..2 * D]);
    }

    /// Latents are drawn on the host, so that every device gets the same bits.
    #[test]
    fn every_device_gets_the_latents_that_were_drawn() {
        on_test_devices(|name, device| {
            for kind in ViewKind::ALL {
                let batch = sample_latents(&config(*kind, 0.3, 2), D, Some(10), 5, 7, 64);
                let z = Tensor::<2>::from_data(TensorData::new(batch.z.clone(), [128, D]), device);
                assert_eq!(z.into_data().try_into_vec::<f32>().unwrap(), batch.z, "{name}, {kind:?}");
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
