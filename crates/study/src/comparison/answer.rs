//! What the numbers allow to say, in two sentences.

use super::collect::{ArmComparison, Comparison};
use super::measures::headlines;
use super::recovered::Recovered;
use super::scores::Difference;

/// Above this corrected probability of no difference, arms are not told apart.
const TOLD_APART: f64 = 0.05;

/// What is said of differences over two seeds.
const TOO_FEW_TO_SAY: &str = "two seeds are too few to say; three or more are needed";

/// A sentence by the linear probe and one with the fewest labels: on every data set what is better, what is worse and
/// how much is not told apart, after correction for many differences.
pub(super) fn answer(comparison: &Comparison) -> String {
    let mut measures: Vec<(String, String)> = Vec::new();
    for headline in comparison.data.iter().flat_map(|data| headlines(comparison, data)) {
        if !measures.contains(&headline) {
            measures.push(headline);
        }
    }
    let sentences = measures.iter().filter_map(|(key, name)| by_measure(comparison, key, name));
    let sentences = sentences.collect::<Vec<_>>().join(" ");
    if sentences.is_empty() { "Nothing can be said yet: cells are missing.".to_owned() } else { sentences }
}

fn by_measure(comparison: &Comparison, key: &str, name: &str) -> Option<String> {
    let on: Vec<String> = comparison.data.iter().filter_map(|data| on_data(comparison, data, key)).collect();
    if on.is_empty() {
        return None;
    }
    let how = if key == "linear" { "By linear probe".to_owned() } else { format!("With {name}") };
    Some(format!("{how}, against {}, {}.", comparison.reference, on.join("; ")))
}

fn on_data(comparison: &Comparison, data: &str, key: &str) -> Option<String> {
    let judged: Vec<(&ArmComparison, &Difference)> = comparison
        .arms
        .iter()
        .filter_map(|arm| Some((arm, arm.minus_reference.get(data)?.get(key)?)))
        .collect();
    if judged.is_empty() {
        return None;
    }
    let told = |difference: &Difference| difference.p_holm.is_some_and(|p| p < TOLD_APART);
    let named = |wanted: &dyn Fn(&Difference) -> bool| -> Vec<String> {
        let of = judged.iter().filter(|(_, difference)| wanted(difference));
        let against = |arm: &ArmComparison| match &arm.against {
            Some(against) if *against != comparison.reference => format!(" against {against}"),
            _ => String::new(),
        };
        of.map(|(arm, difference)| format!("{} ({}{})", arm.name, points(difference), against(arm))).collect()
    };
    let better = named(&|difference| told(difference) && difference.difference > 0.0);
    let worse = named(&|difference| told(difference) && difference.difference < 0.0);
    let few = judged.iter().filter(|(_, difference)| difference.no_interval.is_some()).count();
    let neither = judged.iter().filter(|(_, difference)| !told(difference)).count() - few;
    let mut parts = Vec::new();
    if !better.is_empty() {
        parts.push(format!("better: {}", better.join(", ")));
    }
    if !worse.is_empty() {
        parts.push(format!("worse: {}", worse.join(", ")));
    }
    if neither > 0 {
        parts.push(format!("{neither} of {} differences cannot be told from 0", judged.len()));
    }
    if few > 0 {
        let of = if few < judged.len() {
            format!("of {few} of {} differences ", judged.len())
        } else {
            let all = judged.iter().map(|(arm, difference)| format!("{} {}", arm.name, points(difference)));
            format!("{}: ", all.collect::<Vec<_>>().join(", "))
        };
        parts.push(format!("{of}{TOO_FEW_TO_SAY}"));
    }
    if key == "linear" {
        parts.extend(comparison.recovered.get(data).map(Recovered::in_words));
    }
    Some(format!("on {data} {}", parts.join(", ")))
}

fn points(difference: &Difference) -> String {
    let value = format!("{:+.1} points", 100.0 * difference.difference);
    match difference.low.zip(difference.high) {
        Some((low, high)) => format!("{value} [{:+.1}, {:+.1}]", 100.0 * low, 100.0 * high),
        None => value,
    }
}
