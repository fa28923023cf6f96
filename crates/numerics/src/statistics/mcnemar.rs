//! A paired test between two classifiers on the same test images.

use serde::Serialize;

/// What two classifiers got right on the same images, and how surprising the difference is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PairedTest {
    /// Images that only the first got right.
    pub only_first: usize,
    /// Images that only the second got right.
    pub only_second: usize,
    /// Images in all.
    pub n_test: usize,
    /// accuracy(first) - accuracy(second), a fraction.
    pub difference: f64,
    /// Two-sided p-value of McNemar's exact test: how likely a split at least this uneven of the images on which
    /// the two differ is, were each as likely to win any of them.
    pub p_value: f64,
}

/// McNemar's exact test; `first[i]` and `second[i]` say whether image i was right. `None` if the lengths differ or
/// there is no image.
///
/// Source: McNemar, Psychometrika 12 (1947); the exact form is the binomial test of the discordant pairs.
#[must_use]
pub fn mcnemar(first: &[bool], second: &[bool]) -> Option<PairedTest> {
    if first.len() != second.len() || first.is_empty() {
        return None;
    }
    let only = |x: &[bool], y: &[bool]| x.iter().zip(y).filter(|&(&x, &y)| x && !y).count();
    let (only_first, only_second) = (only(first, second), only(second, first));
    let n_test = first.len();
    Some(PairedTest {
        only_first,
        only_second,
        n_test,
        difference: (only_first as f64 - only_second as f64) / n_test as f64,
        p_value: two_sided_sign_test(only_first, only_second),
    })
}

/// min(1, 2 P(X <= min(a, b))) for X binomial with a + b trials of probability 1/2, summed in logarithms.
fn two_sided_sign_test(a: usize, b: usize) -> f64 {
    let (trials, fewer) = (a + b, a.min(b));
    let mut log_probability = -(trials as f64) * std::f64::consts::LN_2; // of 0 successes
    let mut tail = log_probability.exp();
    let mut log_tail = log_probability;
    for successes in 1..=fewer {
        log_probability += ((trials - successes + 1) as f64 / successes as f64).ln();
        // Terms grow up to the middle: the sum's logarithm is kept, so that nothing underflows.
        log_tail = log_probability + (log_tail - log_probability).exp().ln_1p();
        tail = log_tail.exp();
    }
    (2.0 * tail).min(1.0)
}

/// p-values corrected for their number by Holm's step-down method, in the given order: the chance that any of them
/// is below a level by accident stays below that level.
///
/// Source: Holm, Scandinavian Journal of Statistics 6 (1979).
#[must_use]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut corrected = vec![0.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (rank, &index) in order.iter().enumerate() {
        largest = largest.max(((p_values.len() - rank) as f64 * p_values[index]).min(1.0));
        corrected[index] = largest;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_values_agree_with_the_binomial_test() {
        // scipy.stats.binomtest(min(a, b), a + b, 0.5).pvalue
        for (a, b, expected) in [
            (0, 0, 1.0),
            (5, 5, 1.0),
            (1, 9, 0.021_484_375),
            (30, 12, 0.007_915_897_334_896_727),
            (600, 480, 0.000_289_572_902_935_824_7),
        ] {
            let p = two_sided_sign_test(a, b);
            assert!((p - expected).abs() <= 1e-9 * f64::max(1.0, expected), "{a} {b}: {p}");
        }
        assert!(two_sided_sign_test(4_000, 0) >= 0.0 && two_sided_sign_test(60_000, 59_000).is_finite());
    }

    #[test]
    fn only_images_on_which_they_differ_count() {
        let first = [true, true, true, false, true];
        let second = [true, false, true, true, false];
        let test = mcnemar(&first, &second).unwrap();
        assert_eq!((test.only_first, test.only_second, test.n_test), (2, 1, 5));
        assert!((test.difference - 0.2).abs() < 1e-12 && test.p_value == 1.0);
        assert!(mcnemar(&first, &second[1..]).is_none() && mcnemar(&[], &[]).is_none());
    }

    #[test]
    fn holm_steps_down_and_never_decreases() {
        // By hand: 4 x 0.005, 3 x 0.01, 2 x 0.03, and no smaller than the one before.
        let corrected = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (got, expected) in corrected.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((got - expected).abs() < 1e-12, "{corrected:?}");
        }
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }
}
