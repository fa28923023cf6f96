//! All measures of one batch's features.

use std::time::Instant;

use serde::Serialize;
use zview_features::views::{
    FeatureRows, Similarities, alignment, effective_rank, feature_std, similarities, uniformity,
};

/// What is logged as `watch`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measures {
    /// N, how many views were measured.
    pub views: usize,
    /// RankMe; at most the smaller of N and D.
    pub effective_rank: f64,
    /// Standard deviation of the normalised features, averaged over dimensions.
    pub feature_std: f64,
    /// The same times sqrt(D): 1 where features cover the sphere, 0 where they are one point.
    pub feature_std_relative: f64,
    /// Mean squared distance of normalised features of one anchor; `None` where anchors have a single view.
    pub alignment: Option<f64>,
    /// Logarithm of the mean Gaussian potential of normalised features of different anchors.
    pub uniformity: f64,
    /// Cosine similarities.
    pub similarities: Similarities,
    /// Seconds that measuring took on the host.
    pub seconds: f64,
}

impl Measures {
    /// Measures features (N, D).
    #[must_use]
    pub fn of(features: &FeatureRows) -> Self {
        let started = Instant::now();
        let normalised = features.normalised();
        let feature_std = feature_std(&normalised);
        Self {
            views: features.rows(),
            effective_rank: effective_rank(features),
            feature_std,
            feature_std_relative: feature_std * (features.dimension() as f64).sqrt(),
            alignment: alignment(&normalised),
            uniformity: uniformity(&normalised),
            similarities: similarities(&normalised),
            seconds: started.elapsed().as_secs_f64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// `scripts/watch_golden.py`, which computes with NumPy and PyTorch in double precision.
    const GOLDEN: &str = include_str!("../../tests/golden/watch.json");

    #[derive(Deserialize)]
    struct Case {
        name: String,
        per_anchor: usize,
        dimension: usize,
        features: Vec<f64>,
        effective_rank: f64,
        feature_std: f64,
        alignment: Option<f64>,
        uniformity: f64,
        positives: Vec<u64>,
        negatives: Vec<u64>,
    }

    #[test]
    fn are_those_of_the_reference() {
        let cases: Vec<Case> = serde_json::from_str(GOLDEN).unwrap();
        assert!(cases.len() >= 5);
        for case in cases {
            let features = FeatureRows::new(case.features, case.per_anchor, case.dimension).unwrap();
            let got = Measures::of(&features);
            let near = |what: &str, got: f64, expected: f64| {
                let error = (got - expected).abs() / expected.abs().max(1.0);
                assert!(error < 1e-9, "{} {what}: {got} against {expected}", case.name);
            };
            near("effective rank", got.effective_rank, case.effective_rank);
            near("feature std", got.feature_std, case.feature_std);
            near("uniformity", got.uniformity, case.uniformity);
            assert_eq!(got.alignment.is_some(), case.alignment.is_some(), "{}", case.name);
            near("alignment", got.alignment.unwrap_or(0.0), case.alignment.unwrap_or(0.0));
            assert_eq!(got.similarities.positives.counts, case.positives, "{}", case.name);
            assert_eq!(got.similarities.negatives.counts, case.negatives, "{}", case.name);
            let pairs = got.views * (got.views - 1) / 2;
            let counted = case.positives.iter().chain(&case.negatives).sum::<u64>();
            assert_eq!(counted as usize, pairs, "{}", case.name);
        }
    }

    #[test]
    fn features_that_are_not_finite_neither_hang_nor_panic() {
        for bad in [f64::NAN, f64::INFINITY] {
            let mut values: Vec<f64> = (0..48).map(f64::from).collect();
            values[7] = bad;
            let measures = Measures::of(&FeatureRows::new(values, 2, 6).unwrap());
            assert!(!measures.effective_rank.is_finite() && !measures.feature_std.is_finite());
        }
    }
}
