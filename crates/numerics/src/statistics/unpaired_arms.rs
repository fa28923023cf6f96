//! Two arms whose seeds have nothing in common, judged on the same test images.

use super::paired_arms::{PairedArms, over_images};
use super::{Interval, mean_interval, student_t_quantile};

/// 95 % interval of mean accuracy(first) - mean accuracy(second), where `first[s][i]` and `second[s][i]` are the shares of
/// draws (0 or 1 where there is one) in which the encoder of seed s got test image i right.
///
/// The variance of the difference is that between the seeds of each arm plus that over test images, what seeds add on them
/// taken off, and the interval is Student's t with Welch's and Satterthwaite's degrees of freedom. An arm of one encoder adds
/// nothing for its seed: the interval then speaks of this encoder. Of one encoder in each it is over test images alone.
/// `groups` (N) says which images belong together. `None` if an arm is empty or lengths differ.
#[must_use]
pub fn unpaired_difference(
    first: &[&[f32]],
    second: &[&[f32]],
    groups: Option<&[usize]>,
) -> Option<Interval> {
    if first.first()?.len() != second.first()?.len() {
        return None;
    }
    let one = |arm: &[&[f32]]| PairedArms::new(&[arm.to_vec()], groups);
    let (first, second) = (one(first)?.by_seed(&[1.0]), one(second)?.by_seed(&[1.0]));
    let images = first.images;
    let summaries = [&first, &second].map(|arm| (mean_interval(&arm.values), arm.values.len() as f64));
    let parts =
        summaries.map(|(summary, seeds)| (summary.std.map_or(0.0, |std| std * std / seeds), seeds - 1.0));
    let mean = |residuals: &[Vec<f64>]| -> Vec<f64> {
        let of_group = |group: usize| residuals.iter().map(|of_seed| of_seed[group]).sum::<f64>();
        (0..residuals[0].len()).map(|group| of_group(group) / residuals.len() as f64).collect()
    };
    let (a, b) = (mean(&first.residuals), mean(&second.residuals));
    let groups = a.len() as f64;
    let minus = a.iter().zip(&b).map(|(a, b)| a - b).collect();
    let rest = [&first, &second].map(|arm| over_images(&arm.residuals, images).1);
    let of_images = (over_images(&[minus], images).0 - rest[0] - rest[1]).max(0.0);
    let of_seeds = [parts[0].0.max(rest[0]), parts[1].0.max(rest[1])];
    let variance = of_seeds[0] + of_seeds[1] + of_images;
    let share = |part: f64, degrees: f64| if part > 0.0 { part * part / degrees } else { 0.0 };
    let uncertain =
        share(of_seeds[0], parts[0].1) + share(of_seeds[1], parts[1].1) + share(of_images, groups - 1.0);
    let degrees = if uncertain > 0.0 { (variance * variance / uncertain).min(1e6) } else { 1e6 };
    let difference = summaries[0].0.mean - summaries[1].0.mean;
    let half_width = student_t_quantile(0.975, degrees) * variance.sqrt();
    Some(Interval { low: difference - half_width, high: difference + half_width })
}

/// The same of one encoder each, `first` and `second` (N) saying which test images they got right.
#[must_use]
pub fn difference_of_one(first: &[bool], second: &[bool], groups: Option<&[usize]>) -> Option<Interval> {
    let shares =
        |correct: &[bool]| -> Vec<f32> { correct.iter().map(|&right| f32::from(u8::from(right))).collect() };
    unpaired_difference(&[&shares(first)], &[&shares(second)], groups)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_runtime::seed::{Purpose, Stream};

    fn width(interval: Interval) -> f64 {
        interval.high - interval.low
    }

    #[test]
    fn one_encoder_each_is_judged_over_test_images_or_groups_of_them() {
        let of = |right: &dyn Fn(usize) -> bool| -> Vec<f32> {
            (0..1_000).map(|image| f32::from(u8::from(right(image)))).collect()
        };
        let a = of(&|image| image < 930);
        let b = of(&|image| image < 900 || (950..960).contains(&image));
        let interval = unpaired_difference(&[&a], &[&b], None).unwrap();
        // Standard error sqrt((0.04 - 0.02^2) / 999) = 0.006298, t of 999 degrees.
        assert!((interval.high - 0.02 - 1.962_34 * 0.006_297_7).abs() < 1e-5, "{interval:?}");
        assert_eq!(unpaired_difference(&[&a], &[&a], None), Some(Interval { low: 0.0, high: 0.0 }));
        // The same encoder twice differs by no seed, and what it does on the images is counted once.
        let twice = unpaired_difference(&[&a, &a], &[&b, &b], None).unwrap();
        assert!((width(twice) / width(interval) - 1.0).abs() < 0.01, "{twice:?} {interval:?}");
        let together: Vec<usize> = (0..1_000).map(|image| image / 10).collect();
        let grouped = unpaired_difference(&[&a], &[&b], Some(&together)).unwrap();
        assert!(width(grouped) > 1.5 * width(interval), "{grouped:?} {interval:?}");
    }

    #[test]
    fn three_seeds_that_differ_give_an_interval_that_covers_the_truth() {
        let (mut covered, trials) = (0, 400);
        for trial in 0..trials {
            // The accuracy of a seed is 0.8 +- 0.03 in both arms: the true difference is 0.
            let arm = |arm: u64| -> Vec<Vec<f32>> {
                let of_seed = |seed| {
                    let mut stream = Stream::new(trial, Purpose::Check, 700 + arm, seed);
                    let accuracy = 0.8 + 0.03 * stream.normal();
                    (0..300).map(|_| f32::from(u8::from(stream.chance(accuracy)))).collect()
                };
                (0..3).map(of_seed).collect()
            };
            let (first, second) = (arm(0), arm(1));
            let first: Vec<&[f32]> = first.iter().map(Vec::as_slice).collect();
            let second: Vec<&[f32]> = second.iter().map(Vec::as_slice).collect();
            let interval = unpaired_difference(&first, &second, None).unwrap();
            covered += u64::from(interval.low <= 0.0 && 0.0 <= interval.high);
        }
        let coverage = covered as f64 / trials as f64;
        assert!((0.93..=0.99).contains(&coverage), "{coverage}");
    }

    #[test]
    fn what_does_not_fit_together_gives_no_interval() {
        let (a, b) = ([1.0_f32, 0.0], [1.0_f32]);
        assert!(unpaired_difference(&[&a], &[&b], None).is_none());
        assert!(unpaired_difference(&[&a], &[], None).is_none());
        assert!(unpaired_difference(&[], &[&a], None).is_none());
        assert!(unpaired_difference(&[&a], &[&a], Some(&[0])).is_none());
    }
}
