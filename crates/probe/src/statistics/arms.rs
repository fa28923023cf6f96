//! Two arms of several training seeds each, judged on the same test images.

use super::{Interval, bootstrap::percentile_interval};

/// 95 % interval of mean accuracy(first) - mean accuracy(second), where `first[s][i]` and `second[s][i]` say whether
/// the encoder of seed s got test image i right.
///
/// A resample draws seeds anew in each arm and test images anew for both together, so the interval speaks of other
/// seeds and other images. `groups` (N) says which images belong together and are drawn together. With one seed in
/// an arm that arm's seeds are not resampled, and the interval speaks of these encoders only. `None` if an arm is
/// empty or lengths differ.
#[must_use]
pub fn arms_difference_interval(
    first: &[&[bool]],
    second: &[&[bool]],
    groups: Option<&[usize]>,
    seed: u64,
    use_number: u64,
) -> Option<Interval> {
    let images = first.first()?.len();
    let all = first.iter().chain(second);
    if second.is_empty() || images == 0 || all.clone().any(|correct| correct.len() != images) {
        return None;
    }
    if groups.is_some_and(|groups| groups.len() != images) {
        return None;
    }
    // The right answers of every encoder in every group of images, and how many images a group has.
    let mut rows = std::collections::BTreeMap::<usize, (f64, Vec<f64>)>::new();
    for image in 0..images {
        let group = groups.map_or(image, |groups| groups[image]);
        let (size, right) = rows.entry(group).or_insert_with(|| (0.0, vec![0.0; first.len() + second.len()]));
        *size += 1.0;
        for (sum, correct) in right.iter_mut().zip(all.clone()) {
            *sum += f64::from(u8::from(correct[image]));
        }
    }
    let rows: Vec<(f64, Vec<f64>)> = rows.into_values().collect();
    Some(percentile_interval(seed, use_number, |stream| {
        // How often each encoder is drawn, as a signed share of its arm.
        let mut weights = vec![0.0; first.len() + second.len()];
        for (start, count, sign) in [(0, first.len(), 1.0), (first.len(), second.len(), -1.0)] {
            for _ in 0..count {
                weights[start + stream.below(count as u64) as usize] += sign / count as f64;
            }
        }
        let (mut sum, mut drawn) = (0.0, 0.0);
        for _ in 0..rows.len() {
            let (size, right) = &rows[stream.below(rows.len() as u64) as usize];
            drawn += size;
            sum += weights.iter().zip(right).map(|(weight, right)| weight * right).sum::<f64>();
        }
        sum / drawn
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paired_difference_interval;
    use zview_runtime::seed::{Purpose, Stream};

    fn width(interval: Interval) -> f64 {
        interval.high - interval.low
    }

    #[test]
    fn one_seed_each_gives_the_paired_interval() {
        let a: Vec<bool> = (0..1_000).map(|image| image < 930).collect();
        let b: Vec<bool> = (0..1_000).map(|image| image < 900 || (950..960).contains(&image)).collect();
        let arms = arms_difference_interval(&[&a], &[&b], None, 0, 0).unwrap();
        let paired = paired_difference_interval(&a, &b, 0, 0).unwrap();
        assert!((width(arms) / width(paired) - 1.0).abs() < 0.15, "{arms:?} {paired:?}");
        let together: Vec<usize> = (0..1_000).map(|image| image / 10).collect();
        let grouped = arms_difference_interval(&[&a], &[&b], Some(&together), 0, 0).unwrap();
        assert!(width(grouped) > 1.5 * width(arms), "{grouped:?} {arms:?}");
    }

    #[test]
    fn seeds_that_differ_widen_the_interval_and_it_covers_the_truth() {
        let (mut covered, trials) = (0, 150);
        for trial in 0..trials {
            // The accuracy of a seed is 0.8 +- 0.03 in both arms: the true difference is 0.
            let arm = |arm: u64| -> Vec<Vec<bool>> {
                (0..8)
                    .map(|seed| {
                        let mut stream = Stream::new(trial, Purpose::Check, 700 + arm, seed);
                        let accuracy = 0.8 + 0.03 * stream.normal();
                        (0..300).map(|_| stream.chance(accuracy)).collect()
                    })
                    .collect()
            };
            let (first, second) = (arm(0), arm(1));
            let first: Vec<&[bool]> = first.iter().map(Vec::as_slice).collect();
            let second: Vec<&[bool]> = second.iter().map(Vec::as_slice).collect();
            let interval = arms_difference_interval(&first, &second, None, trial, 0).unwrap();
            covered += u64::from(interval.low <= 0.0 && 0.0 <= interval.high);
        }
        let coverage = covered as f64 / trials as f64;
        assert!((0.90..=1.0).contains(&coverage), "{coverage}");
    }

    #[test]
    fn what_does_not_fit_together_gives_no_interval() {
        let (a, b) = ([true, false], [true]);
        assert!(arms_difference_interval(&[&a], &[&b], None, 0, 0).is_none());
        assert!(arms_difference_interval(&[&a], &[], None, 0, 0).is_none());
        assert!(arms_difference_interval(&[], &[&a], None, 0, 0).is_none());
        assert!(arms_difference_interval(&[&a], &[&a], Some(&[0]), 0, 0).is_none());
    }
}
