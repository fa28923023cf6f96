//! Figures beyond accuracy against numpy, scipy and scikit-learn (`golden/beyond_accuracy.py`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::collections::BTreeMap;

use serde::Deserialize;
use zview_data::{ImageSet, ImageShape};
use zview_features::Features;
use zview_features::clusters::{
    KMeansConfig, best_matching, cluster_agreement, davies_bouldin, kmeans, silhouette,
};
use zview_features::spectrum::{SpectrumConfig, feature_spectrum};
use zview_probe::calibration::{CalibrationConfig, calibration};
use zview_probe::corruptions::{Corruption, corrupt};
use zview_probe::linear::Predictions;
use zview_probe::outliers::{auroc, false_positive_rate, mahalanobis_distance};

#[derive(Deserialize)]
struct Golden {
    calibration: CalibrationCase,
    ranking: Vec<RankingCase>,
    mahalanobis: MahalanobisCase,
    spectrum: Vec<SpectrumCase>,
    clusters: ClusterCase,
    matching: Vec<MatchingCase>,
    blur: BlurCase,
}

#[derive(Deserialize)]
struct CalibrationCase {
    confidence: Vec<f32>,
    correct: Vec<bool>,
    label_probability: Vec<f32>,
    ece: f64,
    max_calibration_error: f64,
    adaptive_ece: f64,
    negative_log_likelihood: f64,
    top_label_brier: f64,
}

#[derive(Deserialize)]
struct RankingCase {
    inliers: Vec<f64>,
    outliers: Vec<f64>,
    auroc: f64,
    false_positive_rate: f64,
}

#[derive(Deserialize)]
struct MahalanobisCase {
    train: Vec<f32>,
    asked: Vec<f32>,
    shrinkage: f64,
    squared_distances: Vec<f64>,
}

#[derive(Deserialize)]
struct SpectrumCase {
    images: usize,
    dimension: usize,
    features: Vec<f32>,
    eigenvalues: Vec<f64>,
    effective_rank: f64,
    rank_me: f64,
    participation_ratio: f64,
    alpha: f64,
}

#[derive(Deserialize)]
struct ClusterCase {
    features: Vec<f32>,
    labels: Vec<u32>,
    assignment: Vec<u32>,
    silhouette: f64,
    davies_bouldin: f64,
    adjusted_rand: f64,
    normalised_mutual_information: f64,
    accuracy: f64,
    kmeans_inertia: BTreeMap<usize, f64>,
}

#[derive(Deserialize)]
struct MatchingCase {
    weights: Vec<Vec<f64>>,
    sum: f64,
}

#[derive(Deserialize)]
struct BlurCase {
    height: usize,
    width: usize,
    pixels: Vec<u8>,
    blurred: Vec<Vec<u8>>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/beyond_accuracy.json")).unwrap()
}

fn near(what: &str, got: f64, expected: f64, relative: f64) {
    let error = (got - expected).abs();
    assert!(error <= relative * expected.abs().max(1e-3), "{what}: {got} instead of {expected}");
}

/// Features of classes in turn, as the script makes them.
fn features(values: &[f32], dimension: usize, classes: usize) -> Features {
    let labels = (0..values.len() / dimension).map(|image| (image % classes) as u32).collect();
    let names = (0..classes).map(|class| class.to_string()).collect();
    Features::new(values.to_vec(), dimension, labels, names).unwrap()
}

#[test]
fn calibration_errors() {
    let case = golden().calibration;
    let predictions = Predictions {
        classes: vec![0; case.correct.len()],
        confidence: case.confidence,
        label_probability: case.label_probability,
        label_rank: case.correct.iter().map(|&right| u32::from(!right)).collect(),
    };
    let told = calibration(&predictions, &CalibrationConfig::default()).unwrap();
    near("ECE", told.ece, case.ece, 1e-9);
    near("MCE", told.max_calibration_error, case.max_calibration_error, 1e-9);
    near("adaptive ECE", told.adaptive_ece, case.adaptive_ece, 1e-9);
    near("likelihood", told.negative_log_likelihood, case.negative_log_likelihood, 1e-9);
    near("Brier", told.top_label_brier, case.top_label_brier, 1e-9);
}

#[test]
fn areas_and_false_positive_rates_with_ties() {
    for case in golden().ranking {
        near("AUROC", auroc(&case.inliers, &case.outliers), case.auroc, 1e-12);
        let rate = false_positive_rate(&case.inliers, &case.outliers, 0.95);
        near("false positive rate", rate, case.false_positive_rate, 1e-12);
    }
}

#[test]
fn mahalanobis_distances_with_ledoit_wolf_shrinkage() {
    let case = golden().mahalanobis;
    let (train, asked) = (features(&case.train, 6, 3), features(&case.asked, 6, 3));
    let told = mahalanobis_distance(&train, &[&asked], None).unwrap();
    near("shrinkage", told.shrinkage, case.shrinkage, 1e-9);
    for (got, expected) in told.squared_distances[0].iter().zip(&case.squared_distances) {
        near("squared distance", *got, *expected, 1e-6);
    }
}

#[test]
fn spectra_of_many_and_few_images() {
    for case in golden().spectrum {
        let features = features(&case.features, case.dimension, 3);
        let told = feature_spectrum(&features, &SpectrumConfig::default()).unwrap();
        assert_eq!((told.images, told.dead_dimensions, told.constant_dimensions), (case.images, 1, 2));
        assert_eq!(told.eigenvalues.len(), case.eigenvalues.len());
        for (got, expected) in told.eigenvalues.iter().zip(&case.eigenvalues) {
            assert!((got - expected).abs() < 1e-12 * case.eigenvalues[0], "{got} instead of {expected}");
        }
        near("effective rank", told.effective_rank, case.effective_rank, 1e-6);
        near("RankMe", told.rank_me, case.rank_me, 1e-6);
        near("participation ratio", told.participation_ratio, case.participation_ratio, 1e-9);
        near("alpha", told.power_law.unwrap().alpha, case.alpha, 1e-6);
    }
}

#[test]
fn cluster_measures_of_a_given_assignment() {
    let case = golden().clusters;
    let features = features(&case.features, 5, 4);
    let told = silhouette(&features, &case.assignment).unwrap().unwrap();
    near("silhouette", told, case.silhouette, 1e-9);
    let told = davies_bouldin(&features, &case.assignment).unwrap().unwrap();
    near("Davies-Bouldin", told, case.davies_bouldin, 1e-9);
    let told = cluster_agreement(&case.assignment, &case.labels).unwrap();
    near("adjusted Rand", told.adjusted_rand, case.adjusted_rand, 1e-12);
    let information = told.normalised_mutual_information;
    near("mutual information", information, case.normalised_mutual_information, 1e-12);
    near("accuracy", told.accuracy, case.accuracy, 1e-12);
}

#[test]
fn clusters_as_tight_as_those_of_scikit_learn() {
    let case = golden().clusters;
    let features = features(&case.features, 5, 4);
    for (k, expected) in case.kmeans_inertia {
        let found = kmeans(&features, k, &KMeansConfig::default()).unwrap();
        assert!(found.inertia < 1.01 * expected, "{k} clusters: {} instead of {expected}", found.inertia);
        assert!(found.inertia > 0.97 * expected, "{k} clusters: {} instead of {expected}", found.inertia);
    }
}

#[test]
fn matchings_of_the_greatest_weight() {
    for case in golden().matching {
        let matched = best_matching(&case.weights).into_iter().enumerate();
        let sum: f64 = matched.filter_map(|(row, column)| Some(case.weights[row][column?])).sum();
        assert_eq!(sum, case.sum);
    }
}

#[test]
fn blurred_images() {
    let case = golden().blur;
    let shape = ImageShape { channels: 2, height: case.height, width: case.width };
    let set = ImageSet::new("noise", shape, case.pixels, None, Vec::new()).unwrap();
    for (expected, severity) in case.blurred.iter().zip(1..) {
        let blurred = corrupt(&set, Corruption::GaussianBlur, severity, 0).unwrap();
        // A sum that is nearly a half may be rounded to either side.
        let differences: Vec<u8> =
            blurred.pixels(0).unwrap().iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).collect();
        assert!(differences.iter().all(|&difference| difference <= 1), "severity {severity}");
        assert!(differences.iter().filter(|&&difference| difference > 0).count() <= 1, "severity {severity}");
    }
}
