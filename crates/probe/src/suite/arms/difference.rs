//! How arms differ by a metric: [`contrast`] where seeds pair them, [`unpaired`] where they do not.

use serde::Serialize;
use zview_numerics::statistics::{
    Contrast, Interval, PairedArms, PairedTest, SharedVariance, drawn_difference_interval, mcnemar,
    mean_interval, unpaired_difference, welch_interval,
};
use zview_report::words::minus;

use crate::suite::intervals::{ONE_OF_SEVERAL, over_seeds, too_few};
use crate::suite::metric::{Metric, Score, Unit};

/// Below this corrected probability of no difference, one is significant.
pub const SIGNIFICANT: f64 = 0.05;

/// Why an accuracy's difference has no p-value: that is over seeds and test images.
pub const IMAGES_UNKNOWN: &str = "which test images were right is not kept of these";

/// Why that of another metric has none.
pub const NOT_BY_IMAGE: &str = "these are measured on all test images together";

/// A metric of an arm minus that of another, or another weighted sum of arms.
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
    /// The p-value corrected for all tests of its family (Holm).
    pub p_holm: Option<f64>,
    /// McNemar's test, which gives the p-value where each arm is one encoder and test images are independent (those of
    /// `glyphs` are not).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcnemar: Option<PairedTest>,
    /// Seeds that all arms have, or the fewest encoders.
    pub seeds: usize,
    /// How it spreads, where seeds pair the arms.
    #[serde(skip)]
    pub of_seeds: Option<Contrast>,
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
            of_seeds: None,
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

/// A weighted sum of arms by one metric, each with its scores of the same seeds in the same order; `None` where an arm has
/// no encoder. `shared` has the arms that spread alike over seeds, and the weights of these. Over test images too where it
/// is known which of them were right.
pub(super) fn contrast(
    parts: &[(f64, Vec<&Score>)],
    asked: usize,
    groups: Option<&[usize]>,
    shared: Option<&(SharedVariance, Vec<f64>)>,
) -> Option<Difference> {
    let first = parts.first()?.1.first()?;
    let seeds = parts[0].1.len();
    let (weights, scores): (Vec<f64>, Vec<&Vec<&Score>>) =
        parts.iter().map(|(weight, scores)| (*weight, scores)).unzip();
    let shares = |scores: &&Vec<&Score>| -> Option<Vec<Vec<f32>>> {
        scores.iter().map(|score| Some(score.right.as_ref()?.shares())).collect()
    };
    let right: Option<Vec<Vec<Vec<f32>>>> = scores.iter().map(shares).collect();
    let by_image = right.and_then(|right| {
        PairedArms::new(&right.iter().map(|of_arm| slices(of_arm)).collect::<Vec<_>>(), groups)
    });
    let is_by_image = by_image.is_some();
    let values = |scores: &&Vec<&Score>| scores.iter().map(|score| score.value).collect();
    let arms = match by_image {
        Some(arms) => arms,
        None => PairedArms::of_values(&scores.iter().map(values).collect::<Vec<Vec<f64>>>())?,
    };
    let of = arms.contrast(&weights, shared.map(|(shared, weights)| (shared, &**weights)));
    let no_interval = match seeds {
        1 if asked > 1 => Some(ONE_OF_SEVERAL),
        seeds => too_few(seeds),
    };
    let base = Difference {
        no_interval,
        of_seeds: Some(of),
        ..Difference::without_interval(of.value, first.metric.clone(), seeds)
    };
    if no_interval.is_some() {
        return Some(base);
    }
    let no_p = match (is_by_image, first.metric.unit) {
        (true, _) => None,
        (false, Unit::Accuracy) => Some(IMAGES_UNKNOWN),
        (false, _) => Some(NOT_BY_IMAGE),
    };
    let interval = (seeds > 1 || is_by_image).then_some(of.interval);
    Some(Difference { p_value: of.p_value.filter(|_| is_by_image), no_p, ..base.with(interval) })
}

/// `own` minus `others` by one metric, encoders that have nothing in common but how they are judged; `None` where an arm
/// has none.
pub(super) fn unpaired(own: &[&Score], others: &[&Score], groups: Option<&[usize]>) -> Option<Difference> {
    let metric = own.first()?.metric.clone();
    let values = |scores: &[&Score]| scores.iter().map(|score| score.value).collect::<Vec<f64>>();
    let seeds = own.len().min(others.len());
    let welch = welch_interval(&values(own), &values(others));
    let no_interval = too_few(own.len()).or(too_few(others.len()));
    let base = Difference { no_interval, ..Difference::without_interval(welch.mean, metric, seeds) };
    let shares = |scores: &[&Score]| -> Option<Vec<Vec<f32>>> {
        scores.iter().map(|score| Some(score.right.as_ref()?.shares())).collect()
    };
    if let Some(difference) = over_draws(&base, own, others, groups) {
        return Some(difference);
    }
    let Some((a, b)) = shares(own).zip(shares(others)) else {
        let interval = welch.interval.filter(|_| no_interval.is_none());
        return Some(Difference { over: interval.map(|_| "encoders"), ..base.with(interval) });
    };
    let interval = unpaired_difference(&slices(&a), &slices(&b), groups).filter(|_| no_interval.is_none());
    let over = match (own.len(), others.len()) {
        (1, 1) => "test images",
        // What other seeds of the arm of one encoder would give is not in it.
        (1, _) | (_, 1) => "encoders and test images, of this one encoder of the other arm",
        _ => "encoders and test images",
    };
    // The test takes images for independent of each other, which those of a group are not.
    let once = |scores: &[&Score]| match scores {
        [only] if groups.is_none() => only.right.as_ref()?.of_one_draw(),
        _ => None,
    };
    let mcnemar = once(own).zip(once(others)).and_then(|(a, b)| mcnemar(&a, &b));
    Some(Difference {
        over: interval.map(|_| over),
        p_value: mcnemar.map(|test| test.p_value),
        mcnemar,
        ..base.with(interval)
    })
}

/// Of one encoder each, over the draws of labelled images that both learnt from, and over test images.
fn over_draws(
    base: &Difference,
    own: &[&Score],
    others: &[&Score],
    groups: Option<&[usize]>,
) -> Option<Difference> {
    let ([a], [b]) = (own, others) else { return None };
    if a.draws.len() < 2 || a.draws.len() != b.draws.len() {
        return None;
    }
    let differences: Vec<f64> = a.draws.iter().zip(&b.draws).map(|(a, b)| a - b).collect();
    let summary = mean_interval(&differences);
    let shares = |score: &Score| Some(score.right.as_ref()?.shares());
    let by_image = shares(a).zip(shares(b));
    let (interval, over) = match &by_image {
        Some((a, b)) => (drawn_difference_interval(&differences, a, b, groups), "draws and test images"),
        None => (summary.interval, "draws"),
    };
    let over = interval.map(|_| over);
    Some(Difference { difference: summary.mean, over, ..base.clone() }.with(interval))
}

fn slices<T>(rows: &[Vec<T>]) -> Vec<&[T]> {
    rows.iter().map(Vec::as_slice).collect()
}
