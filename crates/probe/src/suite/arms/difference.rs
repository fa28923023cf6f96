//! How two arms differ by a metric: one function chooses by what pairs them and by what is known of the test images.

use serde::Serialize;
use zview_numerics::statistics::{
    Interval, PairedTest, arms_difference_interval, mcnemar, mean_interval, paired_seeds_difference,
    welch_interval,
};
use zview_report::words::minus;

use super::Pairing;
use crate::suite::intervals::{ONE_OF_SEVERAL, over_seeds, too_few};
use crate::suite::metric::{Metric, Score, Unit};

/// Below this corrected probability of no difference, one is significant.
pub const SIGNIFICANT: f64 = 0.05;

/// Why an accuracy's difference has no p-value: that is over seeds and test images.
pub const IMAGES_UNKNOWN: &str = "which test images were right is not kept of these";

/// Why that of another metric has none.
pub const NOT_BY_IMAGE: &str = "these are measured on all test images together";

/// A metric of an arm minus that of another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Of what.
    #[serde(skip)]
    pub metric: Metric,
    /// The difference of the means.
    pub difference: f64,
    /// Lower end of its 95 % interval.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// What the interval is over, where seeds do not pair the arms: `test images`, `encoders`, `draws` of the labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over: Option<&'static str>,
    /// Why it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_interval: Option<&'static str>,
    /// Two-sided p-value; none where there is no interval.
    pub p_value: Option<f64>,
    /// Why it has none, where it has an interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_p: Option<&'static str>,
    /// The p-value corrected for all arms and data sets (Holm), within the metric.
    pub p_holm: Option<f64>,
    /// McNemar's test, which gives the p-value where each arm is one encoder and test images are independent (those of
    /// `glyphs` are not).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcnemar: Option<PairedTest>,
    /// Seeds that both arms have, or the fewer encoders of the two.
    pub seeds: usize,
}

impl Difference {
    /// Of values of the same seeds: the t-interval over seeds.
    #[must_use]
    pub fn over_seeds(values: &[f64], reference: &[f64], metric: Metric) -> Self {
        let differences: Vec<f64> = values.iter().zip(reference).map(|(a, b)| a - b).collect();
        let (summary, seeds) = (mean_interval(&differences), differences.len());
        let of_seeds =
            Self { no_interval: too_few(seeds), ..Self::without_interval(summary.mean, metric, seeds) };
        of_seeds.with(over_seeds(summary.interval, seeds))
    }

    fn without_interval(difference: f64, metric: Metric, seeds: usize) -> Self {
        Self {
            metric,
            difference,
            low: None,
            high: None,
            over: None,
            no_interval: None,
            p_value: None,
            no_p: None,
            p_holm: None,
            mcnemar: None,
            seeds,
        }
    }

    fn with(self, interval: Option<Interval>) -> Self {
        let (low, high) = interval.map(|interval| (interval.low, interval.high)).unzip();
        Self { low, high, ..self }
    }

    /// The ends of the interval, where there is one.
    #[must_use]
    pub fn interval(&self) -> Option<(f64, f64)> {
        self.low.zip(self.high)
    }

    /// Whether it is significantly different from 0: by its corrected p-value, or of one seed, which has none, by its
    /// interval.
    #[must_use]
    pub fn is_significant(&self) -> bool {
        match self.p_holm {
            Some(p) => p < SIGNIFICANT,
            None => self.seeds == 1 && self.interval().is_some_and(|(low, high)| low > 0.0 || high < 0.0),
        }
    }

    /// Whether the arm is better than the other by it; `None` where there is no better.
    #[must_use]
    pub fn is_better(&self) -> Option<bool> {
        self.metric.better.is_better(self.difference)
    }

    /// How differences near it are written, with their sign.
    pub fn signed(&self) -> impl Fn(f64) -> String + Copy + use<> {
        self.metric.unit.signed(self.size())
    }

    /// How they are written without one, precisely.
    pub fn precise(&self) -> impl Fn(f64) -> String + Copy + use<> {
        self.metric.unit.precise(self.size())
    }

    fn size(&self) -> f64 {
        let (low, high) = self.interval().unwrap_or_default();
        self.difference.abs().max(low.abs()).max(high.abs())
    }

    /// Those with a sign on a page, which has minus signs.
    pub fn shown(&self) -> impl Fn(f64) -> String + Copy + use<> {
        let signed = self.signed();
        move |value| minus(&signed(value))
    }
}

/// `own` minus `others` by one metric; `None` where an arm has no encoder. With [`Pairing::Seeds`] both have the same
/// seeds.
pub(super) fn difference(
    own: &[&Score],
    others: &[&Score],
    pairing: Pairing,
    groups: Option<&[usize]>,
) -> Option<Difference> {
    let metric = own.first()?.metric.clone();
    let values = |scores: &[&Score]| scores.iter().map(|score| score.value).collect::<Vec<f64>>();
    match pairing {
        Pairing::Seeds { asked } => {
            let mut of_seeds = Difference::over_seeds(&values(own), &values(others), metric);
            if own.len() == 1 && asked > 1 {
                of_seeds.no_interval = Some(ONE_OF_SEVERAL);
            }
            Some(over_images_too(of_seeds, own, others, groups))
        }
        Pairing::Judging { seed, stream } => {
            let seeds = own.len().min(others.len());
            let welch = welch_interval(&values(own), &values(others));
            let no_interval = too_few(own.len()).or(too_few(others.len()));
            let base = Difference { no_interval, ..Difference::without_interval(welch.mean, metric, seeds) };
            if let Some(difference) = over_draws(&base, own, others) {
                return Some(difference);
            }
            // Few labels of several encoders: their means over draws.
            let drawn = !own[0].draws.is_empty();
            let correct = if drawn { None } else { of_one_draw(own).zip(of_one_draw(others)) };
            let Some((a, b)) = correct else {
                let interval = welch.interval.filter(|_| no_interval.is_none());
                return Some(Difference { over: interval.map(|_| "encoders"), ..base.with(interval) });
            };
            let interval = arms_difference_interval(&slices(&a), &slices(&b), groups, seed, stream)
                .filter(|_| no_interval.is_none());
            let single = a.len() == 1 && b.len() == 1;
            // The test takes images for independent of each other, which those of a group are not.
            let mcnemar = (single && groups.is_none()).then(|| mcnemar(&a[0], &b[0])).flatten();
            let over = if single { "test images" } else { "encoders and test images" };
            Some(Difference {
                over: interval.map(|_| over),
                p_value: mcnemar.map(|test| test.p_value),
                mcnemar,
                ..base.with(interval)
            })
        }
    }
}

/// With interval and p-value over test images too, where it is known which of them were right; else with the reason for
/// no p-value.
fn over_images_too(
    mut of_seeds: Difference,
    own: &[&Score],
    others: &[&Score],
    groups: Option<&[usize]>,
) -> Difference {
    if of_seeds.no_interval.is_some() {
        return of_seeds;
    }
    let shares = |scores: &[&Score]| -> Option<Vec<Vec<f32>>> {
        scores.iter().map(|score| Some(score.right.as_ref()?.shares())).collect()
    };
    let Some((own, others)) = shares(own).zip(shares(others)) else {
        let why = if of_seeds.metric.unit == Unit::Accuracy { IMAGES_UNKNOWN } else { NOT_BY_IMAGE };
        return Difference { no_p: Some(why), ..of_seeds };
    };
    if let Some(paired) = paired_seeds_difference(&slices(&own), &slices(&others), groups) {
        (of_seeds.low, of_seeds.high) = (Some(paired.low), Some(paired.high));
        of_seeds.p_value = paired.p_value;
    }
    of_seeds
}

/// Of one encoder each, over the draws of labelled images that both learnt from.
fn over_draws(base: &Difference, own: &[&Score], others: &[&Score]) -> Option<Difference> {
    let ([a], [b]) = (own, others) else { return None };
    if a.draws.is_empty() || a.draws.len() != b.draws.len() {
        return None;
    }
    let differences: Vec<f64> = a.draws.iter().zip(&b.draws).map(|(a, b)| a - b).collect();
    let summary = mean_interval(&differences);
    let over = summary.interval.map(|_| "draws");
    Some(Difference { difference: summary.mean, over, ..base.clone() }.with(summary.interval))
}

/// Of each encoder, whether each test image was right, where that is known and nothing is drawn.
fn of_one_draw(scores: &[&Score]) -> Option<Vec<Vec<bool>>> {
    scores.iter().map(|score| score.right.as_ref()?.of_one_draw()).collect()
}

fn slices<T>(rows: &[Vec<T>]) -> Vec<&[T]> {
    rows.iter().map(Vec::as_slice).collect()
}
