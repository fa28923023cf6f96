//! What the numbers allow to say, in two sentences or a few.

use super::collect::{ArmComparison, Comparison};
use super::scores::Difference;

/// Better, worse and not told apart, on every data set, by the linear probe and after correction for many differences.
pub(super) fn answer(comparison: &Comparison) -> String {
    let mut sentences = Vec::new();
    for data in &comparison.data {
        let judged: Vec<(&ArmComparison, &Difference)> = comparison
            .arms
            .iter()
            .filter_map(|arm| Some((arm, arm.minus_reference.get(data)?.get("linear")?)))
            .collect();
        if judged.is_empty() {
            sentences.push(format!("On {data} nothing can be said yet: cells are missing."));
            continue;
        }
        let told = |difference: &Difference| difference.p_holm.is_some_and(|p| p < 0.05);
        let named = |wanted: &dyn Fn(&Difference) -> bool| -> Vec<String> {
            let of = judged.iter().filter(|(_, difference)| wanted(difference));
            of.map(|(arm, difference)| format!("{} ({})", arm.name, points(difference))).collect()
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
            parts.push(format!("{neither} of {} arms cannot be told from it", judged.len()));
        }
        sentences.push(format!("On {data}, against {}, {}.", comparison.reference, parts.join("; ")));
        if let Some(recovered) = comparison.recovered.get(data) {
            let (gap, arms) = (100.0 * recovered.gap, &recovered.arms);
            sentences.push(match recovered.low.zip(recovered.high) {
                Some((low, high)) => format!(
                    "Views recover {:.0} % [{:.0}, {:.0}] of the gap of {gap:.1} points between {} and {}.",
                    100.0 * recovered.share,
                    100.0 * low,
                    100.0 * high,
                    arms.real,
                    arms.synthetic
                ),
                None => format!(
                    "The gap between {} and {} ({gap:+.1} points) cannot be told from 0, so there is no share of it to recover.",
                    arms.real, arms.synthetic
                ),
            });
        }
    }
    sentences.join(" ")
}

fn points(difference: &Difference) -> String {
    let value = format!("{:+.1} points", 100.0 * difference.difference);
    match difference.low.zip(difference.high) {
        Some((low, high)) => format!("{value} [{:+.1}, {:+.1}]", 100.0 * low, 100.0 * high),
        None => value,
    }
}
