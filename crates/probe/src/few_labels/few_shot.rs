//! Few-shot accuracy: a linear classifier learnt from a few labels of each class.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use zview_runtime::seed::{Purpose, Stream};

use crate::{
    Features, LogisticConfig, LogisticProblem, PenaltyRule, ProbeError, Standardiser, choose_penalty,
    mean_interval,
};

/// How few-shot accuracy is measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FewShotConfig {
    /// Labels per class, one result for each.
    pub labels_per_class: Vec<usize>,
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
            labels_per_class: vec![10, 100],
            draws: 5,
            penalty: PenaltyRule::Fixed(1e-3),
            max_iterations: 1_000,
            seed: 0,
        }
    }
}

/// Few-shot accuracy at one number of labels per class; accuracies are fractions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FewShotScore {
    /// Mean over the draws.
    pub mean: f64,
    /// Lower end of the 95 % t-interval over draws; `None` for a single draw.
    pub low: Option<f64>,
    /// Upper end of that interval.
    pub high: Option<f64>,
    /// Top-1 accuracy of every draw on all test images.
    pub draws: Vec<f64>,
    /// The l2 of every draw.
    pub penalties: Vec<f64>,
    /// Whether every fit converged.
    pub converged: bool,
}

/// Accuracy on all of `test` after learning from a few images of each class of `pool`, keyed by
/// labels per class.
///
/// Features are standardised with the whole pool's statistics (labels have no part in them).
///
/// # Errors
/// A class with too few images, sets that do not fit together, settings that cannot work.
pub fn few_shot(
    pool: &Features,
    test: &Features,
    config: &FewShotConfig,
) -> Result<BTreeMap<usize, FewShotScore>, ProbeError> {
    Features::check_train_and_test(pool, test)?;
    for (key, too_small) in
        [("draws", config.draws == 0), ("labels_per_class", config.labels_per_class.contains(&0))]
    {
        if too_small {
            return Err(ProbeError::Setting { key, expected: "at least 1", got: "0".to_owned() });
        }
    }
    let standardiser = Standardiser::fit(pool);
    let (pool, test) = (standardiser.apply(pool), standardiser.apply(test));
    let images_by_class = pool.images_by_class();
    let mut scores = BTreeMap::new();
    for &labels_per_class in &config.labels_per_class {
        if let Some(class) = images_by_class.iter().position(|images| images.len() < labels_per_class) {
            return Err(ProbeError::TooFewLabelled {
                class: pool.class_names()[class].clone(),
                available: images_by_class[class].len(),
                needed: labels_per_class,
                pool: pool.len(),
            });
        }
        let draws: Vec<Draw> = (0..config.draws as u64)
            .into_par_iter()
            .map(|draw| one_draw(&pool, &images_by_class, &test, labels_per_class, draw, config))
            .collect::<Result<_, _>>()?;
        scores.insert(labels_per_class, summarise(&draws));
    }
    Ok(scores)
}

struct Draw {
    top1: f64,
    penalty: f64,
    converged: bool,
}

fn one_draw(
    pool: &Features,
    images_by_class: &[Vec<usize>],
    test: &Features,
    labels_per_class: usize,
    draw: u64,
    config: &FewShotConfig,
) -> Result<Draw, ProbeError> {
    let mut stream = Stream::new(config.seed, Purpose::FewShot, labels_per_class as u64, draw);
    let mut images = Vec::with_capacity(labels_per_class * images_by_class.len());
    for of_class in images_by_class {
        let mut shuffled = of_class.clone();
        stream.shuffle(&mut shuffled);
        images.extend_from_slice(&shuffled[..labels_per_class]);
    }
    let labelled = pool.select(&images);
    let choice = choose_penalty(&labelled, &config.penalty, config.max_iterations, stream.bits())?;
    let options =
        LogisticConfig { max_iterations: config.max_iterations, ..LogisticConfig::with_l2(choice.penalty) };
    let fit = LogisticProblem::new(&labelled)?.fit(options, choice.model.as_ref())?;
    let top1 = fit.model.top_k_correct(test, 1) as f64 / test.len() as f64;
    Ok(Draw { top1, penalty: choice.penalty, converged: fit.converged() })
}

fn summarise(draws: &[Draw]) -> FewShotScore {
    let accuracies: Vec<f64> = draws.iter().map(|draw| draw.top1).collect();
    let summary = mean_interval(&accuracies);
    FewShotScore {
        mean: summary.mean,
        // An accuracy outside of 0 to 1 is impossible, whatever the t-distribution thinks.
        low: summary.interval.map(|interval| interval.low.max(0.0)),
        high: summary.interval.map(|interval| interval.high.min(1.0)),
        draws: accuracies,
        penalties: draws.iter().map(|draw| draw.penalty).collect(),
        converged: draws.iter().all(|draw| draw.converged),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::rows::tests::clouds;

    #[test]
    fn draws_differ_repeat_by_seed_and_more_labels_help() {
        let (pool, test) = (clouds(600, 16, 5, 0.5, 0), clouds(500, 16, 5, 0.5, 1));
        let config = FewShotConfig { labels_per_class: vec![3, 60], ..Default::default() };
        let scores = few_shot(&pool, &test, &config).unwrap();
        let few = &scores[&3];
        assert_eq!(few.draws.len(), 5);
        assert!(few.draws.iter().any(|&draw| draw != few.draws[0]), "{few:?}");
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
        let config = FewShotConfig { labels_per_class: vec![10], draws: 3, ..Default::default() };
        let score = &few_shot(&pool, &test, &config).unwrap()[&10];
        assert!(score.draws.iter().all(|&draw| (draw - score.mean).abs() < 0.006), "{score:?}");
    }

    #[test]
    fn one_draw_has_no_interval() {
        let (pool, test) = (clouds(40, 6, 4, 0.5, 0), clouds(40, 6, 4, 0.5, 1));
        let config = FewShotConfig { labels_per_class: vec![2], draws: 1, ..Default::default() };
        assert_eq!(few_shot(&pool, &test, &config).unwrap()[&2].low, None);
    }

    #[test]
    fn a_chosen_penalty_is_chosen_within_the_draw() {
        let (pool, test) = (clouds(200, 6, 4, 0.5, 0), clouds(200, 6, 4, 0.5, 1));
        let rule = PenaltyRule::Chosen { penalties: vec![1e-3, 1e-1], validation_share: 0.2 };
        let config = FewShotConfig { labels_per_class: vec![10], penalty: rule, ..Default::default() };
        let score = &few_shot(&pool, &test, &config).unwrap()[&10];
        assert!(score.penalties.iter().all(|penalty| [1e-3, 1e-1].contains(penalty)));
    }

    #[test]
    fn too_few_images_name_class_and_remedy() {
        let pool = clouds(30, 3, 4, 1.0, 0);
        let config = FewShotConfig { labels_per_class: vec![8], ..Default::default() };
        let error = few_shot(&pool, &pool, &config).unwrap_err().to_string();
        assert!(error.contains("class 2 has 7 of the 30") && error.contains("train_pool"), "{error}");
        let none = FewShotConfig { draws: 0, ..Default::default() };
        assert!(few_shot(&pool, &pool, &none).unwrap_err().to_string().contains("draws"));
    }
}
