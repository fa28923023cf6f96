//! Few-shot accuracy: a linear classifier learnt from a few labels of each class.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use zview_numerics::statistics::{drawn_accuracy_interval, mean_interval};
use zview_runtime::seed::{Purpose, Stream};

use super::draw::{LabelledPool, Learnt, problems_of_draws};
use crate::ProbeError;
use crate::linear::PenaltyRule;
use zview_features::{Features, Settings};

/// Labels per class where none are given.
const DEFAULT_LABELS: [usize; 4] = [1, 5, 10, 100];

/// How few-shot accuracy is measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FewShotConfig {
    /// Labels per class, one result for each. Where none are given, those of 1, 5, 10 and 100 that
    /// every class of the pool can give (and from 5 on where the penalty is chosen, which needs two).
    pub labels_per_class: Option<Vec<usize>>,
    /// Shares of the training images that are labelled, above 0 to 1, one result for each, of every
    /// class its share: see [`crate::few_labels::few_shot_shares`].
    pub shares: Vec<f64>,
    /// Independent draws of the labelled images.
    pub draws: usize,
    /// The penalty; if chosen, then on a held-out share of the draw itself.
    pub penalty: PenaltyRule,
    /// Steps of the optimiser at most.
    pub max_iterations: usize,
    /// Seed of the draws.
    pub seed: u64,
}

impl Default for FewShotConfig {
    fn default() -> Self {
        Self {
            labels_per_class: None,
            shares: vec![0.01, 0.1],
            draws: 10,
            penalty: PenaltyRule::Fixed(1e-3),
            max_iterations: 1_000,
            seed: 0,
        }
    }
}

impl Settings for FewShotConfig {
    fn problems(&self) -> Vec<String> {
        let (labels, shares) = (self.labels_per_class.as_deref(), &self.shares);
        let holds = shares.iter().all(|share| *share > 0.0 && *share <= 1.0);
        problems_of_draws(labels, !shares.is_empty(), self.draws, &self.penalty, self.max_iterations)
            .require(holds, "shares", "numbers above 0, at most 1", shares)
            .list()
    }
}

/// Few-shot accuracy at one number of labels; accuracies are fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FewShotScore {
    /// Labelled images of each draw, all classes together.
    pub labels: usize,
    /// Mean over the draws.
    pub mean: f64,
    /// Lower end of the 95 % interval over draws and test images; `None` for a single draw.
    pub low: Option<f64>,
    /// Upper end of that interval.
    pub high: Option<f64>,
    /// Top-1 accuracy of every draw on all test images.
    pub draws: Vec<f64>,
    /// The l2 of every draw.
    pub penalties: Vec<f64>,
    /// Whether every fit converged.
    pub converged: bool,
    /// In how many draws each test image was right (N).
    #[serde(skip)]
    pub right_draws: Vec<u32>,
}

/// Accuracy on all of `test` after learning from a few images of each class of `pool`, keyed by
/// labels per class.
///
/// Features are standardised with the whole pool's statistics (labels have no part in them). Draws of
/// different numbers of labels are independent of each other; those of a [`crate::few_labels::label_curve`] are
/// nested. A class without test images has no part in the accuracy.
///
/// # Errors
/// A class with fewer images than asked for, a single class, sets that do not fit together, settings
/// that cannot work.
pub fn few_shot(
    pool: &Features,
    test: &Features,
    config: &FewShotConfig,
) -> Result<BTreeMap<usize, FewShotScore>, ProbeError> {
    config.check()?;
    let labelled = LabelledPool::new(pool, test)?;
    let sizes = match &config.labels_per_class {
        None => labelled.fitting(&DEFAULT_LABELS, &config.penalty)?,
        Some(sizes) => {
            sizes.iter().try_for_each(|&size| labelled.check(size))?;
            sizes.clone()
        }
    };
    let mut scores = BTreeMap::new();
    for labels_per_class in sizes {
        let draws: Vec<Learnt> = (0..config.draws as u64)
            .into_par_iter()
            .map(|draw| one_draw(&labelled, labels_per_class, draw, config))
            .collect::<Result<_, _>>()?;
        let labels = labels_per_class * labelled.images_by_class.len();
        scores.insert(labels_per_class, FewShotScore::of(labels, &draws));
    }
    Ok(scores)
}

fn one_draw(
    labelled: &LabelledPool,
    labels_per_class: usize,
    draw: u64,
    config: &FewShotConfig,
) -> Result<Learnt, ProbeError> {
    let mut stream = Stream::new(config.seed, Purpose::FewShot, labels_per_class as u64, draw);
    let mut images = Vec::with_capacity(labels_per_class * labelled.images_by_class.len());
    for of_class in &labelled.images_by_class {
        let mut shuffled = of_class.clone();
        stream.shuffle(&mut shuffled);
        images.extend_from_slice(&shuffled[..labels_per_class]);
    }
    labelled.learn(&images, &config.penalty, config.max_iterations, stream.bits(), None)
}

impl FewShotScore {
    /// The summary of `draws` of `labels` images each.
    pub(super) fn of(labels: usize, draws: &[Learnt]) -> Self {
        let accuracies: Vec<f64> = draws.iter().map(|draw| draw.top1).collect();
        let right_draws: Vec<u32> = (0..draws.first().map_or(0, |draw| draw.right.len()))
            .map(|image| draws.iter().map(|draw| u32::from(draw.right[image])).sum())
            .collect();
        let interval = drawn_accuracy_interval(&accuracies, &right_draws, None);
        Self {
            labels,
            mean: mean_interval(&accuracies).mean,
            low: interval.map(|interval| interval.low),
            high: interval.map(|interval| interval.high),
            draws: accuracies,
            penalties: draws.iter().map(|draw| draw.penalty).collect(),
            converged: draws.iter().all(|draw| draw.converged),
            right_draws,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_features::made_up::{clouds, numbered};

    #[test]
    fn draws_differ_repeat_by_seed_and_more_labels_help() {
        let (pool, test) = (clouds(600, 16, 5, 0.5, 0), clouds(500, 16, 5, 0.5, 1));
        let config = FewShotConfig { labels_per_class: Some(vec![3, 60]), ..Default::default() };
        let scores = few_shot(&pool, &test, &config).unwrap();
        let few = &scores[&3];
        assert_eq!((few.draws.len(), few.labels), (10, 15));
        assert!(few.draws.iter().any(|&draw| draw != few.draws[0]), "{few:?}");
        let right: u32 = few.right_draws.iter().sum();
        assert!((f64::from(right) / 5_000.0 - few.mean).abs() < 1e-12 && few.right_draws.len() == 500);
        assert!(few.converged && few.low.unwrap() < few.mean && few.mean < few.high.unwrap());
        assert!(scores[&60].mean > few.mean + 0.05, "{scores:?}");
        assert_eq!(scores, few_shot(&pool, &test, &config).unwrap());
        let other = few_shot(&pool, &test, &FewShotConfig { seed: 1, ..config }).unwrap();
        assert_ne!(other[&3].draws, few.draws);
    }

    #[test]
    fn all_labels_of_a_class_are_the_same_draw_each_time() {
        // Taking every image leaves nothing to draw: all draws agree.
        let (pool, test) = (clouds(40, 6, 4, 0.5, 0), clouds(200, 6, 4, 0.5, 1));
        let config = FewShotConfig { labels_per_class: Some(vec![10]), draws: 3, ..Default::default() };
        let score = &few_shot(&pool, &test, &config).unwrap()[&10];
        assert!(score.draws.iter().all(|&draw| (draw - score.mean).abs() < 0.006), "{score:?}");
    }

    #[test]
    fn one_draw_has_no_interval() {
        let (pool, test) = (clouds(40, 6, 4, 0.5, 0), clouds(40, 6, 4, 0.5, 1));
        let config = FewShotConfig { labels_per_class: Some(vec![2]), draws: 1, ..Default::default() };
        assert_eq!(few_shot(&pool, &test, &config).unwrap()[&2].low, None);
    }

    #[test]
    fn a_chosen_penalty_is_chosen_within_the_draw() {
        let (pool, test) = (clouds(200, 6, 4, 0.5, 0), clouds(200, 6, 4, 0.5, 1));
        let rule = PenaltyRule::Chosen { penalties: vec![1e-3, 1e-1], validation_share: 0.2 };
        let config = FewShotConfig { labels_per_class: Some(vec![10]), penalty: rule, ..Default::default() };
        let score = &few_shot(&pool, &test, &config).unwrap()[&10];
        assert!(score.penalties.iter().all(|penalty| [1e-3, 1e-1].contains(penalty)));
    }

    #[test]
    fn too_few_images_name_class_and_remedy() {
        let pool = clouds(30, 3, 4, 1.0, 0);
        let config = FewShotConfig { labels_per_class: Some(vec![8]), ..Default::default() };
        let error = few_shot(&pool, &pool, &config).unwrap_err().to_string();
        assert!(error.contains("class 2 has 7 of the 30") && error.contains("train_pool"), "{error}");
        let zero = FewShotConfig { labels_per_class: Some(vec![0]), ..Default::default() };
        assert!(few_shot(&pool, &pool, &zero).unwrap_err().to_string().contains("labels_per_class"));
        let none = FewShotConfig { draws: 0, ..Default::default() };
        assert!(few_shot(&pool, &pool, &none).unwrap_err().to_string().contains("draws"));
    }

    #[test]
    fn the_default_numbers_are_those_that_the_pool_can_give() {
        let sizes = |images: usize, config: &FewShotConfig| {
            let pool = clouds(images, 3, 2, 1.0, 0);
            few_shot(&pool, &pool, config).unwrap().into_keys().collect::<Vec<_>>()
        };
        let fixed = FewShotConfig { draws: 1, ..Default::default() };
        assert_eq!(sizes(200, &fixed), [1, 5, 10, 100]);
        // 20 of class 0 and 19 of class 1.
        assert_eq!(sizes(39, &fixed), [1, 5, 10]);
        assert_eq!(sizes(2, &fixed), [1]);
        let rule = PenaltyRule::Chosen { penalties: vec![1e-3], validation_share: 0.2 };
        let chosen = FewShotConfig { penalty: rule, ..fixed };
        assert_eq!(sizes(40, &chosen), [5, 10]);
        let single = clouds(6, 3, 2, 1.0, 0);
        let error = few_shot(&single, &single, &chosen).unwrap_err();
        assert!(matches!(error, ProbeError::NothingHeldOut { .. }), "{error}");
    }

    #[test]
    fn a_single_class_and_classes_without_images() {
        let config = FewShotConfig { draws: 2, ..Default::default() };
        let single = Features::new(vec![0.0, 1.0], 1, vec![0, 0], numbered(1)).unwrap();
        let error = few_shot(&single, &single, &config).unwrap_err().to_string();
        assert!(error.contains("nothing to tell apart") && error.contains("two classes"), "{error}");
        let train = Features::new(vec![0.0, 1.0, 2.0], 1, vec![0, 1, 1], numbered(3)).unwrap();
        let error = few_shot(&train, &train, &config).unwrap_err();
        assert!(matches!(&error, ProbeError::ClassMissing { class, .. } if class == "2"), "{error}");
        // Without test images of class 1 the accuracy is that of class 0.
        let (pool, test) = (clouds(40, 4, 2, 5.0, 0), clouds(40, 4, 2, 5.0, 1));
        let only = test.select(&(0..40).filter(|image| image % 2 == 0).collect::<Vec<_>>());
        assert!(few_shot(&pool, &only, &config).unwrap()[&10].mean > 0.9);
    }
}
