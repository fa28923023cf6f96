//! Two arms of the same seeds, judged on the same test images.

use serde::Serialize;

use super::arms::variance_over_images;
use super::cochran_cox::CochranCox;
use super::mean_interval;

/// A difference between two arms that have the same seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PairedSeeds {
    /// Mean over seeds of accuracy(first) - accuracy(second), -1 to 1.
    pub difference: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
    /// Two-sided p-value of no difference; absent for a single seed.
    pub p_value: Option<f64>,
    /// Seeds.
    pub seeds: usize,
}

/// The difference of two arms whose seeds are paired: `first[s][i]` and `second[s][i]` are the shares of draws in which
/// the encoders of seed s got test image i right (0 or 1 where there is one draw). The variance of its mean is that of
/// the differences over seeds plus that over test images (over groups of them, where `groups` (N) says which belong
/// together); interval and p-value are Cochran and Cox's. With one seed the interval
/// is over test images alone, without p-value. `None` if lengths differ or an arm is empty.
#[must_use]
pub fn paired_seeds_difference(
    first: &[&[f32]],
    second: &[&[f32]],
    groups: Option<&[usize]>,
) -> Option<PairedSeeds> {
    let images = first.first()?.len();
    let fits = |right: &&[f32]| right.len() == images;
    if first.len() != second.len() || images == 0 || !first.iter().chain(second).all(fits) {
        return None;
    }
    if groups.is_some_and(|groups| groups.len() != images) {
        return None;
    }
    let accuracy = |right: &[f32]| right.iter().map(|&share| f64::from(share)).sum::<f64>() / images as f64;
    let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| accuracy(a) - accuracy(b)).collect();
    let summary = mean_interval(&differences);
    let (difference, seeds) = (summary.mean, differences.len());
    let of_seeds = summary.std.map_or(0.0, |std| std * std / seeds as f64);
    let right = |arm: &[&[f32]], image: usize| {
        arm.iter().map(|right| f64::from(right[image])).sum::<f64>() / arm.len() as f64
    };
    let of_image = |image: usize| right(first, image) - right(second, image);
    let of_images = variance_over_images(images, of_image, groups, difference);
    let error = CochranCox { of_seeds, degrees: seeds as f64 - 1.0, of_images };
    let half_width = error.half_width(0.05);
    let p_value = (seeds > 1).then(|| error.p_value(difference));
    let (low, high) = (difference - half_width, difference + half_width);
    Some(PairedSeeds { difference, low, high, p_value, seeds })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::arms_difference_interval;
    use zview_runtime::seed::{Purpose, Stream};

    #[test]
    fn paired_seeds_take_out_what_seeds_have_in_common() {
        let (mut covered, mut below, trials) = (0, 0, 300);
        let (mut paired_width, mut apart_width) = (0.0, 0.0);
        for trial in 0..trials {
            // A seed moves both arms by the same, and the first is 0.02 better.
            let arm = |arm: u64| -> Vec<Vec<bool>> {
                let of_seed = |seed: u64| {
                    let moved = 0.05 * Stream::new(trial, Purpose::Check, 710, seed).normal();
                    let mut stream = Stream::new(trial, Purpose::Check, 711 + arm, seed);
                    (0..600).map(|_| stream.chance(0.8 + moved + if arm == 0 { 0.02 } else { 0.0 })).collect()
                };
                (0..4).map(of_seed).collect()
            };
            let (first, second) = (arm(0), arm(1));
            let first: Vec<&[bool]> = first.iter().map(Vec::as_slice).collect();
            let second: Vec<&[bool]> = second.iter().map(Vec::as_slice).collect();
            let shares = |arm: &[&[bool]]| -> Vec<Vec<f32>> {
                arm.iter().map(|of| of.iter().map(|&right| f32::from(u8::from(right))).collect()).collect()
            };
            let (a, b) = (shares(&first), shares(&second));
            let a: Vec<&[f32]> = a.iter().map(Vec::as_slice).collect();
            let b: Vec<&[f32]> = b.iter().map(Vec::as_slice).collect();
            let paired = paired_seeds_difference(&a, &b, None).unwrap();
            covered += u64::from(paired.low <= 0.02 && 0.02 <= paired.high);
            below += u64::from(paired.p_value.unwrap() < 0.05);
            assert_eq!(paired.p_value.unwrap() < 0.05, paired.low > 0.0 || paired.high < 0.0);
            paired_width += paired.high - paired.low;
            let apart = arms_difference_interval(&first, &second, None, trial, 0).unwrap();
            apart_width += apart.high - apart.low;
        }
        let coverage = covered as f64 / trials as f64;
        assert!((0.93..=1.0).contains(&coverage) && below > 15, "{coverage} {below}");
        assert!(paired_width < 0.8 * apart_width, "{paired_width} {apart_width}");
        let (one, other) = ([1.0, 0.0, 1.0, 1.0], [0.5, 0.0, 1.0, 0.25]);
        let single = paired_seeds_difference(&[&one], &[&other], None).unwrap();
        assert!(single.p_value.is_none() && (single.difference - 0.3125).abs() < 1e-12);
        // By hand: residuals of 0.5, 0, 0, 0.75 from 0.3125, squares / 16 * 4 / 3, normal quantile.
        let variance: f64 = [0.1875_f64, -0.3125, -0.3125, 0.4375].iter().map(|r| r * r).sum::<f64>() / 12.0;
        assert!((single.high - single.difference - 1.959_964 * variance.sqrt()).abs() < 1e-4, "{single:?}");
        assert!(paired_seeds_difference(&[&one, &one], &[&one], None).is_none());
    }
}
