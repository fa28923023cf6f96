//! How many seeds find a difference, and what a number of seeds finds.

use super::SHARED_DEGREES;
use super::cochran_cox::CochranCox;
use super::student_t_quantile;

/// How often a difference is to be found.
const POWER: f64 = 0.8;
/// Below this corrected p-value it is.
const LEVEL: f64 = 0.05;
/// More seeds nobody trains.
const SEEDS_MAX: usize = 200;

/// A study that is planned: how differences spread, and how many of them are tested.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planned {
    /// Variance of a difference over seeds.
    pub of_seeds: f64,
    /// Variance of its mean over test images, however many seeds there are.
    pub of_images: f64,
    /// Groups of test images that are independent of each other.
    pub groups: usize,
    /// Arms that share their spread.
    pub arms: usize,
    /// Tests that are corrected together.
    pub tests: usize,
}

impl Planned {
    /// The smallest difference that so many seeds find with a probability of 80 %, being the only one of all tests (Holm's
    /// first step); `None` of fewer than two seeds.
    #[must_use]
    pub fn detectable(&self, seeds: usize) -> Option<f64> {
        if seeds < 2 {
            return None;
        }
        let own = seeds as f64 - 1.0;
        let degrees = own + SHARED_DEGREES.min((self.arms.max(2) - 2) as f64 * own);
        let (of_seeds, of_images) = (self.of_seeds / seeds as f64, self.of_images);
        let error = CochranCox { of_seeds, degrees, of_images, groups: self.groups as f64 };
        let beyond = student_t_quantile(POWER, degrees) * (of_seeds + of_images).sqrt();
        Some(error.half_width(LEVEL / self.tests.max(1) as f64) + beyond)
    }

    /// The smallest number of seeds that finds `difference` so; `None` where none does, because test images are too few.
    #[must_use]
    pub fn seeds_for(&self, difference: f64) -> Option<usize> {
        (2..=SEEDS_MAX).find(|&seeds| self.detectable(seeds).is_some_and(|least| least <= difference))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_seeds_find_less_until_images_are_too_few() {
        let planned = Planned {
            of_seeds: 0.92e-2_f64.powi(2),
            of_images: 0.13e-2_f64.powi(2),
            groups: 10_000,
            arms: 5,
            tests: 5,
        };
        let found = [3, 5, 10].map(|seeds| planned.detectable(seeds).unwrap());
        assert!(found[0] > found[1] && found[1] > found[2], "{found:?}");
        let seeds = planned.seeds_for(0.02).unwrap();
        assert!(planned.detectable(seeds).unwrap() <= 0.02 && planned.detectable(seeds - 1).unwrap() > 0.02);
        assert!(Planned { of_images: 0.01_f64.powi(2), ..planned }.seeds_for(0.01).is_none());
        assert!(planned.detectable(1).is_none());
        // One test of two arms by hand: t(0.975, 9) and t(0.8, 9) times the error.
        let plain = Planned { of_images: 0.0, arms: 2, tests: 1, ..planned };
        let by_hand = (2.262_157_16 + 0.883_403_86) * 0.92e-2 / 10_f64.sqrt();
        assert!((plain.detectable(10).unwrap() - by_hand).abs() < 1e-8);
    }
}
