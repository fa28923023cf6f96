//! How far views of one anchor agree, measured where the features are.

use burn::tensor::Tensor;

/// The share of the features' variance that the views of an anchor have in common, `[1]`: 1 - within / total, where
/// `within` is the variance among the views of an anchor and `total` that among all of them, both without bias, summed
/// over dimensions. 1 where views have one feature, 0 where they are no more alike than views of different anchors.
/// Known as the intraclass correlation (Shrout and Fleiss 1979).
///
/// `features` (B * V, D), the `per_anchor` (V) views of an anchor next to each other.
pub(crate) fn view_agreement(features: Tensor<2>, per_anchor: usize) -> Tensor<1> {
    let [rows, dimension] = features.dims();
    let total = features.clone() - features.clone().mean_dim(0);
    let total = total.powi_scalar(2).sum() / (rows.max(2) - 1) as f64;
    let views = features.reshape([rows / per_anchor, per_anchor, dimension]);
    let within = views.clone() - views.mean_dim(1);
    let within = within.powi_scalar(2).sum() / (rows - rows / per_anchor).max(1) as f64;
    // Features without any variance are alike.
    1.0 - within / (total + f64::from(f32::MIN_POSITIVE))
}

#[cfg(test)]
mod tests {
    use zview_runtime::device::{on_test_devices, read_floats};
    use zview_runtime::seed::{Purpose, Stream};

    use super::*;

    #[test]
    fn agreement_is_the_share_of_variance_between_anchors() {
        on_test_devices(|name, device| {
            let mut stream = Stream::new(0, Purpose::Check, 0, 0);
            for (noise, expected) in [(0.0f32, 1.0f32), (0.5, 0.8), (1.0, 0.5), (1e3, 0.0)] {
                let mut values = Vec::new();
                for _anchor in 0..500 {
                    let centre: Vec<f32> = (0..8).map(|_| stream.normal()).collect();
                    for _view in 0..3 {
                        values.extend(centre.iter().map(|value| 3.0 + value + noise * stream.normal()));
                    }
                }
                let features = Tensor::<1>::from_data(values.as_slice(), device).reshape([1_500, 8]);
                let got = read_floats(view_agreement(features, 3)).unwrap()[0];
                assert!((got - expected).abs() < 0.03, "{name}, noise {noise}: {got}, expected {expected}");
            }
        });
    }

    #[test]
    fn features_that_never_change_agree() {
        on_test_devices(|name, device| {
            let got = read_floats(view_agreement(Tensor::ones([8, 4], device), 2)).unwrap()[0];
            assert_eq!(got, 1.0, "{name}");
        });
    }
}
