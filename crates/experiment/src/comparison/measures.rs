//! What is read off an evaluation, and in which order it is shown.

use std::collections::BTreeMap;

use zview_probe::suite::arms::{Difference, distinct};
use zview_probe::suite::metric::{Metric, Unit, VALIDATION};
use zview_probe::suite::protocols::linear;

use super::collect::{ArmComparison, Comparison};

/// Metrics on test images that some arm has on `data`: the accuracies, then all others that were asked for. Calibration
/// comes with every linear probe, so that alone it is no column beside accuracies.
pub(super) fn shown_measures(comparison: &Comparison, data: &str) -> Vec<Metric> {
    let scores = comparison.arms.iter().filter_map(|arm| arm.scores.get(data)).flat_map(BTreeMap::values);
    let metrics = distinct(scores.map(|score| &score.metric)).into_iter();
    let (mut shown, others): (Vec<Metric>, Vec<Metric>) =
        metrics.partition(|metric| metric.unit == Unit::Accuracy);
    shown.retain(|metric| !metric.column.is_empty());
    if shown.is_empty() || others.iter().any(|metric| metric.key != linear::CALIBRATION) {
        shown.extend(others);
    }
    shown
}

/// The headlines that some arm has on held-out training images too.
pub(super) fn held_out_measures(comparison: &Comparison, data: &str) -> Vec<Metric> {
    let on_held_out = |metric: Metric| {
        let key = metric.key.starts_with("few_shot_").then(|| format!("{}{VALIDATION}", metric.key))?;
        let scores = comparison.arms.iter().filter_map(|arm| arm.scores.get(data)?.get(&key));
        scores.map(|score| score.metric.clone()).next()
    };
    headlines(comparison, data).into_iter().filter_map(on_held_out).collect()
}

/// The measures that answers speak of: the linear probe and the fewest labels per class, or the first that there is.
pub(super) fn headlines(comparison: &Comparison, data: &str) -> Vec<Metric> {
    let shown = shown_measures(comparison, data);
    let of = |start: &str| {
        let by_name = |metric: &&Metric| metric.key.starts_with(start) && !metric.key.ends_with('%');
        shown.iter().find(by_name).cloned()
    };
    let mut headlines: Vec<Metric> = [of("linear"), of("few_shot_")].into_iter().flatten().collect();
    if headlines.is_empty() {
        headlines.extend(shown.first().cloned());
    }
    headlines
}

/// Whether any of `arms` has a difference by `key` on `data`.
pub(super) fn is_compared(arms: &[ArmComparison], data: &str, key: &str) -> bool {
    differences(arms, data, key).next().is_some()
}

/// Why differences by some of `measures` have no p-value, a sentence for each reason; nothing where all have one.
pub(super) fn without_p(comparison: &Comparison, measures: &[Metric]) -> String {
    let why = |key: &str| {
        let on_data = |data: &String| differences(&comparison.arms, data, key).find_map(|of| of.no_p);
        comparison.data.iter().find_map(on_data)
    };
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for Metric { key, title, .. } in measures {
        let Some(why) = why(key) else { continue };
        match reasons.iter_mut().find(|(reason, _)| *reason == why) {
            Some((_, titles)) if titles.contains(&title.as_str()) => {}
            Some((_, titles)) => titles.push(title),
            None => reasons.push((why, vec![title])),
        }
    }
    let (without, over) = match comparison.seeds.len() {
        1 => ("Without an interval", ""),
        _ => ("Without p", ", so their intervals are over seeds alone"),
    };
    let sentence =
        |(why, titles): (&str, Vec<&str>)| format!("{without}: {}; {why}{over}.", titles.join(", "));
    reasons.into_iter().map(sentence).collect::<Vec<_>>().join(" ")
}

fn differences<'a>(arms: &'a [ArmComparison], data: &str, key: &str) -> impl Iterator<Item = &'a Difference> {
    arms.iter().filter_map(move |arm| arm.minus_reference.get(data)?.get(key))
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{arm, comparison};
    use super::*;
    use zview_probe::suite::arms::IMAGES_UNKNOWN;

    /// Differences at 1 % and 10 % of the labels stood without p, and nothing said why.
    #[test]
    fn differences_without_a_p_value_are_named_with_the_reason() {
        let measured = [("few_shot_1%", [0.5, 0.6, 0.7]), ("knn_20", [0.5, 0.6, 0.7])];
        let mut of = comparison(vec![arm("a", 9, &measured), arm("b", 9, &measured)]);
        let shown = shown_measures(&of, "d");
        assert_eq!(without_p(&of, &shown), "");
        let shares = of.arms[1].minus_reference.get_mut("d").unwrap().get_mut("few_shot_1%").unwrap();
        shares.no_p = Some(IMAGES_UNKNOWN);
        let twice = [shown.clone(), shown].concat();
        assert_eq!(
            without_p(&of, &twice),
            "Without p: 1 % of the labels; which test images were right is not kept of these, so their intervals are \
             over seeds alone."
        );
    }

    #[test]
    fn accuracies_stand_first_and_calibration_where_something_else_was_asked_for() {
        let keys = |measured: &[(&str, [f64; 3])]| -> Vec<String> {
            let of = comparison(vec![arm("a", 9, measured)]);
            shown_measures(&of, "d").into_iter().map(|metric| metric.key).collect()
        };
        let (linear, ece, rank) = (("linear", [0.5; 3]), ("ece", [0.1; 3]), ("rank_me", [9.0; 3]));
        assert_eq!(keys(&[ece, linear]), ["linear"]);
        assert_eq!(keys(&[rank, ece, linear]), ["linear", "ece", "rank_me"]);
        assert_eq!(keys(&[ece]), ["ece"]);
        let alone = comparison(vec![arm("a", 9, &[rank])]);
        assert_eq!(headlines(&alone, "d")[0].key, "rank_me");
    }
}
