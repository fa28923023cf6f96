//! Arms of encoders on one data set: what each scores over its training seeds, and how two differ, by every metric.
//!
//! [`Arms`] holds all arms of a study at once; `zview compare` and `zview probe --versus` ask it alike.

mod difference;
mod score;

use std::collections::BTreeMap;

use zview_numerics::statistics::holm;

use self::difference::difference;
pub use self::difference::{Difference, IMAGES_UNKNOWN, SIGNIFICANT};
pub use self::score::ArmScore;
use super::metric::{Metric, Score};
use super::set_evaluation::SetEvaluation;

/// By the keys of metrics.
pub type ByMetric<T> = BTreeMap<String, T>;

/// What one encoder of an arm was measured at.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Its training seed, or its number among those of its arm.
    pub seed: u64,
    /// Training and test images.
    pub images: [usize; 2],
    /// By every metric, in the order of tables.
    pub scores: Vec<Score>,
}

impl Measured {
    /// What `set` says of the encoder.
    #[must_use]
    pub fn new(seed: u64, set: &SetEvaluation) -> Self {
        Self { seed, images: set.images(), scores: set.scores() }
    }

    fn score(&self, key: &str) -> Option<&Score> {
        self.scores.iter().find(|score| score.metric.key == key)
    }
}

/// What encoders of different arms have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pairing {
    /// The seed: those of one seed began with the same weights, and labelled images are drawn anew for each seed.
    Seeds {
        /// How many seeds each arm is to have: of one among several nothing is concluded.
        asked: usize,
    },
    /// How they are judged, with the same labelled images, whatever they were trained with; bootstraps are by these
    /// numbers.
    Judging {
        /// The seed.
        seed: u64,
        /// Which of its random streams.
        stream: u64,
    },
}

/// All arms of a study on one data set.
#[derive(Debug, Clone)]
pub struct Arms {
    by_name: BTreeMap<String, Vec<Measured>>,
    groups: Option<Vec<usize>>,
    pairing: Pairing,
}

impl Arms {
    /// The encoders of each arm, by its name; `groups` has which test images belong together.
    #[must_use]
    pub fn new(
        by_name: BTreeMap<String, Vec<Measured>>,
        groups: Option<Vec<usize>>,
        pairing: Pairing,
    ) -> Self {
        Self { by_name, groups, pairing }
    }

    fn of(&self, arm: &str) -> &[Measured] {
        self.by_name.get(arm).map_or(&[], Vec::as_slice)
    }

    /// What `arm` scores, over its encoders that were measured.
    #[must_use]
    pub fn scores(&self, arm: &str) -> ByMetric<ArmScore> {
        let encoders = self.of(arm);
        let Some(first) = encoders.first() else { return BTreeMap::new() };
        let of_metric = |Score { metric, .. }: &Score| {
            let scores: Vec<&Score> =
                encoders.iter().filter_map(|encoder| encoder.score(&metric.key)).collect();
            let score = ArmScore::of(&scores, first.images, self.pairing)?;
            Some((metric.key.clone(), score))
        };
        first.scores.iter().filter_map(of_metric).collect()
    }

    /// `arm` minus `other`, by every metric that all their encoders have. Where seeds pair them, on those that both have.
    #[must_use]
    pub fn differences<'a>(&'a self, arm: &str, other: &str) -> ByMetric<Difference> {
        let (own, others): (Vec<&'a Measured>, Vec<&'a Measured>) = match self.pairing {
            Pairing::Seeds { .. } => self.pairs(arm, other).unzip(),
            Pairing::Judging { .. } => (self.of(arm).iter().collect(), self.of(other).iter().collect()),
        };
        let Some(first) = own.first().filter(|_| !others.is_empty()) else { return BTreeMap::new() };
        let of_metric = |Score { metric, .. }: &Score| {
            let by_metric = |encoders: &[&'a Measured]| -> Option<Vec<&'a Score>> {
                encoders.iter().map(|encoder| encoder.score(&metric.key)).collect()
            };
            let (own, others) = (by_metric(&own)?, by_metric(&others)?);
            let difference = difference(&own, &others, self.pairing, self.groups.as_deref())?;
            Some((metric.key.clone(), difference))
        };
        first.scores.iter().filter_map(of_metric).collect()
    }

    /// The encoders of both arms that have a seed in common.
    fn pairs<'a>(&'a self, arm: &str, other: &str) -> impl Iterator<Item = (&'a Measured, &'a Measured)> {
        let others = self.of(other);
        let of_seed = move |seed: u64| others.iter().find(|other| other.seed == seed);
        self.of(arm).iter().filter_map(move |own| Some((own, of_seed(own.seed)?)))
    }
}

/// Holm's correction of p-values over all `differences` of each metric.
pub fn correct_for_many<'a>(differences: impl Iterator<Item = &'a mut ByMetric<Difference>>) {
    let mut by_metric: ByMetric<Vec<&mut Difference>> = BTreeMap::new();
    for (key, difference) in differences.flat_map(BTreeMap::iter_mut) {
        if difference.p_value.is_some() {
            by_metric.entry(key.clone()).or_default().push(difference);
        }
    }
    for tested in by_metric.values_mut() {
        let p_values: Vec<f64> = tested.iter().filter_map(|difference| difference.p_value).collect();
        for (difference, corrected) in tested.iter_mut().zip(holm(&p_values)) {
            difference.p_holm = Some(corrected);
        }
    }
}

/// The different ones of `metrics`, in the order of tables.
#[must_use]
pub fn distinct<'a>(metrics: impl Iterator<Item = &'a Metric>) -> Vec<Metric> {
    let mut found: Vec<Metric> = Vec::new();
    for metric in metrics {
        if !found.iter().any(|known| known.key == metric.key) {
            found.push(metric.clone());
        }
    }
    found.sort_by(Metric::in_order);
    found
}

#[cfg(test)]
mod tests;
