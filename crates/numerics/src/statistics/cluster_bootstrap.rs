//! Percentile bootstrap over groups of test images.
//!
//! Images of one group (the letters of one typeface, the frames of one film) are right or wrong
//! together, so resampling single images makes intervals too narrow. Here whole groups are drawn with
//! replacement; a resample's accuracy is its right images over its images.
//! Source: Davison and Hinkley, Bootstrap Methods and their Application, section 3.8 (the clusters are
//! resampled, the units within them are kept).

use super::Interval;
use super::bootstrap::percentile_interval;

/// 95 % interval of the accuracy where `correct[i]` says whether test image i was right and `groups[i]`
/// which group it is in (any numbers). `None` if the lengths differ or there is no image.
///
/// With a single group there is nothing to resample, and the interval is the accuracy itself.
/// `use_number` keeps the random streams of several intervals of one run apart.
#[must_use]
pub fn cluster_accuracy_interval(
    correct: &[bool],
    groups: &[usize],
    seed: u64,
    use_number: u64,
) -> Option<Interval> {
    let gains: Vec<i64> = correct.iter().map(|&right| i64::from(right)).collect();
    cluster_mean_interval(&gains, groups, seed, use_number)
}

/// 95 % interval of accuracy(a) - accuracy(b) where both judged the same images: `a[i]` and `b[i]` say
/// whether image i was right, `groups[i]` which group it is in. `None` if the lengths differ or there is
/// no image.
#[must_use]
pub fn cluster_difference_interval(
    a: &[bool],
    b: &[bool],
    groups: &[usize],
    seed: u64,
    use_number: u64,
) -> Option<Interval> {
    if a.len() != b.len() {
        return None;
    }
    let gains: Vec<i64> = a.iter().zip(b).map(|(&a, &b)| i64::from(a) - i64::from(b)).collect();
    cluster_mean_interval(&gains, groups, seed, use_number)
}

/// Interval of the mean of `gains` when their groups are drawn anew.
fn cluster_mean_interval(gains: &[i64], groups: &[usize], seed: u64, use_number: u64) -> Option<Interval> {
    if gains.len() != groups.len() || gains.is_empty() {
        return None;
    }
    // Sorted by group, so that a group's number and place do not matter beyond their order.
    let mut totals = std::collections::BTreeMap::<usize, (i64, i64)>::new();
    for (&gain, &group) in gains.iter().zip(groups) {
        let (sum, images) = totals.entry(group).or_default();
        *sum += gain;
        *images += 1;
    }
    let totals: Vec<(i64, i64)> = totals.into_values().collect();
    Some(percentile_interval(seed, use_number, |stream| {
        let (mut sum, mut images) = (0, 0);
        for _ in 0..totals.len() {
            let (gain, size) = totals[stream.below(totals.len() as u64) as usize];
            sum += gain;
            images += size;
        }
        sum as f64 / images as f64
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::{accuracy_interval, paired_difference_interval};
    use zview_runtime::seed::{Purpose, Stream};

    fn width(interval: Interval) -> f64 {
        interval.high - interval.low
    }

    #[test]
    fn groups_of_one_image_give_the_interval_over_images() {
        let correct: Vec<bool> = (0..2_000).map(|image| image % 10 != 0).collect();
        let alone: Vec<usize> = (0..2_000).collect();
        let cluster = cluster_accuracy_interval(&correct, &alone, 0, 0).unwrap();
        let image = accuracy_interval(1_800, 2_000, 0, 0);
        assert!((cluster.low - image.low).abs() < 0.002, "{cluster:?} {image:?}");
        assert!((cluster.high - image.high).abs() < 0.002, "{cluster:?} {image:?}");
    }

    #[test]
    fn images_that_stand_and_fall_together_widen_the_interval_by_the_root_of_the_group_size() {
        // 100 groups of 16 images; a whole group is right or wrong: sqrt(16) times as wide.
        let groups: Vec<usize> = (0..1_600).map(|image| image / 16).collect();
        let correct: Vec<bool> = groups.iter().map(|group| group % 5 != 0).collect();
        let cluster = cluster_accuracy_interval(&correct, &groups, 0, 0).unwrap();
        let image = accuracy_interval(1_280, 1_600, 0, 0);
        let ratio = width(cluster) / width(image);
        assert!((3.5..4.5).contains(&ratio), "{ratio}");
    }

    #[test]
    fn intervals_cover_the_truth_about_95_times_in_100_where_image_intervals_do_not() {
        // Each of 60 groups has its own accuracy, 0.4 or 1.0: 0.7 over all groups.
        let trials = 200;
        let (mut covered, mut covered_by_images) = (0, 0);
        for trial in 0..trials {
            let mut stream = Stream::new(5, Purpose::Check, 300, trial);
            let (mut correct, mut groups) = (Vec::new(), Vec::new());
            for group in 0..60 {
                let accuracy = if stream.chance(0.5) { 0.4 } else { 1.0 };
                for _ in 0..20 {
                    correct.push(stream.chance(accuracy));
                    groups.push(group);
                }
            }
            let holds = |interval: Interval| interval.low <= 0.7 && 0.7 <= interval.high;
            covered += u64::from(holds(cluster_accuracy_interval(&correct, &groups, trial, 0).unwrap()));
            let right = correct.iter().filter(|&&right| right).count();
            covered_by_images += u64::from(holds(accuracy_interval(right, correct.len(), trial, 0)));
        }
        let share = |count: u64| count as f64 / trials as f64;
        // Standard error of the coverage itself: 0.015.
        assert!((0.90..=0.985).contains(&share(covered)), "{}", share(covered));
        assert!(share(covered_by_images) < 0.75, "{}", share(covered_by_images));
    }

    #[test]
    fn a_paired_difference_keeps_pairs_and_groups_together() {
        let groups: Vec<usize> = (0..1_000).map(|image| image % 250).collect();
        let a: Vec<bool> = (0..1_000).map(|image| image < 930).collect();
        let b: Vec<bool> = (0..1_000).map(|image| image < 900 || (950..960).contains(&image)).collect();
        let cluster = cluster_difference_interval(&a, &b, &groups, 0, 0).unwrap();
        assert!(cluster.low < 0.02 && 0.02 < cluster.high, "{cluster:?}");
        // No image of a group tells of the others here, so it is about as wide as over images.
        let image = paired_difference_interval(&a, &b, 0, 0).unwrap();
        assert!((0.8..1.25).contains(&(width(cluster) / width(image))), "{cluster:?} {image:?}");
        let same = cluster_difference_interval(&a, &a, &groups, 0, 0).unwrap();
        assert_eq!(same, Interval { low: 0.0, high: 0.0 });
    }

    #[test]
    fn what_does_not_fit_together_gives_no_interval_and_names_of_groups_do_not_matter() {
        let correct = [true, false, true, true];
        assert!(cluster_accuracy_interval(&correct, &[0, 0, 1], 0, 0).is_none());
        assert!(cluster_accuracy_interval(&[], &[], 0, 0).is_none());
        assert!(cluster_difference_interval(&correct, &correct[1..], &[0, 0, 1, 1], 0, 0).is_none());
        let interval = |groups: &[usize]| cluster_accuracy_interval(&correct, groups, 3, 1).unwrap();
        assert_eq!(interval(&[0, 0, 1, 1]), interval(&[7, 7, 90, 90]));
        assert_eq!(interval(&[4, 4, 4, 4]), Interval { low: 0.75, high: 0.75 });
    }
}
