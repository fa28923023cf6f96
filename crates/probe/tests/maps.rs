//! Maps of features against numpy and scikit-learn on the same digits; see golden/maps.py.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use serde::Deserialize;
use zview_features::Features;
use zview_probe::maps::{MapConfig, PrincipalComponents, feature_maps};

#[derive(Deserialize)]
struct Golden {
    values: Vec<f32>,
    labels: Vec<u32>,
    axes: Vec<f64>,
    variances: Vec<f64>,
    total_variance: f64,
    wide_axes: Vec<f64>,
    wide_variances: Vec<f64>,
    pca_trustworthiness: f64,
    tsne_trustworthiness: f64,
    tsne_divergence: f64,
}

fn golden() -> (Golden, Features) {
    let golden: Golden = serde_json::from_str(include_str!("golden/maps.json")).unwrap();
    let dimension = golden.values.len() / golden.labels.len();
    let names = (0..10).map(|digit| digit.to_string()).collect();
    let features = Features::new(golden.values.clone(), dimension, golden.labels.clone(), names).unwrap();
    (golden, features)
}

fn assert_close(got: &[f64], expected: &[f64], relative: f64) {
    assert_eq!(got.len(), expected.len());
    let scale = expected.iter().fold(0.0f64, |scale, value| scale.max(value.abs()));
    for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!((got - expected).abs() < relative * scale, "{at}: {got} instead of {expected}");
    }
}

#[test]
fn principal_components_are_those_of_numpy_sign_included() {
    let (golden, features) = golden();
    let found = PrincipalComponents::fit(&features, 4).unwrap();
    assert_close(&found.variances, &golden.variances, 1e-12);
    assert_close(&found.axes, &golden.axes, 1e-11);
    assert!((found.total_variance / golden.total_variance - 1.0).abs() < 1e-12);
    // Fewer images than dimensions, where the Gram matrix is solved instead.
    let wide = features.select(&(0..40).collect::<Vec<_>>());
    let found = PrincipalComponents::fit(&wide, 4).unwrap();
    assert_close(&found.variances, &golden.wide_variances, 1e-12);
    assert_close(&found.axes, &golden.wide_axes, 1e-11);
    // 40 images vary in 39 directions at most.
    assert_eq!(PrincipalComponents::fit(&wide, 50).unwrap().len(), 39);
}

#[test]
fn maps_keep_neighbourhoods_as_well_as_those_of_scikit_learn() {
    let (golden, features) = golden();
    let maps = feature_maps(&features, &MapConfig::default()).unwrap();
    println!(
        "trustworthiness PCA {} ({}), t-SNE {} ({}); divergence {} ({})",
        maps.pca.trustworthiness,
        golden.pca_trustworthiness,
        maps.tsne.trustworthiness,
        golden.tsne_trustworthiness,
        maps.tsne_divergence,
        golden.tsne_divergence
    );
    // Pixels are whole numbers, so that some points are equally far: their order is not scikit-learn's.
    assert!((maps.pca.trustworthiness - golden.pca_trustworthiness).abs() < 1e-3);
    assert!(maps.tsne.trustworthiness > golden.tsne_trustworthiness - 0.01);
    assert!(maps.tsne_divergence < 1.05 * golden.tsne_divergence);
}
