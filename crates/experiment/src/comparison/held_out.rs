//! What held-out training images pick along an axis: how to choose a setting without a look at test images.

use serde::Serialize;
use zview_report::numbers::percent;

use super::collect::{ArmComparison, Comparison};
use zview_probe::suite::metric::{Metric, VALIDATION};

/// The arm of a series that did best on held-out training images of a data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeldOutPick {
    /// The data set.
    pub data: String,
    /// What the arms have in common.
    pub series: String,
    /// The setting that changes along the axis.
    pub key: String,
    /// The value that is picked.
    pub value: f64,
    /// The arm that has it.
    pub arm: String,
    /// By which measure.
    pub measure: String,
    /// Its mean over seeds, a fraction.
    pub accuracy: f64,
}

impl HeldOutPick {
    /// `held-out picks 0.1 (views.std)`, with the series where there are several.
    #[must_use]
    pub fn in_words(&self, several: bool) -> String {
        let of = if several { format!(" of {}", self.series) } else { String::new() };
        format!(
            "held-out picks {} ({}){of}: {} % on training images that were held out",
            self.value,
            self.key,
            percent(self.accuracy)
        )
    }
}

/// A pick for each data set and series of two arms or more that were judged on held-out images.
pub(super) fn picks(arms: &[ArmComparison], data: &[String]) -> Vec<HeldOutPick> {
    let mut picks = Vec::new();
    for data in data {
        let Some(measure) = measure_of(arms, data) else { continue };
        for (series, key) in axes(arms) {
            let of_series = arms.iter().filter_map(|arm| {
                let axis = arm.axis.as_ref().filter(|axis| arm.series == series && axis.key == key)?;
                Some((arm, axis.value, arm.scores.get(data)?.get(&measure)?.mean))
            });
            let of_series: Vec<_> = of_series.collect();
            // Of equally good ones the first, in the order of the study.
            let best = of_series.iter().rev().max_by(|a, b| a.2.total_cmp(&b.2));
            if let (Some((arm, value, accuracy)), true) = (best, of_series.len() > 1) {
                picks.push(HeldOutPick {
                    data: data.clone(),
                    series: series.to_owned(),
                    key: key.to_owned(),
                    value: *value,
                    arm: arm.name.clone(),
                    measure: measure.clone(),
                    accuracy: *accuracy,
                });
            }
        }
    }
    picks
}

impl Comparison {
    /// The metric on held-out images that stands first on `data`; `None` where nothing is picked.
    pub(super) fn held_out(&self, data: &str) -> Option<Metric> {
        let pick = self.held_out_picks.iter().find(|pick| pick.data == data)?;
        let metric = self.metrics.iter().find(|metric| metric.key == pick.measure)?;
        Some(Metric { title: "Held out".to_owned(), ..metric.clone() })
    }

    /// What is picked on `data`, a line for each series.
    pub(super) fn picks_in_words(&self, data: &str) -> Vec<String> {
        let picks: Vec<&HeldOutPick> = self.held_out_picks.iter().filter(|pick| pick.data == data).collect();
        picks.iter().map(|pick| pick.in_words(picks.len() > 1)).collect()
    }
}

/// The linear probe's where arms on axes have it, else that with the fewest labels.
fn measure_of(arms: &[ArmComparison], data: &str) -> Option<String> {
    let on_axis = arms.iter().filter(|arm| arm.axis.is_some()).filter_map(|arm| arm.scores.get(data));
    let keys: Vec<&String> = on_axis.flat_map(|scores| scores.keys()).collect();
    let linear = format!("linear{VALIDATION}");
    let labels = |key: &&&String| {
        let labels = key.strip_prefix("few_shot_").and_then(|key| key.strip_suffix(VALIDATION));
        labels.and_then(|labels| labels.parse::<usize>().ok())
    };
    let few =
        || keys.iter().filter(|key| labels(key).is_some()).min_by_key(labels).map(|key| (**key).clone());
    keys.iter().any(|key| **key == linear).then_some(linear).or_else(few)
}

/// Each series with each key of its axes, once.
fn axes(arms: &[ArmComparison]) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    for arm in arms {
        if let Some(axis) = &arm.axis
            && !found.contains(&(arm.series.as_str(), axis.key.as_str()))
        {
            found.push((arm.series.as_str(), axis.key.as_str()));
        }
    }
    found
}
