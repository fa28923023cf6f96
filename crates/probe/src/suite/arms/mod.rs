//! Arms of encoders on one data set: what each scores over its training seeds, and how two differ, by every metric.
//!
//! [`Arms`] holds all arms of a study at once; `zview compare` and `zview probe --versus` ask it alike.

mod difference;
mod score;

use std::collections::{BTreeMap, BTreeSet};

use zview_numerics::statistics::{PairedArms, Ratio, SharedVariance, holm, ratio};

pub use self::difference::{Difference, IMAGES_UNKNOWN, SIGNIFICANT};
use self::difference::{contrast, unpaired};
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
    /// How they are judged, with the same labelled images, whatever they were trained with.
    Judging,
}

/// All arms of a study on one data set.
#[derive(Debug, Clone)]
pub struct Arms {
    by_name: BTreeMap<String, Vec<Measured>>,
    groups: Option<Vec<usize>>,
    pairing: Pairing,
    alone: BTreeSet<String>,
}

impl Arms {
    /// The encoders of each arm, by its name; `groups` has which test images belong together.
    #[must_use]
    pub fn new(
        by_name: BTreeMap<String, Vec<Measured>>,
        groups: Option<Vec<usize>>,
        pairing: Pairing,
    ) -> Self {
        Self { by_name, groups, pairing, alone: BTreeSet::new() }
    }

    /// The same with arms that do not spread over seeds as the others do, such as untrained ones: their contrasts are judged by
    /// their own spread alone, and say nothing of the others'.
    #[must_use]
    pub fn with_alone(self, alone: impl IntoIterator<Item = String>) -> Self {
        Self { alone: alone.into_iter().collect(), ..self }
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
            let score = ArmScore::of(&scores, first.images, self.pairing, self.groups.as_deref())?;
            Some((metric.key.clone(), score))
        };
        first.scores.iter().filter_map(of_metric).collect()
    }

    /// `arm` minus `other`, by every metric that all their encoders have. Where seeds pair them, on those that both have.
    #[must_use]
    pub fn differences(&self, arm: &str, other: &str) -> ByMetric<Difference> {
        match self.pairing {
            Pairing::Seeds { .. } => self.contrasts(&[(arm, 1.0), (other, -1.0)]),
            Pairing::Judging => {
                let [own, others] = [self.of(arm), self.of(other)].map(|of| of.iter().collect::<Vec<_>>());
                let difference = |key: &str| {
                    unpaired(&by_metric(&own, key)?, &by_metric(&others, key)?, self.groups.as_deref())
                };
                by_key(own.first().filter(|_| !others.is_empty()).copied(), difference)
            }
        }
    }

    /// The sum of arms with these weights, by every metric that all their encoders have, on the seeds that all of them have.
    #[must_use]
    pub fn contrasts(&self, weights: &[(&str, f64)]) -> ByMetric<Difference> {
        let Pairing::Seeds { asked } = self.pairing else { return BTreeMap::new() };
        let arms: Vec<&[Measured]> = weights.iter().map(|(arm, _)| self.of(arm)).collect();
        let Some((first, others)) = arms.split_first() else { return BTreeMap::new() };
        let in_all = |seed: u64| others.iter().all(|arm| of_seed(arm, seed).is_some());
        let seeds: Vec<u64> = first.iter().map(|own| own.seed).filter(|&seed| in_all(seed)).collect();
        let of_metric = |key: &str| {
            let mut parts: Vec<(f64, Vec<&Score>)> = Vec::new();
            for (&(_, weight), &arm) in weights.iter().zip(&arms) {
                let encoders: Option<Vec<&Measured>> = seeds.iter().map(|&seed| of_seed(arm, seed)).collect();
                parts.push((weight, by_metric(&encoders?, key)?));
            }
            contrast(&parts, asked, self.groups.as_deref(), self.shared(weights, &seeds, key).as_ref())
        };
        by_key(first.iter().find(|own| seeds.contains(&own.seed)), of_metric)
    }

    /// How all trained arms that have the most seeds spread over them by a metric.
    #[must_use]
    pub fn shared_by(&self, key: &str) -> Option<SharedVariance> {
        let longest = self.by_name.iter().filter(|(name, _)| !self.alone.contains(*name));
        let seeds: Vec<u64> = longest
            .max_by_key(|(_, encoders)| encoders.len())?
            .1
            .iter()
            .map(|encoder| encoder.seed)
            .collect();
        Some(self.shared(&[], &seeds, key)?.0)
    }

    /// One weighted sum of arms over another by a metric, both of sum 0, on the seeds that all of them have; `None` where an
    /// arm has none, or where it is not known which test images were right.
    #[must_use]
    pub fn ratio(&self, sums: [&[(&str, f64)]; 2], key: &str) -> Option<(Ratio, usize)> {
        let names: BTreeSet<&str> = sums.iter().copied().flatten().map(|(arm, _)| *arm).collect();
        let mut seeds: Vec<u64> = self.of(names.first()?).iter().map(|encoder| encoder.seed).collect();
        seeds.retain(|&seed| names.iter().all(|arm| of_seed(self.of(arm), seed).is_some()));
        let shares = |arm: &&str| -> Option<Vec<Vec<f32>>> {
            let right = |&seed: &u64| Some(of_seed(self.of(arm), seed)?.score(key)?.right.as_ref()?.shares());
            seeds.iter().map(right).collect()
        };
        let right: Vec<Vec<Vec<f32>>> = names.iter().map(shares).collect::<Option<_>>()?;
        let right: Vec<Vec<&[f32]>> =
            right.iter().map(|of_arm| of_arm.iter().map(Vec::as_slice).collect()).collect();
        let arms = PairedArms::new(&right, self.groups.as_deref())?;
        let weights = |sum: &[(&str, f64)]| -> Vec<f64> {
            let of = |name: &&str| sum.iter().filter(|(arm, _)| arm == name).map(|(_, weight)| weight).sum();
            names.iter().map(of).collect()
        };
        let [above, below] = sums.map(weights);
        let shared = self.shared(sums[0], &seeds, key).zip(self.shared(sums[1], &seeds, key));
        let shared = shared.as_ref().map(|((shared, above), (_, below))| (shared, [&**above, &**below]));
        Some((ratio(&arms, [&above, &below], shared), seeds.len()))
    }

    /// How all arms that have these seeds spread over them by a metric, with the weights of these arms; `None` where one of
    /// the weighted arms is not among them.
    fn shared(
        &self,
        weights: &[(&str, f64)],
        seeds: &[u64],
        key: &str,
    ) -> Option<(SharedVariance, Vec<f64>)> {
        if weights.iter().any(|(arm, _)| self.alone.contains(*arm)) {
            return None;
        }
        let of_arm = |(name, encoders): (&String, &Vec<Measured>)| {
            let value = |&seed: &u64| Some(of_seed(encoders, seed)?.score(key)?.value);
            let values = seeds.iter().map(value).collect::<Option<Vec<f64>>>()?;
            let weight: f64 = weights.iter().filter(|(arm, _)| arm == name).map(|(_, weight)| weight).sum();
            (!self.alone.contains(name)).then_some((values, weight))
        };
        let (values, weights): (Vec<Vec<f64>>, Vec<f64>) = self.by_name.iter().filter_map(of_arm).unzip();
        Some((SharedVariance::of(&values)?, weights))
    }
}

fn of_seed(encoders: &[Measured], seed: u64) -> Option<&Measured> {
    encoders.iter().find(|encoder| encoder.seed == seed)
}

/// The scores of all encoders by a metric, if they have it.
fn by_metric<'a>(encoders: &[&'a Measured], key: &str) -> Option<Vec<&'a Score>> {
    encoders.iter().map(|encoder| encoder.score(key)).collect()
}

/// What there is of each metric of an encoder.
fn by_key(
    encoder: Option<&Measured>,
    difference: impl Fn(&str) -> Option<Difference>,
) -> ByMetric<Difference> {
    let keys = encoder.into_iter().flat_map(|encoder| &encoder.scores).map(|score| &score.metric.key);
    keys.filter_map(|key| Some((key.clone(), difference(key)?))).collect()
}

/// Holm's correction of all `tests` together, those of one family; what has no p-value is none of them.
pub fn correct_together<'a>(tests: impl Iterator<Item = &'a mut Difference>) {
    let mut tested: Vec<&mut Difference> = tests.filter(|test| test.p_value.is_some()).collect();
    let p_values: Vec<f64> = tested.iter().filter_map(|test| test.p_value).collect();
    for (test, corrected) in tested.iter_mut().zip(holm(&p_values)) {
        test.p_holm = Some(corrected);
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
    by_metric.into_values().for_each(|tests| correct_together(tests.into_iter()));
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
