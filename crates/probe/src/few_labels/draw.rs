//! Drawing labelled images, and learning from a draw.

use zview_runtime::seed::{Purpose, Stream};

use crate::ProbeError;
use crate::linear::{Logistic, LogisticConfig, LogisticProblem, PenaltyRule, Standardiser, choose_penalty};
use zview_features::{Features, Problems, Settings};

/// Step of the streams of nested draws; draws of one number of labels use that number.
const NESTED: u64 = 0;

/// A pool of labelled images and the test images, standardised once for all draws with the statistics
/// of the whole pool, in which labels have no part.
pub(super) struct LabelledPool {
    pub pool: Features,
    pub test: Features,
    /// (C) lists.
    pub images_by_class: Vec<Vec<usize>>,
}

impl LabelledPool {
    /// # Errors
    /// Sets that are empty or do not fit together, a single class, a class without images in the pool.
    pub fn new(pool: &Features, test: &Features) -> Result<Self, ProbeError> {
        Features::check_classified(pool, test)?;
        let images_by_class = pool.images_by_class();
        if let Some(class) = images_by_class.iter().position(Vec::is_empty) {
            return Err(ProbeError::ClassMissing {
                class: pool.class_names()[class].clone(),
                images: pool.len(),
            });
        }
        let standardiser = Standardiser::fit(pool);
        Ok(Self { pool: standardiser.apply(pool), test: standardiser.apply(test), images_by_class })
    }

    /// Images of the class that has the fewest.
    pub fn smallest_class(&self) -> usize {
        self.images_by_class.iter().map(Vec::len).min().unwrap_or(0)
    }

    /// That every class has `labels_per_class` images.
    ///
    /// # Errors
    /// [`ProbeError::TooFewLabelled`], naming the first class that has not.
    pub fn check(&self, labels_per_class: usize) -> Result<(), ProbeError> {
        match self.images_by_class.iter().position(|images| images.len() < labels_per_class) {
            None => Ok(()),
            Some(class) => Err(ProbeError::TooFewLabelled {
                class: self.pool.class_names()[class].clone(),
                available: self.images_by_class[class].len(),
                needed: labels_per_class,
                pool: self.pool.len(),
            }),
        }
    }

    /// Those of `sizes` that every class can give and that `rule` can use: a chosen penalty needs two
    /// images of each class. The others are logged.
    pub fn fitting(&self, sizes: &[usize], rule: &PenaltyRule) -> Result<Vec<usize>, ProbeError> {
        let least = if matches!(rule, PenaltyRule::Fixed(_)) { 1 } else { 2 };
        let fits = |&size: &usize| (least..=self.smallest_class()).contains(&size);
        let (fitting, left_out): (Vec<_>, Vec<_>) = sizes.iter().copied().partition(fits);
        if !left_out.is_empty() {
            tracing::info!(?left_out, smallest_class = self.smallest_class(), "labels per class left out");
        }
        if fitting.is_empty() {
            return Err(ProbeError::NothingHeldOut { images: self.pool.len() });
        }
        Ok(fitting)
    }

    /// Draw number `draw` of every class's images.
    pub fn nested_draw(&self, seed: u64, draw: u64) -> NestedDraw {
        let mut stream = Stream::new(seed, Purpose::FewShot, NESTED, draw);
        let mut order_by_class = self.images_by_class.clone();
        order_by_class.iter_mut().for_each(|images| stream.shuffle(images));
        NestedDraw { order_by_class, penalty_seed: stream.bits() }
    }

    /// Learns from `images` of the pool, beginning at `start`, and judges all test images.
    ///
    /// # Errors
    /// Whatever the penalty's rule cannot do.
    pub fn learn(
        &self,
        images: &[usize],
        rule: &PenaltyRule,
        max_iterations: usize,
        penalty_seed: u64,
        start: Option<&Logistic>,
    ) -> Result<Learnt, ProbeError> {
        let labelled = self.pool.select(images);
        let choice = choose_penalty(&labelled, rule, max_iterations, penalty_seed)?;
        let options = LogisticConfig { max_iterations, ..LogisticConfig::with_l2(choice.penalty) };
        let fit = LogisticProblem::new(&labelled)?.fit(options, choice.model.as_ref().or(start))?;
        let right: Vec<bool> = fit.model.label_ranks(&self.test).iter().map(|&rank| rank == 0).collect();
        let correct = right.iter().filter(|&&right| right).count();
        Ok(Learnt {
            correct,
            top1: correct as f64 / self.test.len() as f64,
            right,
            penalty: choice.penalty,
            converged: fit.converged(),
            model: fit.model,
        })
    }
}

/// Each class's images in a random order. The first n of a class are a draw of n labels, so that a
/// larger draw contains every smaller one.
pub(super) struct NestedDraw {
    /// (C) lists.
    order_by_class: Vec<Vec<usize>>,
    /// Seed of the split on which a penalty is chosen.
    pub penalty_seed: u64,
}

impl NestedDraw {
    /// The first images of each class, as many as `count` says of a class with that many images.
    pub fn first(&self, count: impl Fn(usize) -> usize) -> Vec<usize> {
        let of_class = |order: &Vec<usize>| order[..count(order.len())].to_vec();
        self.order_by_class.iter().flat_map(of_class).collect()
    }
}

/// What one draw came to.
pub(super) struct Learnt {
    /// Test images that are right.
    pub correct: usize,
    /// Their share.
    pub top1: f64,
    /// Which they are (N).
    pub right: Vec<bool>,
    /// l2.
    pub penalty: f64,
    pub converged: bool,
    pub model: Logistic,
}

/// More are of no use, and could not be told of each test image.
const MOST_DRAWS: usize = 10_000;

/// What is wrong with the keys that all settings of draws have. No number of labels is enough where there is `another`
/// result.
pub(super) fn problems_of_draws(
    labels_per_class: Option<&[usize]>,
    another: bool,
    draws: usize,
    penalty: &PenaltyRule,
    max_iterations: usize,
) -> Problems {
    let labels = labels_per_class.unwrap_or(&[1]);
    let some = another || !labels.is_empty();
    Problems::default()
        .require(
            some && !labels.contains(&0),
            "labels_per_class",
            "one number of 1 or more, or several",
            labels,
        )
        .require((1..=MOST_DRAWS).contains(&draws), "draws", format_args!("1 to {MOST_DRAWS}"), draws)
        .within("penalty", penalty.problems())
        .at_least("max_iterations", 1, max_iterations)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_features::made_up::clouds;

    #[test]
    fn a_larger_draw_contains_every_smaller_one() {
        let features = clouds(90, 2, 3, 1.0, 0);
        let labelled = LabelledPool::new(&features, &features).unwrap();
        let draw = labelled.nested_draw(4, 1);
        let (small, large) = (draw.first(|_| 3), draw.first(|_| 20));
        assert_eq!((small.len(), large.len()), (9, 60));
        assert!(small.iter().all(|image| large.contains(image)));
        for class in 0..3 {
            let count = large.iter().filter(|&&image| features.labels()[image] == class).count();
            assert_eq!(count, 20);
        }
        assert_ne!(small, labelled.nested_draw(4, 2).first(|_| 3));
        assert_ne!(small, labelled.nested_draw(5, 1).first(|_| 3));
    }
}
