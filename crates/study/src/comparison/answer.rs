//! What the numbers allow to say, in two sentences or a few.

use super::collect::{ArmComparison, Comparison};
use super::measures::headlines;
use super::scores::Difference;

/// Above this corrected probability of no difference, arms are not told apart.
const TOLD_APART: f64 = 0.05;

/// Better, worse and not told apart, on every data set, by the linear probe and with the fewest labels, after correction
/// for many differences.
pub(super) fn answer(comparison: &Comparison) -> String {
    let mut sentences = Vec::new();
    for data in &comparison.data {
        let said: Vec<String> = headlines(comparison, data)
            .iter()
            .filter_map(|(key, name)| by_measure(comparison, data, key, name))
            .collect();
        if said.is_empty() {
            sentences.push(format!("On {data} nothing can be said yet: cells are missing."));
            continue;
        }
        sentences.extend(said);
        sentences.extend(recovered(comparison, data));
    }
    sentences.join(" ")
}

fn by_measure(comparison: &Comparison, data: &str, key: &str, name: &str) -> Option<String> {
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
    let neither = judged.iter().filter(|(_, difference)| !told(difference)).count();
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
    let how = if key == "linear" { "by linear probe".to_owned() } else { format!("with {name}") };
    Some(format!("On {data} {how}, against {}, {}.", comparison.reference, parts.join("; ")))
}

fn recovered(comparison: &Comparison, data: &str) -> Option<String> {
    let recovered = comparison.recovered.get(data)?;
    let (gap, arms) = (100.0 * recovered.gap, &recovered.arms);
    Some(match recovered.low.zip(recovered.high) {
        Some((low, high)) => format!(
            "By linear probe, views recover {:.0} % [{:.0}, {:.0}] of the gap of {gap:.1} points between {} and {}.",
            100.0 * recovered.share,
            100.0 * low,
            100.0 * high,
            arms.real,
            arms.synthetic
        ),
        None => format!(
            "The gap between {} and {} by linear probe ({gap:+.1} points) cannot be told from 0, so there is no share of it to recover.",
            arms.real, arms.synthetic
        ),
    })
}

fn points(difference: &Difference) -> String {
    let value = format!("{:+.1} points", 100.0 * difference.difference);
    match difference.low.zip(difference.high) {
        Some((low, high)) => format!("{value} [{:+.1}, {:+.1}]", 100.0 * low, 100.0 * high),
        None => value,
    }
}
