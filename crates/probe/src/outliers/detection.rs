//! Three ways of telling another data set's images, and how good each is.

use serde::{Deserialize, Serialize};
use zview_numerics::statistics::Interval;

use super::mahalanobis::mahalanobis_distance;
use super::nearest::neighbour_distance;
use super::ranking::{auroc, auroc_interval, false_positive_rate};
use crate::ProbeError;
use crate::linear::LinearProbe;
use zview_features::{FeatureError, Features, Problems, Settings};

/// Keeps the resamples apart from those of other figures of one run.
const USE_NUMBER: u64 = 3 << 40;
/// Share of this data set's test images that are to pass.
const TRUE_POSITIVE_RATE: f64 = 0.95;

/// How outliers are told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutlierConfig {
    /// k: the distance to the k-th nearest training image counts. Where k is more than a hundredth of the
    /// training images, that hundredth is taken instead, and at least 1.
    pub neighbours: usize,
    /// The share of the identity in the Mahalanobis distance's covariance, 0 to 1; by Ledoit and Wolf if
    /// `None`.
    pub shrinkage: Option<f64>,
    /// Seed of the confidence intervals.
    pub seed: u64,
}

impl Default for OutlierConfig {
    fn default() -> Self {
        Self { neighbours: 50, shrinkage: None, seed: 0 }
    }
}

impl Settings for OutlierConfig {
    fn problems(&self) -> Vec<String> {
        Problems::default()
            .at_least("neighbours", 1, self.neighbours)
            .share("shrinkage", self.shrinkage.unwrap_or_default())
            .list()
    }
}

/// How well images of another data set are told from test images of this one; fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutlierDetection {
    /// Training images, which the distances are fitted on.
    pub n_train: usize,
    /// Test images of this data set.
    pub n_test: usize,
    /// Images of the other.
    pub n_outliers: usize,
    /// Which neighbour's distance was taken.
    pub neighbours: usize,
    /// The share of the identity in the covariance.
    pub shrinkage: f64,
    /// By distance to the k-th nearest training image.
    pub nearest_neighbour: OutlierScore,
    /// By distance to the nearest class.
    pub mahalanobis: OutlierScore,
    /// The baseline: by how unsure a linear probe is (Hendrycks and Gimpel 2017, "A Baseline for Detecting
    /// Misclassified and Out-of-Distribution Examples", <https://arxiv.org/abs/1610.02136>). Absent without
    /// a probe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_softmax: Option<OutlierScore>,
}

/// How well one score tells outliers; fractions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OutlierScore {
    /// Probability that an outlier scores higher than a test image: 0.5 is chance, 1 perfect.
    pub auroc: f64,
    /// 95 % interval of `auroc`, over images of both sets.
    pub interval: Interval,
    /// Share of outliers taken for this data set where 95 % of its test images are.
    pub fpr_at_95_tpr: f64,
}

/// Tells `outliers`, features of another data set's images, from `test`, both unseen by whatever is fitted on
/// `train`. The classes of `outliers` play no part.
///
/// # Errors
/// An empty set, sets of different dimensions, training and test sets of different classes, settings that
/// cannot work, a probe of other classes or features.
pub fn outlier_detection(
    train: &Features,
    test: &Features,
    outliers: &Features,
    probe: Option<&LinearProbe>,
    config: &OutlierConfig,
) -> Result<OutlierDetection, ProbeError> {
    Features::check_train_and_test(train, test)?;
    if outliers.is_empty() {
        return Err(ProbeError::Features(FeatureError::Empty { set: "the set of outliers".to_owned() }));
    }
    // As if of this data set's first class: no label of theirs is looked at.
    let outliers = &outliers.of_one_class(train.class_names())?;
    Features::check_train_and_test(train, outliers)?;
    config.check()?;
    let k = config.neighbours.min(train.len() / 100).max(1);
    let near = |set| neighbour_distance(train, set, k);
    let classes = mahalanobis_distance(train, &[test, outliers], config.shrinkage)?;
    let score = |number: u64, inside: &[f64], outside: &[f64]| OutlierScore {
        auroc: auroc(inside, outside),
        interval: auroc_interval(inside, outside, config.seed, USE_NUMBER + number),
        fpr_at_95_tpr: false_positive_rate(inside, outside, TRUE_POSITIVE_RATE),
    };
    let max_softmax = match probe {
        None => None,
        Some(probe) => {
            probe.check(train)?;
            let unsure = |set: &Features| -> Vec<f64> {
                probe.predictions(set).confidence.iter().map(|&confidence| -f64::from(confidence)).collect()
            };
            Some(score(2, &unsure(test), &unsure(outliers)))
        }
    };
    Ok(OutlierDetection {
        n_train: train.len(),
        n_test: test.len(),
        n_outliers: outliers.len(),
        neighbours: k,
        shrinkage: classes.shrinkage,
        nearest_neighbour: score(0, &near(test)?, &near(outliers)?),
        mahalanobis: score(1, &classes.squared_distances[0], &classes.squared_distances[1]),
        max_softmax,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::LinearProbeConfig;
    use zview_features::made_up::{clouds, numbered};

    #[test]
    fn a_mapped_file_gives_the_same_scores() {
        use zview_features::made_up::mapped;
        let sets = [clouds(400, 6, 4, 0.5, 0), clouds(90, 6, 4, 0.5, 1), clouds(80, 6, 3, 0.5, 2)];
        let config = OutlierConfig::default();
        let told = |[train, test, outliers]: &[Features; 3]| {
            outlier_detection(train, test, outliers, None, &config).unwrap()
        };
        assert_eq!(told(&sets.each_ref().map(mapped)), told(&sets));
    }

    #[test]
    fn far_images_are_outliers_and_images_of_the_same_kind_are_not() {
        let (train, test) = (clouds(600, 12, 3, 2.0, 0), clouds(300, 12, 3, 2.0, 1));
        let probe = LinearProbe::fit(&train, &LinearProbeConfig::default()).unwrap();
        let config = OutlierConfig::default();
        let same = clouds(200, 12, 3, 2.0, 2);
        let told = outlier_detection(&train, &test, &same, Some(&probe), &config).unwrap();
        assert_eq!((told.n_train, told.n_test, told.n_outliers, told.neighbours), (600, 300, 200, 6));
        for score in [told.nearest_neighbour, told.mahalanobis, told.max_softmax.unwrap()] {
            assert!(score.interval.low <= 0.5 && 0.5 <= score.interval.high, "{told:?}");
            assert!((score.fpr_at_95_tpr - 0.95).abs() < 0.06, "{told:?}");
        }
        // Around the middle of the classes, with other class names.
        let middle: Vec<f32> =
            clouds(200, 12, 1, 0.0, 3).whole().unwrap().iter().map(|value| value * 0.3).collect();
        let other = Features::new(middle, 12, vec![4; 200], numbered(9)).unwrap();
        let told = outlier_detection(&train, &test, &other, Some(&probe), &config).unwrap();
        assert!(told.nearest_neighbour.auroc > 0.9 && told.mahalanobis.auroc > 0.9, "{told:?}");
        assert!(told.mahalanobis.interval.low <= told.mahalanobis.auroc);
        assert!(told.max_softmax.unwrap().auroc > 0.6, "{told:?}");
        let without = outlier_detection(&train, &test, &other, None, &config).unwrap();
        assert_eq!((without.max_softmax, without.mahalanobis), (None, told.mahalanobis));
    }

    #[test]
    fn what_cannot_be_told_is_named() {
        let train = clouds(20, 3, 2, 1.0, 0);
        let config = OutlierConfig::default();
        let told = |outliers: &Features, config: &OutlierConfig| {
            outlier_detection(&train, &train, outliers, None, config).unwrap_err().to_string()
        };
        assert!(told(&train.select(&[]), &config).contains("set of outliers has no images"));
        assert!(told(&clouds(4, 2, 2, 1.0, 0), &config).contains("expected 3, got 2"));
        assert!(told(&train, &OutlierConfig { neighbours: 0, ..config }).contains("neighbours"));
        let probe = LinearProbe::fit(&clouds(20, 2, 2, 1.0, 0), &LinearProbeConfig::default()).unwrap();
        let error = outlier_detection(&train, &train, &train, Some(&probe), &OutlierConfig::default());
        assert!(error.unwrap_err().to_string().contains("as the probe's: expected 2, got 3"));
        let error = neighbour_distance(&train, &train, 21).unwrap_err().to_string();
        assert!(error.contains("21"), "{error}");
    }
}
