//! What is read off an evaluation, and what it is called.

use std::collections::BTreeMap;

use zview_probe::suite::metric::{Metric, Unit, VALIDATION};

use super::collect::{ArmComparison, Comparison};
use super::scores::{Difference, Score};

/// Measures on test images that some arm has on `data`, with their names: the linear probe, neighbours, few labels,
/// more labels, the rest.
pub(super) fn shown_measures(comparison: &Comparison, data: &str) -> Vec<(String, String)> {
    let scores = comparison.arms.iter().filter_map(|arm| arm.scores.get(data)).flat_map(BTreeMap::values);
    let mut metrics: Vec<&Metric> = Vec::new();
    for Score { metric, .. } in scores {
        let shown = metric.unit == Unit::Accuracy && !metric.column.is_empty();
        if shown && !metrics.iter().any(|known| known.key == metric.key) {
            metrics.push(metric);
        }
    }
    metrics.sort_by(|a, b| a.place.0.cmp(&b.place.0).then(a.place.1.total_cmp(&b.place.1)));
    metrics.into_iter().map(|metric| (metric.key.clone(), metric.title.clone())).collect()
}

/// The headlines that some arm has on held-out training images too.
pub(super) fn held_out_measures(
    comparison: &Comparison,
    data: &str,
) -> impl Iterator<Item = (String, String)> {
    let known = |key: &String| {
        comparison.arms.iter().any(|arm| arm.scores.get(data).is_some_and(|scores| scores.contains_key(key)))
    };
    let of_headlines = headlines(comparison, data)
        .into_iter()
        .filter(|(key, _)| key.starts_with("few_shot_"))
        .map(|(key, name)| (format!("{key}{VALIDATION}"), format!("{name}, on held-out training images")));
    of_headlines.filter(move |(key, _)| known(key)).collect::<Vec<_>>().into_iter()
}

/// The measures that answers speak of: the linear probe and the fewest labels per class.
pub(super) fn headlines(comparison: &Comparison, data: &str) -> Vec<(String, String)> {
    let shown = shown_measures(comparison, data);
    let of =
        |start: &str| shown.iter().find(|(key, _)| key.starts_with(start) && !key.ends_with('%')).cloned();
    let mut headlines: Vec<_> = [of("linear"), of("few_shot_")].into_iter().flatten().collect();
    if headlines.is_empty() {
        headlines.extend(shown.first().cloned());
    }
    headlines
}

/// Whether any of `arms` has a difference by `key` on `data`.
pub(super) fn is_compared(arms: &[ArmComparison], data: &str, key: &str) -> bool {
    differences(arms, data, key).next().is_some()
}

/// Why differences by some of `measures` have no p-value, in a sentence; nothing where all have one.
pub(super) fn without_p(comparison: &Comparison, measures: &[(String, String)]) -> String {
    let why = |key: &str| {
        let on_data = |data: &String| differences(&comparison.arms, data, key).find_map(|of| of.no_p);
        comparison.data.iter().find_map(on_data)
    };
    let mut names: Vec<&str> = Vec::new();
    let mut reason = "";
    for (key, name) in measures {
        if let Some(why) = why(key).filter(|_| !names.contains(&name.as_str())) {
            names.push(name);
            reason = why;
        }
    }
    match names.as_slice() {
        [] => String::new(),
        names => {
            format!("Without p: {}; {reason}, so their intervals are over seeds alone.", names.join(", "))
        }
    }
}

fn differences<'a>(arms: &'a [ArmComparison], data: &str, key: &str) -> impl Iterator<Item = &'a Difference> {
    arms.iter().filter_map(move |arm| arm.minus_reference.get(data)?.get(key))
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{arm, comparison};
    use super::super::scores::IMAGES_UNKNOWN;
    use super::*;

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
}
