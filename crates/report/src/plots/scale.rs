//! Even and logarithmic axes: which of them, where its ticks are, and what is written at them.

use crate::numbers::short_number;

/// From this ratio of the largest to the smallest value on, an even axis would press the small ones together.
const LOGARITHMIC_FROM: f64 = 20.0;
/// Width of a digit as a share of the plot.
const DIGIT: f64 = 0.026;

/// How values are laid out along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Even.
    Linear,
    /// By powers of ten.
    Logarithmic,
}

impl Scale {
    /// Logarithmic where all values are above 0 and the largest is at least 20 times the smallest.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if low > 0.0 && high >= LOGARITHMIC_FROM * low { Self::Logarithmic } else { Self::Linear }
    }

    /// The value's place on an even axis.
    pub(super) fn place(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Logarithmic => value.log10(),
        }
    }

    /// The value at a place.
    pub(super) fn value(self, place: f64) -> f64 {
        match self {
            Self::Linear => place,
            Self::Logarithmic => 10f64.powf(place),
        }
    }

    /// Places of those values that leave room for what is written at the ones before.
    pub(super) fn ticks(self, values: &[f64], range: (f64, f64)) -> Vec<f64> {
        let mut values: Vec<f64> =
            values.iter().copied().filter(|&value| self.place(value).is_finite()).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        let width =
            |value: f64| DIGIT * (short_number(value).chars().count() + 1) as f64 * (range.1 - range.0);
        let mut kept: Vec<f64> = Vec::new();
        for value in values {
            let room = |&last: &f64| 0.5 * (width(last) + width(value));
            if kept.last().is_none_or(|last| self.place(value) - self.place(*last) >= room(last)) {
                kept.push(value);
            }
        }
        kept.into_iter().map(|value| self.place(value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_decides_whether_an_axis_is_logarithmic() {
        assert_eq!(Scale::of(&[10.0, 100.0, 1_000.0]), Scale::Logarithmic);
        assert_eq!(Scale::of(&[20.0, 1.0]), Scale::Logarithmic);
        assert_eq!(Scale::of(&[19.9, 1.0]), Scale::Linear);
        assert_eq!(Scale::of(&[0.0, 100.0]), Scale::Linear);
        assert_eq!(Scale::of(&[-1.0, 100.0]), Scale::Linear);
        assert_eq!(Scale::of(&[]), Scale::Linear);
    }

    #[test]
    fn ticks_do_not_run_into_each_other() {
        assert_eq!(Scale::Linear.ticks(&[1.0, 0.0, 0.01, 0.5], (0.0, 1.0)), [0.0, 0.5, 1.0]);
        assert_eq!(Scale::Logarithmic.ticks(&[0.0, 10.0, 1_000.0], (1.0, 3.0)), [1.0, 3.0]);
    }
}
