//! What an arm scores.

use serde::Serialize;
use zview_numerics::statistics::{
    Contrast, Interval, PairedArms, VarianceSplit, mean_interval, variance_split,
};

use super::Pairing;
use crate::suite::intervals::{ONE_OF_SEVERAL, of_accuracy, over_seeds, too_few};
use crate::suite::metric::{Metric, Score, Unit};

/// A metric of an arm: mean over seeds with its 95 % interval over these and over test images where it is known which of them
/// were right; or of one seed with that of its encoder, over test images and draws of labels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ArmScore {
    /// What is measured.
    #[serde(skip)]
    pub metric: Metric,
    /// The mean.
    pub mean: f64,
    /// Lower end of its interval; absent for two seeds.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// What the interval of one seed is over: `over 99 typeface families`, `over 5 draws of the labels`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
    /// Why it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_interval: Option<&'static str>,
    /// The value with each seed, in the order of the seeds that are there.
    pub seeds: Vec<f64>,
    /// Labelled training images.
    pub n_train: usize,
    /// Test images.
    pub n_test: usize,
    /// Where the spread comes from, where all encoders learnt from the same draws of labels; the interval is then over
    /// these too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<VarianceSplit>,
}

impl ArmScore {
    /// Of the values of all seeds.
    #[must_use]
    pub fn over_seeds(values: Vec<f64>, metric: Metric, [n_train, n_test]: [usize; 2]) -> Self {
        let summary = mean_interval(&values);
        let no_interval = too_few(values.len());
        let (mean, seeds) = (summary.mean, values);
        let score = Self {
            metric,
            mean,
            low: None,
            high: None,
            over: None,
            no_interval,
            seeds,
            n_train,
            n_test,
            split: None,
        };
        score.within(summary.interval)
    }

    /// Of the scores of an arm's encoders; `None` of none.
    pub(super) fn of(
        scores: &[&Score],
        images: [usize; 2],
        pairing: Pairing,
        groups: Option<&[usize]>,
    ) -> Option<Self> {
        let first = scores.first()?;
        let values = scores.iter().map(|score| score.value).collect();
        let mut of_arm = Self::over_seeds(values, first.metric.clone(), images);
        match (scores, pairing) {
            ([_], Pairing::Seeds { asked: 2.. }) => {
                return Some(Self { no_interval: Some(ONE_OF_SEVERAL), ..of_arm });
            }
            ([only], _) => return Some(of_arm.of_one_encoder(only)),
            _ => {}
        }
        let over_images = over_images(scores, groups);
        if let Some(of) = &over_images {
            of_arm = of_arm.within(Some(of.interval));
        }
        if pairing == Pairing::Judging {
            let draws: Vec<Vec<f64>> = scores.iter().map(|score| score.draws.clone()).collect();
            if let Some(mut split) = variance_split(&draws) {
                // Over draws and encoders, and over test images: half widths of independent parts add up in squares.
                let of_images = over_images.map_or(0.0, |of| of.half_width_over_images());
                let wider =
                    |end: f64| split.mean + (end - split.mean).signum() * (end - split.mean).hypot(of_images);
                let interval = split
                    .low
                    .zip(split.high)
                    .map(|(low, high)| Interval { low: wider(low), high: wider(high) });
                of_arm = Self { mean: split.mean, ..of_arm.within(interval) };
                (split.low, split.high) = (of_arm.low, of_arm.high);
                of_arm.split = Some(split);
            }
        }
        Some(of_arm)
    }

    /// With this interval, within what is possible; with none where there are too few seeds.
    fn within(mut self, interval: Option<Interval>) -> Self {
        let possible = |interval| match self.metric.unit {
            Unit::Number | Unit::Difference => interval,
            Unit::Accuracy | Unit::Share => of_accuracy(interval),
        };
        let interval = over_seeds(interval, self.seeds.len()).map(possible);
        (self.low, self.high) = interval.map(|interval| (interval.low, interval.high)).unzip();
        self
    }

    /// With the interval of the one encoder that it is of.
    fn of_one_encoder(mut self, of: &Score) -> Self {
        let Some((low, high)) = of.interval else { return self };
        (self.low, self.high) = (Some(low), Some(high));
        // Without what is in brackets: how it was resampled.
        let over = of.over.split(" (").next().unwrap_or_default();
        self.over = (!over.is_empty()).then(|| format!("over {over}"));
        self
    }

    /// The ends of the interval, where there is one.
    #[must_use]
    pub fn interval(&self) -> Option<(f64, f64)> {
        self.low.zip(self.high)
    }

    /// How values near it are written.
    pub fn number(&self) -> impl Fn(f64) -> String + Copy + use<> {
        self.metric.unit.number(self.mean)
    }
}

/// The mean over encoders and over test images, where it is known which of them were right.
fn over_images(scores: &[&Score], groups: Option<&[usize]>) -> Option<Contrast> {
    let right: Vec<Vec<f32>> =
        scores.iter().map(|score| Some(score.right.as_ref()?.shares())).collect::<Option<_>>()?;
    let right: Vec<&[f32]> = right.iter().map(Vec::as_slice).collect();
    Some(PairedArms::new(&[right], groups)?.contrast(&[1.0], None))
}
