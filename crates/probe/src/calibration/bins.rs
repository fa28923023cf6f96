//! Bins of confidence, and how far confidence and accuracy are apart in them.
//!
//! Guo et al. 2017, "On Calibration of Modern Neural Networks", <https://arxiv.org/abs/1706.04599>: M bins
//! ((m - 1) / M, m / M], equations 2 and 3. Bins of equal mass: Nguyen and O'Connor 2015, "Posterior
//! calibration and exploratory analysis for natural language processing models",
//! <https://arxiv.org/abs/1508.05154>.

use serde::{Deserialize, Serialize};

/// The images whose confidence is in one range; fractions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Lower end of the range: bins of equal width do not hold it, save 0.
    pub low: f64,
    /// Upper end of the range, which belongs to the bin.
    pub high: f64,
    /// Test images.
    pub images: usize,
    /// Their mean confidence; `None` without images.
    pub confidence: Option<f64>,
    /// The share of them that is right; `None` without images.
    pub accuracy: Option<f64>,
}

impl ReliabilityBin {
    /// Confidence minus accuracy, 0 without images.
    #[must_use]
    pub fn gap(&self) -> f64 {
        self.confidence.zip(self.accuracy).map_or(0.0, |(confidence, accuracy)| confidence - accuracy)
    }
}

/// The mean of |accuracy - confidence| over the bins, weighted by their images (equation 3); 0 of none.
#[must_use]
pub fn expected_calibration_error(bins: &[ReliabilityBin]) -> f64 {
    let images: usize = bins.iter().map(|bin| bin.images).sum();
    let sum: f64 = bins.iter().map(|bin| bin.images as f64 * bin.gap().abs()).sum();
    sum / images.max(1) as f64
}

/// Which of `bins` equally wide bins a confidence is in.
pub(super) fn bin_of(confidence: f32, bins: usize) -> usize {
    let above = (f64::from(confidence) * bins as f64).ceil() as usize;
    above.clamp(1, bins) - 1
}

/// Bins of equal width over 0 to 1. `confidence` and `correct` are (N); the shorter one counts.
#[must_use]
pub fn equal_width_bins(confidence: &[f32], correct: &[bool], bins: usize) -> Vec<ReliabilityBin> {
    let mut sums = vec![(0usize, 0.0, 0.0); bins];
    for (&confidence, &correct) in confidence.iter().zip(correct) {
        let (images, sure, right) = &mut sums[bin_of(confidence, bins)];
        *images += 1;
        *sure += f64::from(confidence);
        *right += f64::from(u8::from(correct));
    }
    let edge = |number: usize| number as f64 / bins as f64;
    let bin = |(number, &(images, sure, right)): (usize, &(usize, f64, f64))| {
        filled(edge(number), edge(number + 1), images, sure, right)
    };
    sums.iter().enumerate().map(bin).collect()
}

/// Bins of equally many images (the first ones have one more where they do not divide), by rising
/// confidence. Images of equal confidence share their mean accuracy, so that the order of a data set does
/// not matter where they fall into two bins. At most as many bins as there are images.
#[must_use]
pub fn equal_mass_bins(confidence: &[f32], correct: &[bool], bins: usize) -> Vec<ReliabilityBin> {
    let mut pairs: Vec<(f32, f64)> =
        confidence.iter().zip(correct).map(|(&sure, &right)| (sure, f64::from(u8::from(right)))).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    for tied in pairs.chunk_by_mut(|a, b| a.0 == b.0) {
        let mean = tied.iter().map(|pair| pair.1).sum::<f64>() / tied.len() as f64;
        tied.iter_mut().for_each(|pair| pair.1 = mean);
    }
    let bins = bins.min(pairs.len());
    let mut rest = pairs.as_slice();
    let mut taken = Vec::with_capacity(bins);
    for left in (1..=bins).rev() {
        let (bin, after) = rest.split_at(rest.len().div_ceil(left));
        rest = after;
        let sure = bin.iter().map(|pair| f64::from(pair.0)).sum();
        let right = bin.iter().map(|pair| pair.1).sum();
        let (low, high) = (f64::from(bin[0].0), f64::from(bin[bin.len() - 1].0));
        taken.push(filled(low, high, bin.len(), sure, right));
    }
    taken
}

fn filled(low: f64, high: f64, images: usize, sure: f64, right: f64) -> ReliabilityBin {
    let mean = |sum: f64| (images > 0).then(|| sum / images as f64);
    ReliabilityBin { low, high, images, confidence: mean(sure), accuracy: mean(right) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_holds_its_upper_end() {
        let bins = equal_width_bins(&[0.0, 0.5, 0.500_001, 1.0], &[false, true, true, true], 2);
        assert_eq!((bins[0].images, bins[1].images), (2, 2));
        assert_eq!((bins[0].confidence, bins[0].accuracy), (Some(0.25), Some(0.5)));
        // 2 / 4 * 0.25 + 2 / 4 * 0.25 (nearly).
        assert!((expected_calibration_error(&bins) - 0.25).abs() < 1e-6);
        let empty = equal_width_bins(&[1.0], &[true], 3);
        assert_eq!((empty[0].confidence, empty[0].gap()), (None, 0.0));
    }

    #[test]
    fn bins_of_equal_mass_do_not_depend_on_order_within_ties() {
        let bins = equal_mass_bins(&[0.9, 0.9, 0.9, 0.9, 0.2], &[true, true, false, false, false], 2);
        assert_eq!((bins[0].images, bins[1].images), (3, 2));
        assert!((bins[0].accuracy.unwrap() - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(bins[1].accuracy, Some(0.5));
        assert_eq!(equal_mass_bins(&[0.9], &[true], 15).len(), 1);
        assert!(equal_mass_bins(&[], &[], 15).is_empty());
    }
}
