//! What is measured: its key, what it is called, and which way is better. Tables, pages and studies read it here.

use serde::{Deserialize, Serialize};

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
    }
}
