//! Which anchors a batch has: fresh ones without end, or a fixed number of them visited again and again.

use serde::{Deserialize, Serialize};
use zview_data::VisitOrder;
use zview_runtime::seed::{Purpose, Stream};

/// The order in which a fixed number of anchors is visited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnchorOrder {
    /// A fresh permutation in every epoch.
    #[default]
    Shuffled,
    /// 0, 1, 2, ..., again and again.
    Sequential,
}

/// How the conditions of anchors are drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conditions {
    /// Every class equally likely for each anchor.
    #[default]
    Random,
    /// Every class once, in random order, then every class again.
    Balanced,
}

/// The section `[anchors]` of a recipe.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct AnchorsConfig {
    /// How many anchors there are; without it every step has fresh ones, and no latent comes twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unique: Option<u64>,
    /// How many views there are of each of `unique` anchors, beside the anchor itself; without it views are fresh
    /// at every visit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unique_views: Option<u64>,
    /// The order in which `unique` anchors are visited.
    pub order: AnchorOrder,
    /// How classes are drawn.
    pub conditions: Conditions,
}

/// The most unique anchors: their order is held in memory.
const UNIQUE_MAX: u64 = 1 << 28;

impl AnchorsConfig {
    /// Everything wrong with the values, one line each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(unique) = self.unique.filter(|unique| !(1..=UNIQUE_MAX).contains(unique)) {
            problems.push(format!("anchors.unique: expected 1 to {UNIQUE_MAX}, got {unique}"));
        }
        match (self.unique, self.unique_views) {
            (None, Some(_)) => problems.push(
                "anchors.unique_views: it says how many views each of `anchors.unique` has, which is not given"
                    .to_owned(),
            ),
            (_, Some(0)) => problems.push("anchors.unique_views: expected 1 or more, got 0".to_owned()),
            _ => {}
        }
        if self.unique.is_none() && self.order == AnchorOrder::Sequential {
            problems.push("anchors.order: fresh anchors have no order; give `anchors.unique`".to_owned());
        }
        problems
    }
}

/// The step of streams that belong to a unique anchor and not to a step.
const NO_STEP: u64 = u64::MAX;

/// What the streams of one anchor are keyed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AnchorKey {
    pub(super) step: u64,
    pub(super) index: u64,
}

/// Gives each batch its anchors. A pure function of run seed and step, whatever was asked before.
#[derive(Debug)]
pub(super) struct AnchorChooser {
    config: AnchorsConfig,
    order: Option<(u64, VisitOrder)>,
    /// The last round of balanced classes, by run seed and number.
    round: Option<((u64, u64), Vec<i32>)>,
}

impl AnchorChooser {
    pub(super) fn new(config: AnchorsConfig) -> Self {
        Self { config, order: None, round: None }
    }

    /// The anchors of a batch: `count` of them, the first of which is number `first` of its step.
    pub(super) fn keys(&mut self, run_seed: u64, step: u64, first: u64, count: usize) -> Vec<AnchorKey> {
        let Some(unique) = self.config.unique else {
            return (first..first + count as u64).map(|index| AnchorKey { step, index }).collect();
        };
        let of = |index: u64| AnchorKey { step: NO_STEP, index };
        match self.config.order {
            AnchorOrder::Sequential => {
                let start = step.wrapping_mul(count as u64);
                (0..count as u64).map(|offset| of(start.wrapping_add(offset) % unique)).collect()
            }
            AnchorOrder::Shuffled => {
                let order = match &mut self.order {
                    Some((seed, order)) if *seed == run_seed => order,
                    slot => &mut slot.insert((run_seed, VisitOrder::new(run_seed, unique as usize))).1,
                };
                order.batch(step, count).into_iter().map(|index| of(index as u64)).collect()
            }
        }
    }

    /// The class of an anchor; `position` is its place among all of the run's where anchors are fresh.
    pub(super) fn class(&mut self, run_seed: u64, key: AnchorKey, position: u64, classes: usize) -> i32 {
        match self.config.conditions {
            Conditions::Random => {
                let mut stream = Stream::new(run_seed, Purpose::Condition, key.step, key.index);
                stream.below(classes as u64) as i32
            }
            Conditions::Balanced => {
                let position = if self.config.unique.is_some() { key.index } else { position };
                let (round, place) = (position / classes as u64, position % classes as u64);
                let key = (run_seed, round);
                if self.round.as_ref().is_none_or(|(of, _)| *of != key) {
                    let mut order: Vec<i32> = (0..classes as i32).collect();
                    Stream::new(run_seed, Purpose::BalancedCondition, round, 0).shuffle(&mut order);
                    self.round = Some((key, order));
                }
                self.round.as_ref().map_or(0, |(_, order)| order[place as usize])
            }
        }
    }

    /// The stream of view `view` (from 1) of an anchor that stands at `slot` of the batch of `step`.
    pub(super) fn view_stream(
        &self,
        run_seed: u64,
        (step, slot): (u64, u64),
        key: AnchorKey,
        view: u64,
    ) -> Stream {
        let fresh =
            Stream::new(run_seed, Purpose::View, step, slot * super::config::PER_ANCHOR_MAX as u64 + view);
        match self.config.unique_views {
            None => fresh,
            Some(views) => {
                let mut fresh = fresh;
                Stream::new(run_seed, Purpose::UniqueView, key.index, fresh.below(views))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::LatentBatch;
    use crate::prior::Prior;
    use crate::views::{LatentSampler, ViewKind, ViewsConfig};

    const D: usize = 4;

    fn batches(config: AnchorsConfig, kind: ViewKind, steps: u64, count: usize) -> Vec<LatentBatch> {
        let views = ViewsConfig::of(kind);
        let mut sampler = LatentSampler::with_prior(&views, config, Prior::standard_normal(D), Some(3));
        let batch = |step| {
            let drawn = sampler.draw(7, step, (0, count));
            sampler.finish(drawn)
        };
        (0..steps).map(batch).collect()
    }

    /// How often each row (anchor or view) occurs, in bits.
    fn occurrences(batches: &[LatentBatch], view: usize) -> BTreeMap<Vec<u32>, usize> {
        let mut counts = BTreeMap::new();
        for batch in batches {
            for views in batch.latents.chunks_exact(batch.per_anchor * D) {
                let row = &views[view * D..(view + 1) * D];
                *counts.entry(row.iter().map(|value| value.to_bits()).collect()).or_default() += 1;
            }
        }
        counts
    }

    #[test]
    fn fresh_anchors_never_come_twice() {
        let batches = batches(AnchorsConfig::default(), ViewKind::Gaussian, 50, 20);
        assert_eq!(occurrences(&batches, 0).len(), 1_000);
        assert_eq!(occurrences(&batches, 1).len(), 1_000);
    }

    #[test]
    fn unique_anchors_come_once_per_epoch_with_fresh_views_and_their_class() {
        for order in [AnchorOrder::Shuffled, AnchorOrder::Sequential] {
            let config = AnchorsConfig { unique: Some(100), order, ..AnchorsConfig::default() };
            let batches = batches(config, ViewKind::Gaussian, 15, 20);
            let anchors = occurrences(&batches, 0);
            assert_eq!(anchors.len(), 100);
            assert!(anchors.values().all(|count| *count == 3), "{order:?}");
            assert_eq!(occurrences(&batches, 1).len(), 300);
            let mut class_of = BTreeMap::new();
            for batch in &batches {
                let rows = batch.latents.chunks_exact(2 * D).map(|views| views[0].to_bits());
                let classes = batch.condition.as_ref().unwrap().iter().step_by(2);
                for (anchor, class) in rows.zip(classes) {
                    assert_eq!(class_of.insert(anchor, *class).unwrap_or(*class), *class);
                }
            }
            let sequential = batches[0].latents == batches[5].latents;
            assert!(!sequential, "views are fresh");
            let first: Vec<&[f32]> = batches[0].latents.chunks(2 * D).map(|views| &views[..D]).collect();
            let again: Vec<&[f32]> = batches[5].latents.chunks(2 * D).map(|views| &views[..D]).collect();
            assert_eq!(first == again, order == AnchorOrder::Sequential);
        }
    }

    #[test]
    fn unique_views_are_as_many_as_the_recipe_says() {
        let config = AnchorsConfig { unique: Some(10), unique_views: Some(3), ..AnchorsConfig::default() };
        let gaussian = batches(config, ViewKind::Gaussian, 40, 10);
        assert_eq!(occurrences(&gaussian, 1).len(), 30);
        let interpolated = batches(config, ViewKind::Interpolate, 40, 10);
        assert_eq!(occurrences(&interpolated, 1).len(), 30);
    }

    #[test]
    fn unique_anchors_do_not_depend_on_the_batch() {
        let config = AnchorsConfig { unique: Some(60), ..AnchorsConfig::default() };
        let (small, large) =
            (batches(config, ViewKind::Gaussian, 6, 10), batches(config, ViewKind::Gaussian, 2, 30));
        assert_eq!(occurrences(&small, 0), occurrences(&large, 0));
    }

    #[test]
    fn balanced_conditions_come_equally_often() {
        let config = AnchorsConfig { conditions: Conditions::Balanced, ..AnchorsConfig::default() };
        let mut orders = std::collections::BTreeSet::new();
        for batch in batches(config, ViewKind::Gaussian, 10, 30) {
            let classes: Vec<i32> = batch.condition.unwrap().into_iter().step_by(2).collect();
            for round in classes.chunks_exact(3) {
                let mut sorted = round.to_vec();
                sorted.sort_unstable();
                assert_eq!(sorted, [0, 1, 2]);
                orders.insert(round.to_vec());
            }
        }
        assert_eq!(orders.len(), 6, "every order occurs");
    }

    #[test]
    fn contradictions_are_all_listed() {
        let config = AnchorsConfig {
            unique: None,
            unique_views: Some(0),
            order: AnchorOrder::Sequential,
            ..AnchorsConfig::default()
        };
        assert_eq!(config.problems().len(), 2);
        assert_eq!(AnchorsConfig { unique: Some(0), ..AnchorsConfig::default() }.problems().len(), 1);
        assert!(AnchorsConfig::default().problems().is_empty());
    }
}
