//! What is measured: its key, what it is called, how it is written, and which way is better. Tables, pages and studies
//! read it here.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use zview_report::numbers::{decimals, percent, precise_percent, signed_percent};
use zview_report::plots::ValueAxis;

/// How values of a metric are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A top-1 accuracy, 0 to 1, written in per cent.
    Accuracy,
    /// Another share of 1, written in per cent.
    Share,
    /// A difference of two shares, written in per cent.
    Difference,
    /// A number, written as it is.
    Number,
}

impl Unit {
    /// How values are written beside one of about `size`: `88.1` in per cent, or three digits that mean something.
    pub fn number(self, size: f64) -> impl Fn(f64) -> String + Copy {
        self.written(size, percent)
    }

    /// The same with two decimals of a per cent.
    pub fn precise(self, size: f64) -> impl Fn(f64) -> String + Copy {
        self.written(size, precise_percent)
    }

    /// The same with a sign, for differences.
    pub fn signed(self, size: f64) -> impl Fn(f64) -> String + Copy {
        let (unit, decimals) = (self, decimals(size));
        move |value| match unit {
            Self::Accuracy | Self::Share | Self::Difference => signed_percent(value),
            Self::Number => format!("{value:+.decimals$}"),
        }
    }

    fn written(self, size: f64, share: fn(f64) -> String) -> impl Fn(f64) -> String + Copy {
        let (unit, decimals) = (self, decimals(size));
        move |value| match unit {
            Self::Accuracy | Self::Share | Self::Difference => share(value),
            Self::Number => format!("{value:.decimals$}"),
        }
    }

    /// What stands after a value, with a space.
    #[must_use]
    pub fn after(self) -> &'static str {
        if self == Self::Number { "" } else { " %" }
    }

    /// What stands after a difference, with a space.
    #[must_use]
    pub fn after_difference(self) -> &'static str {
        if self == Self::Number { "" } else { " points" }
    }
}

/// Which of two values is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    /// The higher one.
    Higher,
    /// The lower one.
    Lower,
    /// Neither: it describes.
    Neither,
}

impl Better {
    /// Whether a difference of this sign is one to the better; `None` where there is no better.
    #[must_use]
    pub fn is_better(self, difference: f64) -> Option<bool> {
        match self {
            Self::Higher => Some(difference > 0.0),
            Self::Lower => Some(difference < 0.0),
            Self::Neither => None,
        }
    }
}

/// A mean of ones may be more than 1 by this.
const ROUNDING: f64 = 1e-9;

/// The end of the keys of metrics on held-out training images.
pub const VALIDATION: &str = "_validation";

/// Something that is measured of an encoder on a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Its key in files: `knn_20`.
    pub key: String,
    /// What it is called in tables: `20-NN`.
    pub title: String,
    /// The same where there is little room: `20-nn`. Empty where it is no column of its own.
    pub column: String,
    /// How values are written.
    pub unit: Unit,
    /// Which of two values is better.
    pub better: Better,
    /// Where it stands among others: by the protocol, then by its number.
    pub place: (u8, f64),
}

impl Metric {
    /// An accuracy.
    pub(super) fn accuracy(key: String, title: String, column: String, place: (u8, f64)) -> Self {
        Self { key, title, column, unit: Unit::Accuracy, better: Better::Higher, place }
    }

    /// The same on held-out training images: for choosing between encoders without a look at test images.
    pub(super) fn on_validation(self) -> Self {
        let title = format!("{}, on held-out training images", self.title);
        Self { key: self.key + VALIDATION, title, column: String::new(), ..self }
    }

    /// The axis of its plots.
    #[must_use]
    pub fn axis(&self) -> ValueAxis {
        match self.unit {
            Unit::Accuracy => ValueAxis::Accuracy,
            Unit::Share | Unit::Difference => ValueAxis::Share(self.title.clone()),
            Unit::Number => ValueAxis::Number(self.title.clone()),
        }
    }

    /// Which of two stands first in tables.
    #[must_use]
    pub fn in_order(&self, other: &Self) -> Ordering {
        self.place.0.cmp(&other.place.0).then(self.place.1.total_cmp(&other.place.1))
    }

    /// Whether it is on held-out training images.
    #[must_use]
    pub fn is_on_validation(&self) -> bool {
        self.key.ends_with(VALIDATION)
    }

    /// Why it cannot be `value`, if it cannot.
    #[must_use]
    pub fn problem(&self, value: f64) -> Option<String> {
        let (low, high) = match self.unit {
            Unit::Accuracy | Unit::Share => (0.0, 1.0),
            Unit::Difference => (-1.0, 1.0),
            Unit::Number => (f64::MIN, f64::MAX),
        };
        let holds = (low - ROUNDING..=high + ROUNDING).contains(&value);
        let range =
            if self.unit == Unit::Number { "a finite number".to_owned() } else { format!("{low} to {high}") };
        (!holds).then(|| format!("{}: expected {range}, got {value}", self.key))
    }

    /// Anything else.
    pub(super) fn other(key: &str, title: &str, unit: Unit, better: Better, place: (u8, f64)) -> Self {
        Self { key: key.to_owned(), title: title.to_owned(), column: String::new(), unit, better, place }
    }
}

/// What is in tables of `metrics`: `Accuracy in %`.
#[must_use]
pub fn units_in_words<'a>(metrics: impl IntoIterator<Item = &'a Metric>) -> &'static str {
    let (mut accuracies, mut shares, mut numbers) = (false, false, false);
    for metric in metrics {
        match metric.unit {
            Unit::Accuracy => accuracies = true,
            Unit::Share | Unit::Difference => shares = true,
            Unit::Number => numbers = true,
        }
    }
    match (accuracies, shares, numbers) {
        (_, true, _) => "Accuracies and other shares in %",
        (false, false, true) => "Values",
        _ => "Accuracy in %",
    }
}

/// How those of `metrics` that are no accuracies are to be read, in sentences; nothing where all are.
#[must_use]
pub fn how_to_read<'a>(metrics: impl IntoIterator<Item = &'a Metric>) -> String {
    let others: Vec<&Metric> = metrics.into_iter().filter(|metric| metric.unit != Unit::Accuracy).collect();
    let sentence = |start: &str, which: &dyn Fn(&Metric) -> bool| {
        let mut titles: Vec<&str> = Vec::new();
        for metric in others.iter().filter(|metric| which(metric)) {
            if !titles.contains(&metric.title.as_str()) {
                titles.push(&metric.title);
            }
        }
        (!titles.is_empty()).then(|| format!("{start}: {}.", titles.join(", ")))
    };
    let sentences = [
        sentence("Not in %", &|metric| metric.unit == Unit::Number),
        sentence("Lower is better", &|metric| metric.better == Better::Lower),
        sentence("Neither way is better", &|metric| metric.better == Better::Neither),
    ];
    sentences.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// A metric of one encoder on one data set.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Of what.
    pub metric: Metric,
    /// The value.
    pub value: f64,
    /// Ends of its 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// What the interval is over: `test images`, `10 draws of the labels`.
    pub over: String,
    /// Labelled training images.
    pub n_train: usize,
    /// Test images.
    pub n_test: usize,
    /// How the rest was decided.
    pub note: String,
    /// Which test images were right, where it is known.
    pub right: Option<Right>,
    /// The value with each draw of the labels, which are the same for every encoder that is judged in the same way; empty
    /// where nothing is drawn.
    pub draws: Vec<f64>,
}

impl Score {
    /// Why it cannot be, if it cannot.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let ends = self.interval.filter(|(low, high)| low.is_nan() || high.is_nan() || low > high);
        let of_interval = |(low, high)| format!("{}: its interval ends at {low} and {high}", self.metric.key);
        self.metric.problem(self.value).or(ends.map(of_interval))
    }
}

/// Which test images were right.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Right {
    /// Draws of labelled images that each test image was judged with.
    draws: u32,
    /// A character for each test image: `0` and the next ones say in how many draws it was right.
    of_image: String,
}

impl Right {
    /// Of each test image, (N), in how many of `draws` it was right.
    #[must_use]
    pub fn new(draws: u32, right_draws: impl Iterator<Item = u32>) -> Self {
        let character = |right: u32| char::from_u32(u32::from('0') + right).unwrap_or('0');
        Self { draws, of_image: right_draws.map(character).collect() }
    }

    /// Of each test image, (N), whether it was right.
    #[must_use]
    pub fn once(correct: &[bool]) -> Self {
        Self::new(1, correct.iter().map(|&right| u32::from(right)))
    }

    /// Why it cannot be of one test image, if it cannot.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let more = self.shares().iter().any(|&share| share > 1.0);
        more.then(|| format!("test images that are right in more than all of {} draws", self.draws))
    }

    /// Of each test image, (N), whether it was right; `None` where it was judged with several draws.
    #[must_use]
    pub fn of_one_draw(&self) -> Option<Vec<bool>> {
        (self.draws == 1).then(|| self.of_image.chars().map(|character| character == '1').collect())
    }

    /// The share of draws in which each test image was right, (N).
    #[must_use]
    pub fn shares(&self) -> Vec<f32> {
        let right = |character: char| u32::from(character).saturating_sub(u32::from('0'));
        self.of_image.chars().map(|character| right(character) as f32 / self.draws.max(1) as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_knows_which_values_it_cannot_have() {
        let of = |unit| Metric::other("m", "", unit, Better::Higher, (0, 0.0));
        for (unit, possible, impossible) in [
            (Unit::Accuracy, [0.0, 1.0], [7.0, -0.1]),
            (Unit::Share, [0.0, 0.5], [1.01, f64::NAN]),
            (Unit::Difference, [-1.0, 0.5], [-1.01, f64::INFINITY]),
            (Unit::Number, [-3.0, 1e9], [f64::NAN, f64::INFINITY]),
        ] {
            assert!(possible.iter().all(|&value| of(unit).problem(value).is_none()), "{unit:?}");
            assert!(impossible.iter().all(|&value| of(unit).problem(value).is_some()), "{unit:?}");
        }
        assert_eq!(of(Unit::Share).problem(7.0).unwrap(), "m: expected 0 to 1, got 7");
    }

    #[test]
    fn right_draws_survive_their_file() {
        let right = Right::new(12, [0, 12, 3, 11].into_iter());
        let read: Right = serde_json::from_str(&serde_json::to_string(&right).unwrap()).unwrap();
        assert_eq!(read, right);
        assert_eq!(read.shares(), [0.0, 1.0, 0.25, 11.0 / 12.0]);
        assert_eq!(Right::once(&[true, false]).shares(), [1.0, 0.0]);
        assert_eq!(Right::once(&[true, false]).of_one_draw(), Some(vec![true, false]));
        assert_eq!(right.of_one_draw(), None);
    }

    #[test]
    fn values_and_differences_are_written_by_their_unit() {
        assert_eq!(Unit::Accuracy.number(0.0)(0.8814), "88.1");
        assert_eq!(Unit::Share.signed(0.0)(-0.021), "-2.1");
        assert_eq!(Unit::Number.number(23.4)(9.876), "9.9");
        assert_eq!(Unit::Number.signed(0.5)(0.25), "+0.250");
        assert_eq!(Better::Lower.is_better(-0.1), Some(true));
    }

    #[test]
    fn what_is_no_accuracy_is_explained() {
        let of = |key: &str, unit, better| Metric::other(key, key, unit, better, (9, 0.0));
        let accuracy = Metric::accuracy("linear".to_owned(), "Linear".to_owned(), String::new(), (0, 0.0));
        let rank = of("Rank", Unit::Number, Better::Neither);
        let error = of("Error", Unit::Share, Better::Lower);
        assert_eq!((units_in_words([&accuracy]), &*how_to_read([&accuracy])), ("Accuracy in %", ""));
        assert_eq!(units_in_words([&rank]), "Values");
        let all = [&accuracy, &error, &rank, &rank];
        assert_eq!(units_in_words(all), "Accuracies and other shares in %");
        assert_eq!(how_to_read(all), "Not in %: Rank. Lower is better: Error. Neither way is better: Rank.");
    }
}
