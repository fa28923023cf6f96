//! The interval of one encoder's accuracy over test images.

use std::collections::BTreeMap;

use super::{Interval, student_t_quantile};

/// 95 % interval of an accuracy of `correct` out of `images` test images that are independent of each other: Wilson's, which
/// has a width at 100 % too. NaN of no images.
///
/// Source: Wilson, Journal of the American Statistical Association 22 (1927).
#[must_use]
pub fn accuracy_interval(correct: usize, images: usize) -> Interval {
    wilson(correct as f64 / images as f64, images as f64, 1.959_963_984_540_054)
}

/// The same where images of one group are right or wrong together: `correct` (N) says which were right, `groups` (N) which
/// group each is in. The images count for as many independent ones as give the variance over groups, at least for one of each
/// group where all or none are right, and Student's t of groups - 1 stands in place of the normal quantile. `None` if the
/// lengths differ, of no images, or of a single group.
///
/// Source: Korn and Graubard, Survey Methodology 24 (1998), with Wilson's interval in place of Clopper's and Pearson's.
#[must_use]
pub fn clustered_accuracy_interval(correct: &[bool], groups: &[usize]) -> Option<Interval> {
    let images = correct.len() as f64;
    if correct.len() != groups.len() || correct.is_empty() {
        return None;
    }
    let accuracy = correct.iter().filter(|&&right| right).count() as f64 / images;
    let mut residuals = BTreeMap::<usize, f64>::new();
    for (&right, &group) in correct.iter().zip(groups) {
        *residuals.entry(group).or_default() += f64::from(u8::from(right)) - accuracy;
    }
    let count = residuals.len() as f64;
    if count < 2.0 {
        return None;
    }
    let squares: f64 = residuals.values().map(|residual| residual * residual).sum();
    let variance = squares / (images * images) * count / (count - 1.0);
    let effective = if variance > 0.0 { accuracy * (1.0 - accuracy) / variance } else { count };
    Some(wilson(accuracy, effective.min(images), student_t_quantile(0.975, count - 1.0)))
}

fn wilson(accuracy: f64, images: f64, quantile: f64) -> Interval {
    if accuracy.is_nan() {
        return Interval { low: f64::NAN, high: f64::NAN };
    }
    let square = quantile * quantile / images;
    let middle = (accuracy + 0.5 * square) / (1.0 + square);
    let variance = accuracy * (1.0 - accuracy) / images + 0.25 * square / images;
    let half_width = quantile * variance.sqrt() / (1.0 + square);
    // At either end rounding must not leave the accuracy out.
    Interval {
        low: (middle - half_width).max(0.0).min(accuracy),
        high: (middle + half_width).min(1.0).max(accuracy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_runtime::seed::{Purpose, Stream};

    /// SciPy: `binomtest(x, n).proportion_ci(method="wilson")`; R: `prop.test(x, n, correct = FALSE)`.
    #[test]
    fn it_is_the_reference() {
        for (correct, images, low, high) in [
            (81, 263, 0.255_288_52, 0.366_209_58),
            (15, 148, 0.062_386_4, 0.160_487_24),
            (50, 50, 0.928_652_4, 1.0),
        ] {
            let got = accuracy_interval(correct, images);
            assert!(
                (got.low - low).abs() < 1e-7 && (got.high - high).abs() < 1e-7,
                "{correct}/{images}: {got:?}"
            );
        }
        assert!(accuracy_interval(0, 0).low.is_nan());
        assert_eq!((accuracy_interval(0, 50).low, accuracy_interval(60, 60).high), (0.0, 1.0));
    }

    /// The percentile bootstrap covered 63 % of encoders that are right on 99.5 % of 200 images.
    #[test]
    fn it_covers_accuracies_near_100_percent() {
        for (truth, images) in [(0.98, 100), (0.99, 100), (0.995, 200), (0.9, 1000)] {
            let covers = |trial| {
                let mut stream = Stream::new(trial, Purpose::Check, 730, images as u64);
                let correct = (0..images).filter(|_| f64::from(stream.uniform()) < truth).count();
                let Interval { low, high } = accuracy_interval(correct, images);
                low <= truth && truth <= high
            };
            let coverage = (0..2_000).filter(|&trial| covers(trial)).count() as f64 / 2_000.0;
            assert!((0.90..=0.99).contains(&coverage), "{truth} of {images}: {coverage}");
        }
    }

    #[test]
    fn groups_that_are_right_together_widen_it_and_few_of_them_cover_too() {
        let width = |of: Interval| of.high - of.low;
        let correct: Vec<bool> = (0..400).map(|image| (image / 20) % 4 != 0).collect();
        let together: Vec<usize> = (0..400).map(|image| image / 20).collect();
        let grouped = clustered_accuracy_interval(&correct, &together).unwrap();
        assert!(width(grouped) > 3.0 * width(accuracy_interval(300, 400)));
        let alone: Vec<usize> = (0..400).collect();
        let ungrouped = clustered_accuracy_interval(&correct, &alone).unwrap();
        assert!((width(ungrouped) / width(accuracy_interval(300, 400)) - 1.0).abs() < 0.01);
        assert!(width(clustered_accuracy_interval(&[true; 400], &together).unwrap()) > 0.1);
        assert!(clustered_accuracy_interval(&correct, &[0; 400]).is_none());
        for groups in [10_u64, 30] {
            let covers = |trial| {
                let mut stream = Stream::new(trial, Purpose::Check, 731, groups);
                let mut correct = Vec::new();
                for _ in 0..groups {
                    let of_group = (0.8 + 0.1 * stream.normal()).clamp(0.0, 1.0);
                    correct.extend((0..20).map(|_| stream.chance(of_group)));
                }
                let of_image: Vec<usize> = (0..correct.len()).map(|image| image / 20).collect();
                let Interval { low, high } = clustered_accuracy_interval(&correct, &of_image).unwrap();
                low <= 0.797 && 0.797 <= high
            };
            let coverage = (0..1_000).filter(|&trial| covers(trial)).count() as f64 / 1_000.0;
            assert!((0.93..=0.985).contains(&coverage), "{groups}: {coverage}");
        }
    }
}
