//! How far differences of a study spread, and so which ones its seeds find and how many seeds others take.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use zview_numerics::statistics::{Planned, median};
use zview_probe::suite::ProtocolKind;
use zview_probe::suite::arms::Arms;
use zview_probe::suite::metric::Metric;
use zview_report::numbers::precise_percent;

use super::collect::{Comparison, collect};
use super::measures::headlines;
use super::study::Study;
use crate::ExperimentError;

/// Differences that a planned study is asked to find.
const WANTED: [f64; 3] = [0.01, 0.02, 0.04];

/// What differences of the arms of a study spread by, by one measure on one data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The data set.
    pub data: String,
    /// The measure.
    pub measure: String,
    /// Standard deviation over seeds of a difference, a fraction.
    pub std_over_seeds: f64,
    /// Standard error of a difference over test images, however many seeds there are.
    pub error_over_images: f64,
    /// Groups of test images that are independent of each other.
    pub groups: usize,
    /// Arms that share it.
    pub arms: usize,
    /// Tests of the family.
    pub tests: usize,
    /// Seeds that are there.
    pub seeds: usize,
    /// The smallest difference that these find with a probability of 80 %, if it is the only one.
    pub finds: Option<f64>,
    /// Seeds that find a difference so, by its size; `None` where none do, because test images are too few.
    pub seeds_for: BTreeMap<String, Option<usize>>,
}

impl Spread {
    fn planned(&self) -> Planned {
        Planned {
            of_seeds: self.std_over_seeds.powi(2),
            of_images: self.error_over_images.powi(2),
            groups: self.groups,
            arms: self.arms,
            tests: self.tests,
        }
    }

    /// The same for a family of so many tests with so many seeds.
    #[must_use]
    pub fn of_family(mut self, tests: usize, seeds: usize) -> Self {
        (self.tests, self.seeds) = (tests, seeds);
        let planned = self.planned();
        self.finds = planned.detectable(seeds);
        self.seeds_for = WANTED.iter().map(|&size| (format!("{size}"), planned.seeds_for(size))).collect();
        self
    }

    /// What its seeds find and what other differences take, in a line.
    #[must_use]
    pub fn in_words(&self, title: &str) -> String {
        let finds = self.finds.map_or_else(String::new, |finds| {
            format!("{} seeds find {} points with 80 %; ", self.seeds, precise_percent(finds))
        });
        let wanted = WANTED.iter().map(|size| {
            let points = match 100.0 * size {
                1.0 => "1 point".to_owned(),
                points => format!("{points:.0} points"),
            };
            match self.seeds_for.get(&format!("{size}")).copied().flatten() {
                Some(seeds) => format!("{points} {seeds}"),
                None => format!("{points} more test images"),
            }
        });
        let wanted: Vec<String> = wanted.collect();
        format!(
            "{}, {title}: {finds}seeds needed for {} ({} tests corrected together)",
            self.data,
            wanted.join(", for "),
            self.tests
        )
    }
}

/// By the headline measures that are accuracies, where two seeds or more of two trained arms are there.
pub(super) fn spreads(comparison: &Comparison, measured: &BTreeMap<String, Arms>) -> Vec<Spread> {
    let mut spreads = Vec::new();
    for data in &comparison.data {
        let Some(arms) = measured.get(data) else { continue };
        for metric in headlines(comparison, data) {
            let Some(shared) = arms.shared_by(&metric.key) else { continue };
            let of_images = comparison.arms.iter().filter_map(|arm| {
                let difference = arm.minus_reference.get(data)?.get(&metric.key)?;
                difference.no_p.is_none().then_some(difference.of_seeds?)
            });
            let of_images: Vec<_> = of_images.collect();
            let Some(first) = of_images.first() else { continue };
            let spread = Spread {
                data: data.clone(),
                measure: metric.key.clone(),
                std_over_seeds: (2.0 * shared.mean_square()).sqrt(),
                error_over_images: median(of_images.iter().map(|of| of.variance_over_images()).collect())
                    .sqrt(),
                groups: first.groups() as usize,
                arms: shared.arms(),
                tests: 0,
                seeds: 0,
                finds: None,
                seeds_for: BTreeMap::new(),
            };
            let tests = comparison.tests().max(1);
            spreads.push(spread.of_family(tests, comparison.seeds.len()));
        }
    }
    spreads
}

impl Study {
    /// How far differences spread, for a plan: by the cells that are finished, else in `earlier`, the `comparison.json` of
    /// another study.
    ///
    /// # Errors
    /// A file that cannot be read, or that says nothing of it.
    pub fn planned_spreads(&self, earlier: Option<&Path>) -> Result<Vec<Spread>, ExperimentError> {
        let comparison = collect(self);
        let spreads = match earlier {
            Some(file) => read_spreads(file)?,
            None => comparison.spreads.clone(),
        };
        let (tests, seeds) = (self.planned_tests(), self.config.seeds.len());
        Ok(spreads.into_iter().map(|spread| spread.of_family(tests, seeds)).collect())
    }

    /// Tests of the largest family by both headline measures, or by the one that there is.
    fn planned_tests(&self) -> usize {
        let mut families: BTreeMap<Option<&String>, usize> = BTreeMap::new();
        for contrast in &self.config.contrasts {
            *families.entry(contrast.family.as_ref()).or_default() += 1;
        }
        let of_arms = || self.arms.iter().filter(|arm| arm.against.is_some()).count();
        let asked = families.into_values().max().unwrap_or_else(of_arms);
        let headlines = [ProtocolKind::Linear, ProtocolKind::FewShot];
        let measures = headlines.into_iter().filter(|kind| self.config.evaluation.asks_for(*kind)).count();
        asked * self.config.data.len() * measures.max(1)
    }
}

fn read_spreads(file: &Path) -> Result<Vec<Spread>, ExperimentError> {
    #[derive(Deserialize)]
    struct Earlier {
        #[serde(default)]
        spreads: Vec<Spread>,
    }
    let no_spreads = |reason: String| ExperimentError::Spreads { path: file.to_owned(), reason };
    let text = std::fs::read_to_string(file).map_err(|error| no_spreads(error.to_string()))?;
    let Earlier { spreads } = serde_json::from_str(&text).map_err(|error| no_spreads(error.to_string()))?;
    let possible = |of: &Spread| {
        of.std_over_seeds >= 0.0
            && of.error_over_images >= 0.0
            && of.groups > 0
            && of.std_over_seeds.is_finite()
    };
    match spreads.iter().all(possible) {
        _ if spreads.is_empty() => Err(no_spreads(
            "it says nothing of how differences spread; two seeds or more are needed".to_owned(),
        )),
        false => Err(no_spreads("it has spreads below 0".to_owned())),
        true => Ok(spreads),
    }
}

impl Comparison {
    /// Whether its file asks for contrasts.
    pub(super) fn is_planned(&self) -> bool {
        !self.contrasts.is_empty() || !self.not_tested.is_empty()
    }

    /// Tests of its largest family.
    pub(super) fn tests(&self) -> usize {
        let mut families: BTreeMap<&str, usize> = BTreeMap::new();
        for contrast in &self.contrasts {
            *families.entry(&contrast.family).or_default() += 1;
        }
        let of_arms =
            self.arms.iter().flat_map(|arm| arm.minus_reference.values()).flat_map(BTreeMap::values);
        families.into_values().max().unwrap_or_else(|| of_arms.filter(|of| of.p_holm.is_some()).count())
    }

    /// What its seeds could have found, a line for each data set and measure.
    #[must_use]
    pub fn could_find(&self) -> Vec<String> {
        let title = |key: &str| {
            let metric: Option<&Metric> = self.metrics.iter().find(|metric| metric.key == key);
            metric.map_or_else(|| key.to_owned(), |metric| metric.title.to_lowercase())
        };
        self.spreads.iter().map(|spread| spread.in_words(&title(&spread.measure))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread() -> Spread {
        let (data, measure) = ("mnist".to_owned(), "linear".to_owned());
        let (tests, seeds, finds, seeds_for) = (0, 0, None, BTreeMap::new());
        let (std_over_seeds, error_over_images, groups, arms) = (0.0092, 0.0013, 10_000, 5);
        Spread {
            data,
            measure,
            std_over_seeds,
            error_over_images,
            groups,
            arms,
            tests,
            seeds,
            finds,
            seeds_for,
        }
    }

    #[test]
    fn a_plan_says_which_seeds_find_what_and_where_none_do() {
        let words = spread().of_family(12, 3).in_words("linear");
        assert!(words.starts_with("mnist, linear: 3 seeds find "), "{words}");
        assert!(
            words.contains(" for 4 points 3 (12 tests") || words.contains(" for 4 points 2 (12 tests"),
            "{words}"
        );
        let few = Spread { error_over_images: 0.02, groups: 98, ..spread() }.of_family(12, 3);
        assert!(few.in_words("linear").contains("1 point more test images"), "{}", few.in_words("linear"));
        assert!(spread().of_family(1, 1).in_words("linear").starts_with("mnist, linear: seeds needed"));
    }

    #[test]
    fn spreads_are_read_from_an_earlier_study_and_what_says_nothing_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("comparison.json");
        let told = |text: &str| {
            std::fs::write(&file, text).unwrap();
            read_spreads(&file).map_err(|error| error.to_string())
        };
        let earlier = serde_json::json!({ "spreads": [spread().of_family(5, 3)], "answer": "" }).to_string();
        assert_eq!(told(&earlier).unwrap(), [spread().of_family(5, 3)]);
        assert!(told("{}").unwrap_err().contains("says nothing of how differences spread"));
        assert!(told("no json").unwrap_err().contains("comparison.json"));
        assert!(told(&earlier.replace("0.0092", "-0.0092")).unwrap_err().contains("below 0"));
    }
}
