//! The linear probe: a linear classifier on frozen features.
//!
//! Everything is decided on training images; the test images are looked at once, at the end.

use serde::{Deserialize, Serialize};
use zview_numerics::statistics::{Interval, accuracy_interval};

use super::penalty::{PenaltyChoice, PenaltyRule, PenaltyScore, choose_penalty};
use super::predictions::Predictions;
use crate::ProbeError;
use crate::linear::{Logistic, LogisticConfig, LogisticProblem, Standardiser};
use zview_features::{FeatureError, Features, Problems, Settings};

/// How the linear probe is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinearProbeConfig {
    /// l2 values to choose from; 45 from 1e-6 to 1e5, four to a decade, where none are given (after
    /// Kornblith et al., Do Better ImageNet Models Transfer Better?, CVPR 2019).
    pub penalties: Vec<f64>,
    /// The share of each class's training images held out to choose the penalty.
    pub validation_share: f64,
    /// Steps of the optimiser at most, for each penalty.
    pub max_iterations: usize,
    /// Seed of the split and of the confidence interval.
    pub seed: u64,
    /// This l2 instead of choosing one.
    pub fixed_penalty: Option<f64>,
}

impl Default for LinearProbeConfig {
    fn default() -> Self {
        Self {
            penalties: (-24..=20).map(|quarter| 10f64.powf(f64::from(quarter) / 4.0)).collect(),
            validation_share: 0.1,
            max_iterations: 1_000,
            seed: 0,
            fixed_penalty: None,
        }
    }
}

impl LinearProbeConfig {
    fn rule(&self) -> PenaltyRule {
        match self.fixed_penalty {
            Some(penalty) => PenaltyRule::Fixed(penalty),
            None => PenaltyRule::Chosen {
                penalties: self.penalties.clone(),
                validation_share: self.validation_share,
            },
        }
    }
}

impl Settings for LinearProbeConfig {
    fn problems(&self) -> Vec<String> {
        let problems = Problems::default().at_least("max_iterations", 1, self.max_iterations);
        match self.fixed_penalty {
            Some(penalty) => problems.positive("fixed_penalty", penalty),
            None => problems
                .all_positive("penalties", &self.penalties)
                .part("validation_share", self.validation_share),
        }
        .list()
    }
}

/// Result of a linear probe; accuracies are fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinearScore {
    /// Share of test images whose most probable class is right.
    pub top1: f64,
    /// Share of test images whose class is among the five most probable; `None` of five classes or fewer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top5: Option<f64>,
    /// Lower end of the 95 % interval of `top1`, over test images.
    pub low: f64,
    /// Upper end of that interval.
    pub high: f64,
    /// The l2 used.
    pub penalty: f64,
    /// Held-out scores of every penalty tried, largest first; empty if the penalty was fixed.
    pub validation: Vec<PenaltyScore>,
    /// Top-1 accuracy on the test images of each class, (C); `None` where there are none.
    pub per_class: Vec<Option<f64>>,
    /// Training images.
    pub n_train: usize,
    /// Test images.
    pub n_test: usize,
    /// Whether the final fit converged.
    pub converged: bool,
    /// Whether each test image's top-1 prediction is right, (N), for paired comparisons.
    #[serde(skip)]
    pub correct: Vec<bool>,
    /// What the classifier says of each test image.
    #[serde(skip)]
    pub predictions: Predictions,
}

/// A fitted linear classifier of features as they come from an encoder. No test image had a part in it.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearProbe {
    standardiser: Standardiser,
    model: Logistic,
    choice: PenaltyChoice,
    n_train: usize,
    converged: bool,
    seed: u64,
}

impl LinearProbe {
    /// Chooses the penalty on a held-out part of `train`, then fits all of it.
    ///
    /// # Errors
    /// An empty set, a class without training images, settings that cannot work.
    pub fn fit(train: &Features, config: &LinearProbeConfig) -> Result<Self, ProbeError> {
        config.check()?;
        let choice = choose_penalty(train, &config.rule(), config.max_iterations, config.seed)?;
        let standardiser = Standardiser::fit(train);
        let standardised = standardiser.apply(train);
        let options = LogisticConfig {
            max_iterations: config.max_iterations,
            ..LogisticConfig::with_l2(choice.penalty)
        };
        let fit = LogisticProblem::new(&standardised)?.fit(options, choice.model.as_ref())?;
        if !fit.converged() {
            tracing::warn!(
                penalty = choice.penalty,
                iterations = fit.iterations,
                gradient = fit.gradient_norm,
                stop = ?fit.stop,
                "the linear probe did not converge; raise `max_iterations`"
            );
        }
        let converged = fit.converged();
        Ok(Self {
            standardiser,
            model: fit.model,
            choice,
            n_train: train.len(),
            converged,
            seed: config.seed,
        })
    }

    /// That `features` have the probe's dimension and no other number of classes.
    pub(crate) fn check(&self, features: &Features) -> Result<(), ProbeError> {
        let classes = self.model.bias().len();
        let dimension = self.model.weights().len() / classes;
        for (what, expected, got) in [
            ("dimension of the features, as the probe's", dimension, features.dimension()),
            ("classes, as the probe's", classes, features.classes()),
        ] {
            if expected != got {
                return Err(ProbeError::Features(FeatureError::Size { what, expected, got }));
            }
        }
        Ok(())
    }

    /// What it says of each image of `features`, which are not standardised.
    #[must_use]
    pub fn predictions(&self, features: &Features) -> Predictions {
        self.model.predictions(&self.standardiser.apply(features))
    }

    /// The same classifier as one of features that are not standardised.
    pub(crate) fn on_raw_features(&self) -> Logistic {
        self.standardiser.undone_in(&self.model)
    }

    /// Its accuracy on `test`, which is looked at here for the first time.
    #[must_use]
    pub fn score(&self, test: &Features) -> LinearScore {
        let predictions = self.predictions(test);
        let correct = predictions.correct();
        let share = |count: usize| count as f64 / test.len() as f64;
        let top1_count = predictions.top_k_correct(1);
        let Interval { low, high } = accuracy_interval(top1_count, test.len());
        LinearScore {
            top1: share(top1_count),
            top5: predictions.top5(self.model.bias().len()),
            low,
            high,
            penalty: self.choice.penalty,
            validation: self.choice.curve.clone(),
            per_class: per_class_accuracy(test, &correct),
            n_train: self.n_train,
            n_test: test.len(),
            converged: self.converged,
            correct,
            predictions,
        }
    }
}

/// Chooses the penalty on a held-out part of `train`, refits on all of it, evaluates on `test` once.
///
/// # Errors
/// Sets that do not fit together or are empty, a class without training images, settings that
/// cannot work.
pub fn linear_probe(
    train: &Features,
    test: &Features,
    config: &LinearProbeConfig,
) -> Result<LinearScore, ProbeError> {
    Features::check_classified(train, test)?;
    Ok(LinearProbe::fit(train, config)?.score(test))
}

/// Top-1 accuracy on the images of each class, (C); `None` where there are none.
pub(crate) fn per_class_accuracy(test: &Features, correct: &[bool]) -> Vec<Option<f64>> {
    let accuracy = |images: &Vec<usize>| {
        let right = images.iter().filter(|&&image| correct[image]).count();
        (!images.is_empty()).then(|| right as f64 / images.len() as f64)
    };
    test.images_by_class().iter().map(accuracy).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_features::made_up::{clouds, mapped, numbered};
    use zview_runtime::seed::{Purpose, Stream};

    #[test]
    fn separable_classes_are_told_apart_and_noise_is_not() {
        let config = LinearProbeConfig::default();
        let (train, test) = (clouds(300, 8, 6, 3.0, 0), clouds(600, 8, 6, 3.0, 1));
        let score = linear_probe(&train, &test, &config).unwrap();
        assert!(score.top1 > 0.98 && score.converged, "{score:?}");
        assert!(score.low <= score.top1 && score.top1 <= score.high && score.top5 >= Some(score.top1));
        assert_eq!((score.n_train, score.n_test, score.validation.len()), (300, 600, 45));
        let mean: f64 = score.per_class.iter().map(|accuracy| accuracy.unwrap()).sum::<f64>() / 6.0;
        assert!((mean - score.top1).abs() < 1e-12);

        let noise = linear_probe(&clouds(300, 8, 6, 0.0, 0), &clouds(600, 8, 6, 0.0, 1), &config).unwrap();
        assert!((noise.top1 - 1.0 / 6.0).abs() < 0.06, "{}", noise.top1);
    }

    #[test]
    fn the_penalty_never_depends_on_test_labels() {
        let config = LinearProbeConfig::default();
        let (train, test) = (clouds(200, 20, 4, 0.4, 0), clouds(400, 20, 4, 0.4, 1));
        let honest = linear_probe(&train, &test, &config).unwrap();
        let mut labels = test.labels().to_vec();
        Stream::new(0, Purpose::Check, 0, 0).shuffle(&mut labels);
        let permuted = Features::new(test.whole().unwrap().into_owned(), 20, labels, numbered(4)).unwrap();
        let score = linear_probe(&train, &permuted, &config).unwrap();
        assert_eq!(score.penalty, honest.penalty);
        assert_eq!(score.validation, honest.validation);
        assert!((score.top1 - 0.25).abs() < 0.07 && honest.top1 > 0.4, "{} {}", score.top1, honest.top1);
    }

    #[test]
    fn a_mapped_file_gives_the_same_score() {
        let config = LinearProbeConfig { penalties: vec![1e-3, 0.1, 10.0], ..Default::default() };
        let (train, test) = (clouds(700, 6, 4, 0.5, 0), clouds(300, 6, 4, 0.5, 1));
        let in_memory = linear_probe(&train, &test, &config).unwrap();
        assert_eq!(linear_probe(&mapped(&train), &mapped(&test), &config).unwrap(), in_memory);
    }

    #[test]
    fn a_fixed_penalty_is_used_as_given() {
        let config = LinearProbeConfig { fixed_penalty: Some(0.5), ..Default::default() };
        let score = linear_probe(&clouds(60, 4, 3, 1.0, 0), &clouds(60, 4, 3, 1.0, 1), &config).unwrap();
        assert_eq!((score.penalty, score.validation.len()), (0.5, 0));
    }

    #[test]
    fn a_class_without_training_images_is_named() {
        let train = Features::new(vec![0.0, 1.0, 2.0, 3.0], 1, vec![0, 0, 2, 2], numbered(3)).unwrap();
        let error = linear_probe(&train, &train, &LinearProbeConfig::default()).unwrap_err();
        assert!(matches!(&error, ProbeError::ClassMissing { class, images: _ } if class == "1"), "{error}");
    }
}
