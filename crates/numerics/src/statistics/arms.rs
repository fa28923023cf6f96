//! Two arms of several training seeds each, judged on the same test images.

use super::{
    Interval, cluster_difference_interval, mean_interval, paired_difference_interval, student_t_quantile,
};

/// 95 % interval of mean accuracy(first) - mean accuracy(second), where `first[s][i]` and `second[s][i]` say whether
/// the encoder of seed s got test image i right.
///
/// With one encoder in each arm it is the paired bootstrap over test images, and speaks of these two encoders. Else the
/// variance of the difference is that between the seeds of each arm plus that over test images, and the interval is
/// Student's t with Welch's and Satterthwaite's degrees of freedom: a bootstrap of three seeds would be too narrow. An
/// arm of one encoder adds nothing for its seed. `groups` (N) says which images belong together. `None` if an arm is
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
    if let ([first], [second]) = (first, second) {
        return match groups {
            Some(groups) => cluster_difference_interval(first, second, groups, seed, use_number),
            None => paired_difference_interval(first, second, seed, use_number),
        };
    }
    let accuracies = |arm: &[&[bool]]| -> Vec<f64> {
        arm.iter().map(|correct| share(correct.iter().filter(|&&right| right).count(), images)).collect()
    };
    let (a, b) = (mean_interval(&accuracies(first)), mean_interval(&accuracies(second)));
    let of_seeds = [(a.std, first.len()), (b.std, second.len())]
        .map(|(std, seeds)| (std.map_or(0.0, |std| std * std / seeds as f64), seeds as f64 - 1.0));
    let difference = a.mean - b.mean;
    let right =
        |arm: &[&[bool]], image: usize| share(arm.iter().filter(|correct| correct[image]).count(), arm.len());
    let of_image = |image: usize| right(first, image) - right(second, image);
    let variance = of_seeds[0].0 + of_seeds[1].0 + variance_over_images(images, of_image, groups, difference);
    // The part over test images has so many degrees of freedom that it does not matter here.
    let uncertain: f64 =
        of_seeds.iter().filter(|(part, _)| *part > 0.0).map(|(part, degrees)| part * part / degrees).sum();
    let degrees = if uncertain > 0.0 { (variance * variance / uncertain).min(1e6) } else { 1e6 };
    let half_width = student_t_quantile(0.975, degrees) * variance.sqrt();
    Some(Interval { low: difference - half_width, high: difference + half_width })
}

fn share(count: usize, of: usize) -> f64 {
    count as f64 / of as f64
}

/// Variance of the mean over test images of `of_image`, (mean over first) - (mean over second), which is `difference`:
/// of a ratio of sums over groups.
pub(super) fn variance_over_images(
    images: usize,
    of_image: impl Fn(usize) -> f64,
    groups: Option<&[usize]>,
    difference: f64,
) -> f64 {
    let mut residuals = std::collections::BTreeMap::<usize, f64>::new();
    for image in 0..images {
        let group = groups.map_or(image, |groups| groups[image]);
        *residuals.entry(group).or_default() += of_image(image) - difference;
    }
    let count = residuals.len() as f64;
    let squares: f64 = residuals.values().map(|residual| residual * residual).sum();
    if count > 1.0 { squares / (images as f64).powi(2) * count / (count - 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_runtime::seed::{Purpose, Stream};

    fn width(interval: Interval) -> f64 {
        interval.high - interval.low
    }

    #[test]
    fn one_seed_each_gives_the_paired_interval() {
        let a: Vec<bool> = (0..1_000).map(|image| image < 930).collect();
        let b: Vec<bool> = (0..1_000).map(|image| image < 900 || (950..960).contains(&image)).collect();
        let arms = arms_difference_interval(&[&a], &[&b], None, 0, 0).unwrap();
        assert_eq!(arms, paired_difference_interval(&a, &b, 0, 0).unwrap());
        // The same encoder twice differs by no seed: what is left is the variance over images.
        let twice = arms_difference_interval(&[&a, &a], &[&b, &b], None, 0, 0).unwrap();
        assert!((width(twice) / width(arms) - 1.0).abs() < 0.1, "{twice:?} {arms:?}");
        let together: Vec<usize> = (0..1_000).map(|image| image / 10).collect();
        let grouped = arms_difference_interval(&[&a, &a], &[&b, &b], Some(&together), 0, 0).unwrap();
        assert!(width(grouped) > 1.5 * width(twice), "{grouped:?} {twice:?}");
    }

    #[test]
    fn three_seeds_that_differ_give_an_interval_that_covers_the_truth() {
        let (mut covered, trials) = (0, 300);
        for trial in 0..trials {
            // The accuracy of a seed is 0.8 +- 0.03 in both arms: the true difference is 0.
            let arm = |arm: u64| -> Vec<Vec<bool>> {
                (0..3)
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
        assert!((0.93..=0.995).contains(&coverage), "{coverage}");
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
