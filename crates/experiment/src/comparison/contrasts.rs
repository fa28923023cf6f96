//! Contrasts: what a study asks of its arms, named in its file before they are trained, each with an interval and a p-value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zview_probe::suite::arms::{Arms, Difference, correct_together};
use zview_probe::suite::metric::Metric;

use super::collect::{ArmComparison, Comparison};
use super::measures::headlines;
use super::study::Axis;

/// A line of the file, with one of the keys that say what is asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContrastConfig {
    /// What it is called.
    pub name: String,
    /// `[a, b]`: arm a minus arm b.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<[String; 2]>,
    /// `[a, b, c, d]`: (a - b) - (c - d), what one gains more than another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gain: Option<[String; 4]>,
    /// The arms of an axis: the line through them, from its first value to its last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trend: Option<String>,
    /// The same up to the arm that held-out training images pick.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rise: Option<String>,
    /// The same from that arm on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fall: Option<String>,
    /// Asks whether it lies within this of 0, in points (in the metric's unit where that is a number), by two one-sided tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equal_within: Option<f64>,
    /// Contrasts of one family are corrected together, over data sets and both headline measures; all of the file where it is
    /// not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
}

/// A contrast by a measure on a data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contrast {
    /// What it is called.
    pub name: String,
    /// What is asked, in words: `tx-tz minus real`.
    pub of: String,
    /// What is corrected together with it.
    pub family: String,
    /// The data set.
    pub data: String,
    /// The measure.
    pub measure: String,
    /// Weights of the arms.
    pub weights: BTreeMap<String, f64>,
    /// The margin of a test of equivalence, as a share of 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equal_within: Option<f64>,
    /// The sum, whose p-value is that of equivalence where that is asked.
    #[serde(flatten)]
    pub sum: Difference,
}

/// A weighted sum of arms, in words too.
struct Asked {
    of: String,
    weights: Vec<(String, f64)>,
}

impl ContrastConfig {
    fn kinds(&self) -> [bool; 5] {
        [
            self.difference.is_some(),
            self.gain.is_some(),
            self.trend.is_some(),
            self.rise.is_some(),
            self.fall.is_some(),
        ]
    }

    /// Everything that is wrong with it among arms of these names and series, one line each.
    pub(super) fn problems<'a>(&self, names: &[&'a str], axes: &[(&'a str, usize)]) -> Vec<String> {
        let key = |key: &str| format!("contrasts: {}: {key}", self.name);
        let mut problems = Vec::new();
        if self.name.trim().is_empty() {
            problems.push("contrasts.name: each needs a name".to_owned());
        }
        if self.kinds().into_iter().filter(|given| *given).count() != 1 {
            let what = key("expected one of `difference`, `gain`, `trend`, `rise` and `fall`");
            problems.push(format!("{what}, got {}", self.kinds().iter().filter(|given| **given).count()));
        }
        let arms = self.difference.iter().flatten().map(|arm| ("difference", arm));
        let arms = arms.chain(self.gain.iter().flatten().map(|arm| ("gain", arm)));
        for (of, arm) in arms.filter(|(_, arm)| !names.contains(&arm.as_str())) {
            problems.push(format!(
                "{}: there is no arm \"{arm}\"; the arms are {}",
                key(of),
                names.join(", ")
            ));
        }
        if let Some([a, b]) = self.difference.as_ref().filter(|[a, b]| a == b) {
            problems.push(format!("{}: \"{a}\" minus \"{b}\" is nothing; name two arms", key("difference")));
        }
        if let Some([a, b, c, d]) =
            self.gain.as_ref().filter(|[a, b, c, d]| gain_weights([a, b, c, d]).is_empty())
        {
            problems.push(format!("{}: ({a} - {b}) - ({c} - {d}) is nothing; name other arms", key("gain")));
        }
        for (of, series) in [("trend", &self.trend), ("rise", &self.rise), ("fall", &self.fall)] {
            let Some(series) = series else { continue };
            let arms = axes.iter().find(|(name, _)| name == series).map_or(0, |(_, arms)| *arms);
            if arms < 3 {
                problems.push(format!(
                    "{}: expected the name of an arm with `vary` and three values or more, `at` included, got \"{series}\"",
                    key(of)
                ));
            }
        }
        if let Some(margin) = self.equal_within.filter(|margin| !(*margin > 0.0 && margin.is_finite())) {
            problems.push(format!("{}: expected above 0, got {margin}", key("equal_within")));
        }
        problems
    }

    /// The weights of the arms on a data set.
    ///
    /// # Errors
    /// Why nothing can be asked, as of a fall after the last value.
    fn asked(&self, comparison: &Comparison, data: &str) -> Result<Asked, String> {
        let of_arms = |of: String, weights: &[(&String, f64)]| Asked {
            of,
            weights: weights.iter().map(|(arm, weight)| ((*arm).clone(), *weight)).collect(),
        };
        if let Some([a, b]) = &self.difference {
            return Ok(of_arms(format!("{a} minus {b}"), &[(a, 1.0), (b, -1.0)]));
        }
        if let Some([a, b, c, d]) = &self.gain {
            let of = format!("({a} minus {b}) minus ({c} minus {d})");
            return Ok(of_arms(of, &gain_weights([a, b, c, d])));
        }
        let series = self.trend.as_ref().or(self.rise.as_ref()).or(self.fall.as_ref());
        let series = series.ok_or("it says nothing")?;
        let mut on_axis: Vec<(&ArmComparison, &Axis)> = comparison
            .arms
            .iter()
            .filter(|arm| arm.series == *series)
            .filter_map(|arm| Some((arm, arm.axis.as_ref()?)))
            .collect();
        on_axis.sort_by(|a, b| a.1.value.total_cmp(&b.1.value));
        if self.trend.is_none() {
            let pick =
                comparison.held_out_picks.iter().find(|pick| pick.data == data && pick.series == *series);
            let top = pick.ok_or("held-out training images pick nothing: cells are missing")?.value;
            let up = self.rise.is_some();
            on_axis.retain(|(_, axis)| if up { axis.value <= top } else { axis.value >= top });
            if on_axis.len() < 2 {
                let end = if up { "first" } else { "last" };
                return Err(format!("held-out training images pick {top}, the {end} value"));
            }
        }
        let [(_, first), .., (_, last)] = on_axis[..] else {
            return Err("its axis has one value".to_owned());
        };
        Ok(Asked {
            of: format!("{series} along {}, from {} to {}", first.key, first.value, last.value),
            weights: along(&on_axis),
        })
    }
}

/// Of (a - b) - (c - d), without arms that cancel out.
fn gain_weights([a, b, c, d]: [&String; 4]) -> Vec<(&String, f64)> {
    let mut weights: BTreeMap<&String, f64> = BTreeMap::new();
    for (arm, weight) in [(a, 1.0), (b, -1.0), (c, -1.0), (d, 1.0)] {
        *weights.entry(arm).or_default() += weight;
    }
    weights.into_iter().filter(|(_, weight)| *weight != 0.0).collect()
}

/// Weights of the least-squares line's change from the first value to the last.
fn along(arms: &[(&ArmComparison, &Axis)]) -> Vec<(String, f64)> {
    let mean = arms.iter().map(|(_, axis)| axis.value).sum::<f64>() / arms.len() as f64;
    let squares: f64 = arms.iter().map(|(_, axis)| (axis.value - mean).powi(2)).sum();
    let range = arms[arms.len() - 1].1.value - arms[0].1.value;
    arms.iter().map(|(arm, axis)| (arm.name.clone(), (axis.value - mean) / squares * range)).collect()
}

/// All contrasts of the file by the headline measures, corrected by family, and why there is none of others.
pub(super) fn contrasts(
    asked: &[ContrastConfig],
    comparison: &Comparison,
    measured: &BTreeMap<String, Arms>,
) -> (Vec<Contrast>, Vec<String>) {
    let (mut found, mut without) = (Vec::new(), Vec::new());
    for config in asked {
        for data in &comparison.data {
            let Some(arms) = measured.get(data) else { continue };
            let mut none =
                |why: &str| without.push(format!("{} on {data}: not tested, as {why}.", config.name));
            let Asked { of, weights } = match config.asked(comparison, data) {
                Ok(asked) => asked,
                Err(why) => {
                    none(&why);
                    continue;
                }
            };
            let named: Vec<(&str, f64)> =
                weights.iter().map(|(arm, weight)| (arm.as_str(), *weight)).collect();
            let mut sums = arms.contrasts(&named);
            if sums.is_empty() {
                none("there is no seed that all of its arms have");
            }
            for metric in headlines(comparison, data) {
                let Some(mut sum) = sums.remove(&metric.key) else { continue };
                let equal_within = config.equal_within.map(|margin| margin * in_unit(&metric));
                if let Some(margin) = equal_within {
                    let of_margin = sum.of_seeds.and_then(|of| of.p_of_equivalence(margin));
                    sum.p_value = sum.p_value.and(of_margin);
                }
                found.push(Contrast {
                    name: config.name.clone(),
                    of: of.clone(),
                    family: config.family.clone().unwrap_or_else(|| ALL.to_owned()),
                    data: data.clone(),
                    measure: metric.key.clone(),
                    weights: weights.iter().cloned().collect(),
                    equal_within,
                    sum,
                });
            }
        }
    }
    let families: std::collections::BTreeSet<String> = found.iter().map(|of| of.family.clone()).collect();
    for family in families {
        let of_family = found.iter_mut().filter(|of| of.family == family);
        correct_together(of_family.map(|of| &mut of.sum));
    }
    (found, without)
}

/// The family of contrasts that name none.
const ALL: &str = "all contrasts of the file";

/// What one point is.
fn in_unit(metric: &Metric) -> f64 {
    if metric.unit == zview_probe::suite::metric::Unit::Number { 1.0 } else { 0.01 }
}

impl Contrast {
    /// Whether its test says better or worse; `None` where it says neither, or asks for equality.
    #[must_use]
    pub fn better(&self) -> Option<bool> {
        self.sum.is_better().filter(|_| self.sum.is_significant() && self.equal_within.is_none())
    }

    /// Whether its test shows what it asks for; of one seed, which has none, by the interval.
    fn is_shown(&self) -> bool {
        match (self.equal_within, self.sum.p_holm, self.sum.interval()) {
            (Some(margin), None, Some((low, high))) => -margin < low && high < margin,
            _ => self.sum.is_significant(),
        }
    }

    /// What its test says: `significant`, or the bound that its interval gives.
    #[must_use]
    pub fn verdict(&self) -> String {
        if let Some(why) = self.sum.no_p.filter(|_| self.sum.no_interval.is_none()) {
            return format!("not tested: {why}");
        }
        let (size, unit) = (self.sum.precise(), self.sum.metric.unit.after_difference());
        let bound = || {
            let furthest = self.sum.interval().map(|(low, high)| low.abs().max(high.abs()));
            furthest.map_or_else(String::new, |most| format!("; it is below {}{unit}", size(most)))
        };
        match (self.equal_within, self.sum.no_interval, self.is_shown()) {
            (_, Some(why), _) => why.to_owned(),
            (Some(margin), None, true) => format!("equal within {}{unit}", size(margin)),
            (Some(margin), None, false) => {
                format!("not shown to be equal within {}{unit}{}", size(margin), bound())
            }
            (None, None, true) => match self.sum.is_better() {
                Some(true) => "better".to_owned(),
                Some(false) => "worse".to_owned(),
                None => "different".to_owned(),
            },
            (None, None, false) => format!("no difference was found{}", bound()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::held_out::HeldOutPick;
    use super::super::made_up::{arm, comparison};
    use super::*;
    use zview_probe::suite::protocols::linear;

    /// Arms at 0, 1, 2 and 4 of an axis, held-out images picking 2.
    fn on_an_axis() -> Comparison {
        let at = |value: f64| ArmComparison {
            series: "far".to_owned(),
            axis: Some(Axis { key: "views.std".to_owned(), value }),
            ..arm(&format!("far-{value}"), 9, &[("linear", [0.5, 0.6, 0.7])])
        };
        let pick = HeldOutPick {
            data: "d".to_owned(),
            series: "far".to_owned(),
            key: "views.std".to_owned(),
            value: 2.0,
            arm: "far-2".to_owned(),
            measure: "linear_validation".to_owned(),
            accuracy: 0.7,
        };
        Comparison { held_out_picks: vec![pick], ..comparison([0.0, 1.0, 2.0, 4.0].map(at).to_vec()) }
    }

    fn weights(config: &ContrastConfig, comparison: &Comparison) -> Vec<(String, f64)> {
        config.asked(comparison, "d").map_or_else(|_| Vec::new(), |asked| asked.weights)
    }

    #[test]
    fn a_trend_is_the_change_of_the_least_squares_line_from_end_to_end() {
        let trend = ContrastConfig { trend: Some("far".to_owned()), ..ContrastConfig::default() };
        let weights = weights(&trend, &on_an_axis());
        let sum = |of: &dyn Fn(f64) -> f64| -> f64 {
            weights.iter().map(|(arm, weight)| weight * of(arm[4..].parse().unwrap())).sum()
        };
        assert!(sum(&|_| 1.0).abs() < 1e-12 && (sum(&|value| 0.5 + 0.1 * value) - 0.4).abs() < 1e-12);
        // numpy.polyfit([0, 1, 2, 4], [0, 1, 0, 0], 1)[0] * 4 = -0.342857
        assert!((sum(&|value| f64::from(u8::from(value == 1.0))) + 0.342_857_143).abs() < 1e-8);
    }

    #[test]
    fn rise_and_fall_meet_at_what_held_out_images_pick() {
        let (mut comparison, far) = (on_an_axis(), Some("far".to_owned()));
        let rise = ContrastConfig { rise: far.clone(), ..ContrastConfig::default() };
        let fall = ContrastConfig { fall: far, ..ContrastConfig::default() };
        let arms = |of: &ContrastConfig, comparison: &Comparison| -> Vec<String> {
            weights(of, comparison).into_iter().map(|(arm, _)| arm).collect()
        };
        assert_eq!(arms(&rise, &comparison), ["far-0", "far-1", "far-2"]);
        assert_eq!(weights(&fall, &comparison), [("far-2".to_owned(), -1.0), ("far-4".to_owned(), 1.0)]);
        let of = |fall: &ContrastConfig, comparison: &Comparison| {
            fall.asked(comparison, "d").map(|asked| asked.of)
        };
        assert_eq!(of(&fall, &comparison).unwrap(), "far along views.std, from 2 to 4");
        comparison.held_out_picks[0].value = 4.0;
        assert_eq!(of(&fall, &comparison).unwrap_err(), "held-out training images pick 4, the last value");
        comparison.held_out_picks.clear();
        assert!(of(&fall, &comparison).unwrap_err().contains("cells are missing"));
    }

    #[test]
    fn a_verdict_says_how_large_a_difference_may_be_that_was_not_found() {
        let of = |low: f64, high: f64, p_holm: f64, equal_within: Option<f64>| {
            let sum = Difference::over_seeds(&[low, high, 0.5 * (low + high)], &[0.0; 3], linear::metric());
            let sum = Difference { low: Some(low), high: Some(high), p_holm: Some(p_holm), ..sum };
            Contrast {
                name: String::new(),
                of: String::new(),
                family: String::new(),
                data: String::new(),
                measure: String::new(),
                weights: BTreeMap::new(),
                equal_within,
                sum,
            }
        };
        let verdict = |of: Contrast| (of.verdict(), of.better());
        let told = |words: &str, better| (words.to_owned(), better);
        assert_eq!(verdict(of(0.01, 0.03, 0.01, None)), told("better", Some(true)));
        assert_eq!(verdict(of(-0.03, -0.01, 0.01, None)), told("worse", Some(false)));
        let none = told("no difference was found; it is below 2.60 points", None);
        assert_eq!(verdict(of(-0.026, 0.01, 0.2, None)), none);
        assert_eq!(verdict(of(-0.004, 0.006, 0.01, Some(0.01))), told("equal within 1.00 points", None));
        // Without a p-value nothing was tested: it was called no difference.
        let untested = of(0.01, 0.03, 1.0, None);
        let sum = Difference { p_holm: None, no_p: Some("it has no images"), ..untested.sum };
        let untested = Contrast { sum, ..untested };
        assert_eq!(verdict(untested), told("not tested: it has no images", None));
        // Of one seed there is no test: it was called equal for an interval without 0.
        let one = |low, high| {
            let of = of(low, high, 1.0, Some(0.01));
            Contrast { sum: Difference { p_holm: None, seeds: 1, ..of.sum }, ..of }
        };
        assert_eq!(verdict(one(0.002, 0.008)), told("equal within 1.00 points", None));
        assert!(verdict(one(0.02, 0.04)).0.starts_with("not shown to be equal"));
        let unsure = told("not shown to be equal within 1.00 points; it is below 1.60 points", None);
        assert_eq!(verdict(of(-0.004, 0.016, 0.2, Some(0.01))), unsure);
    }
}
