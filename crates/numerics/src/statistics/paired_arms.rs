//! Arms of the same seeds, judged on the same test images, and weighted sums of them: differences, trends, gains.
//!
//! Seed s of an arm gets the share c(s) of N test images right. Over seeds and images, which are both samples of many,
//!
//! Var(mean) = seed / S + image / N + rest / (S N),
//!
//! where the variance of the means over seeds estimates the first and the last part together, that over images (over groups
//! of them that belong together) the second and the last; each part is counted once (Searle, Casella and McCulloch, Variance
//! Components, section 4.3).

use std::collections::BTreeMap;

use super::cochran_cox::CochranCox;
use super::shared_variance::{Moderated, SharedVariance};
use super::{Interval, mean_interval};

/// Which test images the encoders of some arms got right, by seed and group of images.
#[derive(Debug, Clone)]
pub struct PairedArms {
    /// `sums[a][s][g]`: shares of draws, summed over the images of group g.
    sums: Vec<Vec<Vec<f64>>>,
    /// Images of each group.
    sizes: Vec<f64>,
}

/// A weighted sum of arms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contrast {
    /// Mean over seeds.
    pub value: f64,
    /// Its 95 % interval.
    pub interval: Interval,
    /// Two-sided p-value of a sum of 0; absent for a single seed.
    pub p_value: Option<f64>,
    /// Seeds.
    pub seeds: usize,
    error: CochranCox,
}

impl Contrast {
    /// The interval that misses with probability `level`.
    #[must_use]
    pub fn interval_at(&self, level: f64) -> Interval {
        around(self.value, self.error.half_width(level))
    }

    /// Whether it lies within `margin` of 0, by two one-sided tests: the p-value of the worse one (Schuirmann 1987,
    /// <https://doi.org/10.1007/BF01068419>). `None` for a single seed.
    #[must_use]
    pub fn p_of_equivalence(&self, margin: f64) -> Option<f64> {
        self.p_value?;
        let distance = margin - self.value.abs();
        let two_sided = self.error.p_value(distance);
        Some(if distance > 0.0 { 0.5 * two_sided } else { 1.0 - 0.5 * two_sided })
    }

    /// Groups of test images that are independent of each other.
    #[must_use]
    pub fn groups(&self) -> f64 {
        self.error.groups
    }

    /// Half of the width of the 95 % interval over test images alone.
    #[must_use]
    pub fn half_width_over_images(&self) -> f64 {
        CochranCox { of_seeds: 0.0, ..self.error }.half_width(0.05)
    }

    /// Variance of the mean over test images, what seeds add on them taken off.
    #[must_use]
    pub fn variance_over_images(&self) -> f64 {
        self.error.of_images
    }
}

/// A weighted sum of arms, seed by seed.
pub(super) struct BySeed {
    /// The value with each seed.
    pub(super) values: Vec<f64>,
    /// `residuals[s][g]`: what a group of test images has more than its images' share of that.
    pub(super) residuals: Vec<Vec<f64>>,
    /// Test images.
    pub(super) images: f64,
}

fn around(value: f64, half_width: f64) -> Interval {
    Interval { low: value - half_width, high: value + half_width }
}

impl PairedArms {
    /// `right[a][s][i]` is the share of draws (0 or 1 where there is one) in which seed s of arm a got test image i right;
    /// `groups` (N) says which images belong together. `None` if an arm is empty or lengths differ.
    #[must_use]
    pub fn new(right: &[Vec<&[f32]>], groups: Option<&[usize]>) -> Option<Self> {
        let first = right.first()?;
        let images = first.first()?.len();
        let fits = |of_arm: &Vec<&[f32]>| {
            of_arm.len() == first.len() && of_arm.iter().all(|right| right.len() == images)
        };
        if images == 0 || !right.iter().all(fits) || groups.is_some_and(|groups| groups.len() != images) {
            return None;
        }
        let mut sizes = vec![1.0; images];
        let mut place: Vec<usize> = (0..images).collect();
        if let Some(groups) = groups {
            let mut numbers = BTreeMap::new();
            groups.iter().for_each(|group| {
                numbers.insert(group, 0);
            });
            numbers.values_mut().enumerate().for_each(|(number, of)| *of = number);
            sizes = vec![0.0; numbers.len()];
            for (place, group) in place.iter_mut().zip(groups) {
                *place = numbers[group];
                sizes[*place] += 1.0;
            }
        }
        let of_seed = |right: &&[f32]| {
            let mut sums = vec![0.0; sizes.len()];
            right.iter().zip(&place).for_each(|(&right, &place)| sums[place] += f64::from(right));
            sums
        };
        let sums = right.iter().map(|of_arm| of_arm.iter().map(of_seed).collect()).collect();
        Some(Self { sums, sizes })
    }

    /// Arms of which nothing is known by test image: `values[a][s]`. `None` if an arm is empty or lengths differ.
    #[must_use]
    pub fn of_values(values: &[Vec<f64>]) -> Option<Self> {
        let seeds = values.first()?.len();
        if seeds == 0 || values.iter().any(|of_arm| of_arm.len() != seeds) {
            return None;
        }
        let of_arm = |values: &Vec<f64>| values.iter().map(|&value| vec![value]).collect();
        Some(Self { sums: values.iter().map(of_arm).collect(), sizes: vec![1.0] })
    }

    /// The sum with these weights, seed by seed.
    pub(super) fn by_seed(&self, weights: &[f64]) -> BySeed {
        let images: f64 = self.sizes.iter().sum();
        let of_seed = |seed: usize| -> (f64, Vec<f64>) {
            let mut sums = vec![0.0; self.sizes.len()];
            for (&weight, of_arm) in weights.iter().zip(&self.sums) {
                sums.iter_mut().zip(&of_arm[seed]).for_each(|(sum, of)| *sum += weight * of);
            }
            let value = sums.iter().sum::<f64>() / images;
            sums.iter_mut().zip(&self.sizes).for_each(|(sum, size)| *sum -= value * size);
            (value, sums)
        };
        let (values, residuals) = (0..self.sums[0].len()).map(of_seed).unzip();
        BySeed { values, residuals, images }
    }

    /// The sum of all arms with these weights, one for each. `shared` has the arms that spread alike over seeds, with this
    /// contrast's weights of them; where it is not given the contrast is judged by its own spread alone. With one seed the
    /// interval is over test images alone.
    #[must_use]
    pub fn contrast(&self, weights: &[f64], shared: Option<(&SharedVariance, &[f64])>) -> Contrast {
        let BySeed { values, residuals, images } = self.by_seed(weights);
        let seeds = values.len();
        let summary = mean_interval(&values);
        let (of_images, rest) = over_images(&residuals, images);
        let own = summary.std.map_or(0.0, |std| std * std);
        let degrees = seeds as f64 - 1.0;
        let Moderated { variance, degrees } = match shared.filter(|_| seeds > 1) {
            Some((shared, weights)) => shared.moderate(weights, own, degrees),
            None => Moderated { variance: own, degrees },
        };
        let error = CochranCox {
            // What seeds add on these images is known by all of them.
            of_seeds: if seeds > 1 { (variance / seeds as f64).max(rest) } else { 0.0 },
            degrees,
            of_images: (of_images - rest).max(0.0),
            groups: self.sizes.len() as f64,
        };
        Contrast {
            value: summary.mean,
            interval: around(summary.mean, error.half_width(0.05)),
            p_value: (seeds > 1).then(|| error.p_value(summary.mean)),
            seeds,
            error,
        }
    }
}

/// Variance of the mean over test images of `residuals[s][g]`, of their means over seeds, and the part of it that is the
/// seeds' own on these images: of ratios of sums over groups.
pub(super) fn over_images(residuals: &[Vec<f64>], images: f64) -> (f64, f64) {
    let (seeds, groups) = (residuals.len() as f64, residuals.first().map_or(0, Vec::len));
    let (mut of_mean, mut rest) = (0.0, 0.0);
    for group in 0..groups {
        let mean = residuals.iter().map(|of_seed| of_seed[group]).sum::<f64>() / seeds;
        of_mean += mean * mean;
        rest += residuals.iter().map(|of_seed| (of_seed[group] - mean).powi(2)).sum::<f64>();
    }
    let count = groups as f64;
    let scale = if count > 1.0 { count / (count - 1.0) / (images * images) } else { 0.0 };
    let rest = if seeds > 1.0 { rest / (seeds - 1.0) / seeds } else { 0.0 };
    (scale * of_mean, scale * rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arms(right: &[Vec<Vec<f32>>], groups: Option<&[usize]>) -> PairedArms {
        let right: Vec<Vec<&[f32]>> =
            right.iter().map(|of_arm| of_arm.iter().map(Vec::as_slice).collect()).collect();
        PairedArms::new(&right, groups).unwrap()
    }

    /// The residual of seeds and images was in the variance over seeds and in that over images.
    #[test]
    fn each_part_of_the_variance_is_counted_once() {
        // Three seeds of one arm by four images, by hand: MS_seeds = 0.25, MS_images = 0.2777..., MS_rest = 0.1388...
        let right = vec![vec![1.0, 1.0, 0.0, 1.0], vec![1.0, 0.0, 0.0, 1.0], vec![1.0, 1.0, 1.0, 1.0]];
        let of = arms(std::slice::from_ref(&right), None).contrast(&[1.0], None);
        let (of_seeds, of_images) = ([0.75, 0.5, 1.0], [1.0, 2.0 / 3.0, 1.0 / 3.0, 1.0]);
        let variance = |of: &[f64], mean: f64| {
            of.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (of.len() as f64 - 1.0)
        };
        let mut rest = 0.0;
        for (row, seed) in right.iter().zip(of_seeds) {
            for (x, image) in row.iter().zip(of_images) {
                rest += (f64::from(*x) - seed - image + 0.75).powi(2);
            }
        }
        let rest = rest / 6.0 / 12.0;
        assert!((of.error.of_seeds - variance(&of_seeds, 0.75) / 3.0).abs() < 1e-9, "{of:?}");
        assert!(
            (of.error.of_images - (variance(&of_images, 0.75) / 4.0 - rest).max(0.0)).abs() < 1e-9,
            "{of:?} {rest}"
        );
        assert_eq!((of.seeds, of.value), (3, 0.75));
    }

    #[test]
    fn one_seed_is_judged_over_test_images_and_groups_take_the_place_of_images() {
        let (one, other) = (vec![vec![1.0, 0.0, 1.0, 1.0]], vec![vec![0.5, 0.0, 1.0, 0.25]]);
        let single = arms(&[one.clone(), other.clone()], None).contrast(&[1.0, -1.0], None);
        assert!(single.p_value.is_none() && (single.value - 0.3125).abs() < 1e-9);
        // Residuals of 0.5, 0, 0, 0.75 from 0.3125, squares / 16 * 4 / 3, t of 3 degrees.
        let variance: f64 = [0.1875_f64, -0.3125, -0.3125, 0.4375].iter().map(|r| r * r).sum::<f64>() / 12.0;
        assert!(
            (single.interval.high - single.value - 3.182_446_31 * variance.sqrt()).abs() < 1e-7,
            "{single:?}"
        );
        let grouped = arms(&[one, other], Some(&[7, 7, 3, 3])).contrast(&[1.0, -1.0], None);
        let residuals = [0.5 - 0.625, 0.75 - 0.625_f64];
        let variance = residuals.iter().map(|r| r * r).sum::<f64>() / 16.0 * 2.0;
        assert!((grouped.error.of_images - variance).abs() < 1e-9, "{grouped:?}");
    }

    #[test]
    fn equivalence_is_two_one_sided_tests() {
        let of = PairedArms::of_values(&[vec![0.51, 0.5, 0.49], vec![0.5, 0.5, 0.5]]).unwrap();
        let of = of.contrast(&[1.0, -1.0], None);
        // t = 0.02 / (0.01 / sqrt(3)) = 3.4641 of 2 degrees: one-sided p 0.03709.
        assert!(
            (of.p_of_equivalence(0.02).unwrap() - 0.037_09).abs() < 1e-5,
            "{:?}",
            of.p_of_equivalence(0.02)
        );
        assert!(of.p_of_equivalence(0.0).unwrap() > 0.49);
        let far = PairedArms::of_values(&[vec![0.61, 0.6, 0.59]]).unwrap().contrast(&[1.0], None);
        assert!(far.p_of_equivalence(0.02).unwrap() > 0.99);
        let one = PairedArms::of_values(&[vec![0.6]]).unwrap().contrast(&[1.0], None);
        assert!(one.p_of_equivalence(0.02).is_none());
        assert!(
            PairedArms::of_values(&[vec![0.6], vec![]]).is_none() && PairedArms::new(&[], None).is_none()
        );
    }
}
