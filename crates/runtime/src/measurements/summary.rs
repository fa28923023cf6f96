//! What a run measured, in one line per series.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{MeasuredValue, Measurement};

/// One series of numbers in short.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SeriesSummary {
    /// How many numbers there are.
    pub count: usize,
    /// The step of the last one.
    pub last_step: u64,
    /// The first number.
    pub first: f64,
    /// The last number.
    pub last: f64,
    /// The smallest number.
    pub smallest: f64,
    /// The largest number.
    pub largest: f64,
}

/// Every series of numbers by its name; measurements are in the order of the log.
#[must_use]
pub fn summarise(measurements: &[Measurement]) -> BTreeMap<String, SeriesSummary> {
    let mut series: BTreeMap<String, SeriesSummary> = BTreeMap::new();
    for measurement in measurements {
        let MeasuredValue::Scalar(value) = measurement.value else { continue };
        let fresh = SeriesSummary {
            count: 0,
            last_step: 0,
            first: value,
            last: value,
            smallest: value,
            largest: value,
        };
        let summary = series.entry(measurement.tag.clone()).or_insert(fresh);
        summary.count += 1;
        summary.last_step = measurement.step;
        summary.last = value;
        summary.smallest = summary.smallest.min(value);
        summary.largest = summary.largest.max(value);
    }
    series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_told_by_its_ends_and_extremes() {
        let numbers = [(1, 3.0), (2, -1.0), (5, 2.0)];
        let measurements = numbers.map(|(step, value)| Measurement {
            tag: "loss".to_owned(),
            step,
            time: 0.0,
            value: MeasuredValue::Scalar(value),
        });
        let expected =
            SeriesSummary { count: 3, last_step: 5, first: 3.0, last: 2.0, smallest: -1.0, largest: 3.0 };
        assert_eq!(summarise(&measurements)["loss"], expected);
    }
}
