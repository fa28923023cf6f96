//! Accuracy over the number of labels: how many labels an encoder saves.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::time::Instant;
use zview_numerics::statistics::accuracy_interval;

use super::draw::{LabelledPool, Learnt, problems_of_draws};
use super::few_shot::FewShotScore;
use crate::ProbeError;
use crate::linear::{Logistic, PenaltyRule};
use zview_features::{Features, Settings};

/// How the curve is measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LabelCurveConfig {
    /// Labels per class, one point for each. Where none are given, 1, 2, 5, 10, 20, 50, ... as far as
    /// every class of the pool can give them.
    pub labels_per_class: Option<Vec<usize>>,
    /// Whether the last point is the whole pool.
    pub all: bool,
    /// Independent draws of the labelled images.
    pub draws: usize,
    /// The penalty; if chosen, then on a held-out share of the draw itself.
    pub penalty: PenaltyRule,
    /// Steps of the optimiser at most.
    pub max_iterations: usize,
    /// Seed of the draws and of the last point's interval.
    pub seed: u64,
}

impl Default for LabelCurveConfig {
    fn default() -> Self {
        Self {
            labels_per_class: None,
            all: true,
            draws: 10,
            penalty: PenaltyRule::Fixed(1e-3),
            max_iterations: 1_000,
            seed: 0,
        }
    }
}

impl Settings for LabelCurveConfig {
    fn problems(&self) -> Vec<String> {
        let labels = self.labels_per_class.as_deref();
        problems_of_draws(labels, self.all, self.draws, &self.penalty, self.max_iterations).list()
    }
}

/// What an interval is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IntervalOver {
    /// The draws of the labelled images, and test images.
    Draws,
    /// Test images: with all labels there is nothing to draw.
    TestImages,
}

/// Accuracy with one number of labels; accuracies are fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelCurvePoint {
    /// Labels per class; `None` where the whole pool is labelled.
    pub labels_per_class: Option<usize>,
    /// Labelled images, all classes together.
    pub labels: usize,
    /// Mean top-1 accuracy over the draws.
    pub mean: f64,
    /// Lower end of the 95 % interval; `None` for a single draw.
    pub low: Option<f64>,
    /// Upper end of that interval.
    pub high: Option<f64>,
    /// What the interval is over.
    pub interval_over: IntervalOver,
    /// Top-1 accuracy of every draw on all test images; one number for the whole pool.
    pub draws: Vec<f64>,
    /// Whether every fit converged.
    pub converged: bool,
}

/// The curve, from the fewest labels to the most.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelCurve {
    /// The points.
    pub points: Vec<LabelCurvePoint>,
    /// Images of the pool.
    pub n_train: usize,
    /// Test images.
    pub n_test: usize,
    /// How long it took.
    pub seconds: f64,
}

/// Accuracy on all of `test` over the number of labels of each class of `pool`.
///
/// Draw d of a larger number contains draw d of every smaller one, so that along a draw labels are
/// only added; each fit begins where the next smaller one ended. Features are standardised with the
/// whole pool's statistics.
///
/// # Errors
/// As [`crate::few_labels::few_shot`].
pub fn label_curve(
    pool: &Features,
    test: &Features,
    config: &LabelCurveConfig,
) -> Result<LabelCurve, ProbeError> {
    let started = Instant::now();
    config.check()?;
    let labelled = LabelledPool::new(pool, test)?;
    let classes = labelled.images_by_class.len();
    let sizes = match &config.labels_per_class {
        None => {
            // With as many as there are, every draw is the whole pool, which has a point of its own.
            let not_all = |size: &usize| !config.all || size * classes < pool.len();
            let sizes: Vec<usize> = one_two_five(labelled.smallest_class()).filter(not_all).collect();
            if sizes.is_empty() { sizes } else { labelled.fitting(&sizes, &config.penalty)? }
        }
        Some(sizes) => {
            let mut ascending = sizes.clone();
            ascending.sort_unstable();
            ascending.dedup();
            ascending.iter().try_for_each(|&size| labelled.check(size))?;
            ascending
        }
    };
    // (draws) lists of (sizes)
    let draws: Vec<Vec<Learnt>> = (0..config.draws as u64)
        .into_par_iter()
        .map(|draw| along_one_draw(&labelled, &sizes, draw, config))
        .collect::<Result<_, _>>()?;
    let mut points = Vec::with_capacity(sizes.len() + 1);
    let mut by_draw: Vec<_> = draws.into_iter().map(Vec::into_iter).collect();
    for &size in &sizes {
        let of_size: Vec<Learnt> = by_draw.iter_mut().filter_map(Iterator::next).collect();
        let FewShotScore { labels, mean, low, high, draws, converged, .. } =
            FewShotScore::of(size * classes, &of_size);
        points.push(LabelCurvePoint {
            labels_per_class: Some(size),
            labels,
            mean,
            low,
            high,
            interval_over: IntervalOver::Draws,
            draws,
            converged,
        });
    }
    if config.all {
        points.push(whole_pool(&labelled, config)?);
    }
    Ok(LabelCurve {
        points,
        n_train: pool.len(),
        n_test: test.len(),
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// 1, 2, 5, 10, 20, 50, ... up to `largest`.
fn one_two_five(largest: usize) -> impl Iterator<Item = usize> {
    (0..18)
        .flat_map(|exponent| [1, 2, 5].map(|digit| digit * 10usize.pow(exponent)))
        .take_while(move |&size| size <= largest)
}

fn along_one_draw(
    labelled: &LabelledPool,
    sizes: &[usize],
    draw: u64,
    config: &LabelCurveConfig,
) -> Result<Vec<Learnt>, ProbeError> {
    let draw = labelled.nested_draw(config.seed, draw);
    let mut start: Option<Logistic> = None;
    let mut learnt = Vec::with_capacity(sizes.len());
    for &size in sizes {
        let images = draw.first(|_| size);
        let next = labelled.learn(
            &images,
            &config.penalty,
            config.max_iterations,
            draw.penalty_seed,
            start.as_ref(),
        )?;
        start = Some(next.model.clone());
        learnt.push(next);
    }
    Ok(learnt)
}

fn whole_pool(labelled: &LabelledPool, config: &LabelCurveConfig) -> Result<LabelCurvePoint, ProbeError> {
    let draw = labelled.nested_draw(config.seed, 0);
    let images: Vec<usize> = (0..labelled.pool.len()).collect();
    let learnt = labelled.learn(&images, &config.penalty, config.max_iterations, draw.penalty_seed, None)?;
    let interval = accuracy_interval(learnt.correct, labelled.test.len());
    Ok(LabelCurvePoint {
        labels_per_class: None,
        labels: images.len(),
        mean: learnt.top1,
        low: Some(interval.low),
        high: Some(interval.high),
        interval_over: IntervalOver::TestImages,
        draws: vec![learnt.top1],
        converged: learnt.converged,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_features::FeatureError;
    use zview_features::made_up::{clouds, numbered};

    fn sizes(curve: &LabelCurve) -> Vec<Option<usize>> {
        curve.points.iter().map(|point| point.labels_per_class).collect()
    }

    #[test]
    fn accuracy_rises_with_labels_up_to_the_whole_pool() {
        let (pool, test) = (clouds(640, 16, 5, 0.5, 0), clouds(500, 16, 5, 0.5, 1));
        let config = LabelCurveConfig { draws: 4, ..Default::default() };
        let curve = label_curve(&pool, &test, &config).unwrap();
        assert_eq!(sizes(&curve), [Some(1), Some(2), Some(5), Some(10), Some(20), Some(50), Some(100), None]);
        let (first, last) = (&curve.points[0], &curve.points[7]);
        assert!(last.mean > first.mean + 0.2 && curve.points.iter().all(|point| point.converged));
        assert_eq!((first.labels, first.draws.len(), first.interval_over), (5, 4, IntervalOver::Draws));
        assert_eq!((last.labels, last.draws.len(), last.interval_over), (640, 1, IntervalOver::TestImages));
        assert!(curve.points.iter().all(|p| p.low.unwrap() <= p.mean && p.mean <= p.high.unwrap()));
        let again = label_curve(&pool, &test, &config).unwrap();
        assert_eq!(curve.points, again.points);
        let json = serde_json::to_value(&curve).unwrap();
        assert_eq!(json["points"][7]["interval_over"], "test-images");
        assert!(json["points"][7]["labels_per_class"].is_null());
    }

    #[test]
    fn beginning_at_the_smaller_fit_changes_nothing_beyond_its_tolerance() {
        let (pool, test) = (clouds(400, 6, 4, 0.5, 0), clouds(300, 6, 4, 0.5, 1));
        let config = LabelCurveConfig { draws: 3, all: false, ..Default::default() };
        let points = |labels: &[usize]| {
            let config = LabelCurveConfig { labels_per_class: Some(labels.to_vec()), ..config.clone() };
            label_curve(&pool, &test, &config).unwrap().points
        };
        let (alone, along) = (points(&[50]), points(&[50, 2, 10, 2]));
        assert_eq!(
            along.iter().map(|p| p.labels_per_class).collect::<Vec<_>>(),
            [Some(2), Some(10), Some(50)]
        );
        for (a, b) in alone[0].draws.iter().zip(&along[2].draws) {
            assert!((a - b).abs() < 0.01, "{a} {b}");
        }
    }

    #[test]
    fn points_that_the_pool_cannot_give_are_left_out_or_named() {
        let (pool, test) = (clouds(40, 3, 4, 1.0, 0), clouds(40, 3, 4, 1.0, 1));
        let config = LabelCurveConfig { draws: 2, ..Default::default() };
        // Ten of each class are all of them.
        assert_eq!(sizes(&label_curve(&pool, &test, &config).unwrap()), [Some(1), Some(2), Some(5), None]);
        let without_all = LabelCurveConfig { all: false, ..config.clone() };
        assert_eq!(
            sizes(&label_curve(&pool, &test, &without_all).unwrap()),
            [Some(1), Some(2), Some(5), Some(10)]
        );
        let asked = LabelCurveConfig { labels_per_class: Some(vec![2, 11]), ..config.clone() };
        let error = label_curve(&pool, &test, &asked).unwrap_err();
        assert!(matches!(error, ProbeError::TooFewLabelled { needed: 11, available: 10, .. }), "{error}");
        // One image of each class: the whole pool is the only point.
        let four = pool.select(&[0, 1, 2, 3]);
        assert_eq!(sizes(&label_curve(&four, &test, &config).unwrap()), [None]);
        let single = Features::new(vec![0.0, 1.0], 1, vec![0, 0], numbered(1)).unwrap();
        assert!(matches!(
            label_curve(&single, &single, &config).unwrap_err(),
            ProbeError::Features(FeatureError::OneClass { .. })
        ));
    }
}
