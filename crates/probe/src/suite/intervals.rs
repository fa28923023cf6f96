//! Intervals over test images: over groups of them where it is known which belong together.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use zview_numerics::statistics::{
    Interval, accuracy_interval, clustered_accuracy_interval, difference_of_one, drawn_accuracy_interval,
};
use zview_report::numbers::thousands;

use crate::suite::SuiteError;

/// What stands for an interval over two seeds: two numbers say next to nothing of how far a third may lie.
pub const TWO_SEEDS: &str = "two seeds: no interval";

/// Why an arm has no interval of which one seed alone is there, where others were asked for.
pub const ONE_OF_SEVERAL: &str = "one seed of several: no interval";

/// [`TWO_SEEDS`] where there are two.
#[must_use]
pub fn too_few(seeds: usize) -> Option<&'static str> {
    (seeds == 2).then_some(TWO_SEEDS)
}

/// The ends of an interval over `seeds` seeds; none of two seeds.
#[must_use]
pub fn over_seeds(interval: Option<Interval>, seeds: usize) -> Option<Interval> {
    interval.filter(|_| too_few(seeds).is_none())
}

/// The same interval of an accuracy, which is between 0 and 1 whatever the t distribution thinks.
#[must_use]
pub fn of_accuracy(interval: Interval) -> Interval {
    Interval { low: interval.low.clamp(0.0, 1.0), high: interval.high.clamp(0.0, 1.0) }
}

/// Which test images belong together, such as the letters of one typeface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestGroups {
    /// What a group is, in the plural: `typeface families`.
    pub unit: String,
    /// The group of each test image, (N), by any numbers.
    pub of_image: Vec<usize>,
}

/// What is resampled, and how many of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resampling {
    /// `groups` or `images`; `cluster-bootstrap` and `image-bootstrap` in files of earlier versions.
    pub kind: Cow<'static, str>,
    /// What is drawn with replacement.
    pub unit: String,
    /// How many of it there are.
    pub units: usize,
    /// Test images.
    pub n_test: usize,
}

impl Resampling {
    /// The same without "over", for a column.
    #[must_use]
    pub fn short(&self) -> String {
        self.in_words().trim_start_matches("over ").to_owned()
    }

    /// In a few words, after "95 % intervals".
    #[must_use]
    pub fn in_words(&self) -> String {
        match &*self.kind {
            "groups" | "cluster-bootstrap" => {
                let (units, images) = (thousands(self.units), thousands(self.n_test));
                format!("over {units} {} ({images} images)", self.unit)
            }
            _ => format!("over {} test images", thousands(self.n_test)),
        }
    }
}

/// Makes the intervals of one study, all in the same way.
#[derive(Debug, Clone)]
pub struct TestIntervals<'a> {
    groups: Option<&'a TestGroups>,
    resampling: Resampling,
}

impl<'a> TestIntervals<'a> {
    /// Intervals over the groups of the `n_test` images where they are known, else over the images.
    ///
    /// # Errors
    /// [`SuiteError::Groups`] where there is not one group per image.
    pub fn new(groups: Option<&'a TestGroups>, n_test: usize) -> Result<Self, SuiteError> {
        let resampling = match groups {
            Some(groups) if groups.of_image.len() != n_test => {
                return Err(SuiteError::Groups { expected: n_test, got: groups.of_image.len() });
            }
            Some(groups) => {
                let distinct: std::collections::BTreeSet<&usize> = groups.of_image.iter().collect();
                let (unit, units) = (groups.unit.clone(), distinct.len());
                Resampling { kind: "groups".into(), unit, units, n_test }
            }
            None => {
                Resampling { kind: "images".into(), unit: "test images".to_owned(), units: n_test, n_test }
            }
        };
        Ok(Self { groups, resampling })
    }

    /// What is resampled.
    #[must_use]
    pub fn resampling(&self) -> &Resampling {
        &self.resampling
    }

    /// 95 % interval of an accuracy; `correct` (N) says which test images were right.
    #[must_use]
    pub fn accuracy(&self, correct: &[bool]) -> Interval {
        let over_groups =
            self.groups.and_then(|groups| clustered_accuracy_interval(correct, &groups.of_image));
        let right = correct.iter().filter(|&&right| right).count();
        over_groups.unwrap_or_else(|| accuracy_interval(right, correct.len()))
    }

    /// That of an accuracy with few labels, over `draws` of these and test images, each right in so many of them.
    #[must_use]
    pub fn drawn(&self, draws: &[f64], right: &[u32]) -> Option<Interval> {
        drawn_accuracy_interval(draws, right, self.groups.map(|groups| &*groups.of_image))
    }

    /// 95 % interval of accuracy(a) - accuracy(b), image by image; `None` if they judged other images.
    #[must_use]
    pub fn difference(&self, a: &[bool], b: &[bool]) -> Option<Interval> {
        difference_of_one(a, b, self.groups.map(|groups| &*groups.of_image))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_used_where_they_are_known_and_named_in_words() {
        let correct: Vec<bool> = (0..400).map(|image| (image / 20) % 4 != 0).collect();
        let groups =
            TestGroups { unit: "typefaces".to_owned(), of_image: (0..400).map(|image| image / 20).collect() };
        let by_group = TestIntervals::new(Some(&groups), 400).unwrap();
        let by_image = TestIntervals::new(None, 400).unwrap();
        let width = |interval: Interval| interval.high - interval.low;
        assert!(width(by_group.accuracy(&correct)) > 3.0 * width(by_image.accuracy(&correct)));
        assert!(by_group.resampling().in_words().contains("20 typefaces (400 images"));
        assert_eq!(by_image.resampling().in_words(), "over 400 test images");
        let none = vec![false; 400];
        assert!(width(by_group.difference(&correct, &none).unwrap()) > 0.0);
        assert!(by_image.difference(&correct, &none[1..]).is_none());
        assert!(TestIntervals::new(Some(&groups), 399).is_err());
    }

    #[test]
    fn two_seeds_have_no_interval() {
        let interval = Interval { low: 0.1, high: 0.9 };
        assert_eq!([1, 2, 3].map(too_few), [None, Some(TWO_SEEDS), None]);
        assert_eq!(over_seeds(Some(interval), 2), None);
        assert_eq!(over_seeds(Some(interval), 3), Some(interval));
    }

    #[test]
    fn intervals_of_accuracies_are_cut_to_what_is_possible() {
        let cut = of_accuracy(Interval { low: -0.2, high: 1.3 });
        assert_eq!((cut.low, cut.high), (0.0, 1.0));
    }
}
