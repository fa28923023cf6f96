//! Counts of values in equal bins.

use serde::{Deserialize, Serialize};

/// How often values fell into each of the equal bins between two bounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// The lower bound of the first bin.
    pub low: f64,
    /// The upper bound of the last bin.
    pub high: f64,
    /// How many values each bin has.
    pub counts: Vec<u64>,
}

impl Histogram {
    /// `bins` empty bins.
    #[must_use]
    pub fn new(low: f64, high: f64, bins: usize) -> Self {
        Self { low, high, counts: vec![0; bins] }
    }

    /// Counts `value`: a bin holds its lower bound, the last one its upper bound too; what lies outside counts in
    /// the nearest bin, and not-a-number nowhere.
    pub fn add(&mut self, value: f64) {
        let last = self.counts.len().saturating_sub(1);
        let at = (value - self.low) / (self.high - self.low) * self.counts.len() as f64;
        if let (false, Some(count)) = (at.is_nan(), self.counts.get_mut((at.max(0.0) as usize).min(last))) {
            *count += 1;
        }
    }

    /// The upper bound of a bin.
    #[must_use]
    pub fn upper_bound(&self, bin: usize) -> f64 {
        self.low + (self.high - self.low) * (bin + 1) as f64 / self.counts.len() as f64
    }

    /// The middle of a bin.
    #[must_use]
    pub fn middle(&self, bin: usize) -> f64 {
        self.low + (self.high - self.low) * (bin as f64 + 0.5) / self.counts.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_falls_into_one_bin() {
        let mut histogram = Histogram::new(-1.0, 1.0, 4);
        for value in [-1.0, -0.51, -0.5, 0.0, 0.49, 0.5, 1.0, 1.000_001, -7.0, f64::NAN] {
            histogram.add(value);
        }
        assert_eq!(histogram.counts, [3, 1, 2, 3]);
        assert_eq!(
            (histogram.upper_bound(0), histogram.upper_bound(3), histogram.middle(0)),
            (-0.5, 1.0, -0.75)
        );
    }
}
