//! What is read off an evaluation, and what it is called.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::collect::{ArmComparison, Comparison};
use super::scores::Difference;

/// The end of the keys of measures on held-out training images: for choosing between arms without a look at test
/// images.
pub(super) const VALIDATION: &str = "_validation";

/// The measures of one evaluation: `linear`, `knn_20`, `few_shot_10`, `few_shot_10_validation` and so on.
pub(super) fn measures(evaluation: &Value) -> BTreeMap<String, f64> {
    let mut measures = BTreeMap::new();
    let mut add = |name: String, value: &Value| {
        if let Some(value) = value.as_f64() {
            measures.insert(name, value);
        }
    };
    add("linear".to_owned(), &evaluation["linear"]["top1"]);
    add(format!("linear{VALIDATION}"), &picked_validation(evaluation));
    add("sgd".to_owned(), &evaluation["sgd"]["top1"]);
    add("fine_tune".to_owned(), &evaluation["fine_tune"]["mean"]);
    add("scratch".to_owned(), &evaluation["scratch"]["mean"]);
    for (k, score) in evaluation["knn"].as_object().into_iter().flatten() {
        add(format!("knn_{k}"), &score["top1"]);
    }
    let kinds = [("few_shot", ""), ("few_shot_shares", ""), ("few_shot_validation", VALIDATION)];
    for (kind, end) in kinds {
        for (labels, score) in evaluation[kind].as_object().into_iter().flatten() {
            add(format!("few_shot_{labels}{end}"), &score["mean"]);
        }
    }
    measures
}

/// What `evaluation` says of the measure `key` on test images; null of one that it does not have.
pub(super) fn part_of<'a>(evaluation: &'a Value, key: &str) -> &'a Value {
    if let Some(k) = key.strip_prefix("knn_") {
        return &evaluation["knn"][k];
    }
    match key.strip_prefix("few_shot_") {
        Some(share) if share.ends_with('%') => &evaluation["few_shot_shares"][share],
        Some(labels) => &evaluation["few_shot"][labels],
        None => &evaluation[key],
    }
}

/// The linear probe on the images that its penalty was picked on.
fn picked_validation(evaluation: &Value) -> Value {
    let penalty = &evaluation["linear"]["penalty"];
    let mut tried = evaluation["linear"]["validation"].as_array().into_iter().flatten();
    let picked = tried.find(|tried| tried["penalty"] == *penalty);
    picked.map(|picked| picked["validation_top1"].clone()).unwrap_or_default()
}

/// Measures on test images that some arm has on `data`, with their names: the linear probe, neighbours, few labels,
/// more labels, the rest.
pub(super) fn shown_measures(comparison: &Comparison, data: &str) -> Vec<(String, String)> {
    let keys: BTreeSet<&String> =
        comparison.arms.iter().filter_map(|arm| arm.scores.get(data)).flat_map(BTreeMap::keys).collect();
    let mut named: Vec<((u8, f64), String, String)> = keys
        .into_iter()
        .filter(|key| !key.ends_with(VALIDATION))
        .map(|key| {
            let (place, name) = name(key);
            (place, key.clone(), name)
        })
        .collect();
    named.sort_by(|a, b| a.0.0.cmp(&b.0.0).then(a.0.1.total_cmp(&b.0.1)));
    named.into_iter().map(|(_, key, name)| (key, name)).collect()
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

/// Where a measure stands among others, and its name.
fn name(key: &str) -> ((u8, f64), String) {
    if let Some(k) = key.strip_prefix("knn_") {
        return ((1, k.parse().unwrap_or(0.0)), format!("{k}-NN"));
    }
    if let Some(labels) = key.strip_prefix("few_shot_") {
        return match labels.strip_suffix('%') {
            Some(share) => ((3, share.parse().unwrap_or(0.0)), format!("{share} % of the labels")),
            None if labels == "1" => ((2, 1.0), "1 label per class".to_owned()),
            None => ((2, labels.parse().unwrap_or(0.0)), format!("{labels} labels per class")),
        };
    }
    match key {
        "linear" => ((0, 0.0), "Linear".to_owned()),
        "sgd" => ((4, 0.0), "Linear by SGD".to_owned()),
        "fine_tune" => ((5, 0.0), "Fine-tuned".to_owned()),
        "scratch" => ((5, 1.0), "From scratch".to_owned()),
        other => ((6, 0.0), other.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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

    #[test]
    fn measures_have_keys_and_names() {
        let evaluation = json!({
            "linear": {
                "top1": 0.9, "penalty": 0.1,
                "validation": [{"penalty": 1.0, "validation_top1": 0.7}, {"penalty": 0.1, "validation_top1": 0.8}],
            },
            "knn": {"20": {"top1": 0.6}},
            "few_shot": {"10": {"mean": 0.5}},
            "few_shot_shares": {"1%": {"mean": 0.4}},
            "few_shot_validation": {"10": {"mean": 0.3}},
        });
        let measured = measures(&evaluation);
        let keys: Vec<&str> = measured.keys().map(String::as_str).collect();
        let expected =
            ["few_shot_1%", "few_shot_10", "few_shot_10_validation", "knn_20", "linear", "linear_validation"];
        assert_eq!(keys, expected);
        assert_eq!((measured["linear_validation"], measured["few_shot_10_validation"]), (0.8, 0.3));
        let names = ["knn_20", "few_shot_1", "few_shot_1%", "fine_tune"].map(|key| name(key).1);
        assert_eq!(names, ["20-NN", "1 label per class", "1 % of the labels", "Fine-tuned"]);
    }
}
