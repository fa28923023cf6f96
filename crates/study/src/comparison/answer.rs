//! What the numbers allow to say, in two sentences, and in one more where training taught nothing.

use zview_report::numbers::{interval, percent, signed_percent};

use super::collect::{ArmComparison, Comparison};
use super::measures::headlines;
use super::recovered::Recovered;
use super::scores::Difference;

/// What is said of differences over two seeds.
const TOO_FEW_TO_SAY: &str = "two seeds are too few to say; three or more are needed";

/// A sentence by the linear probe and one with the fewest labels: on every data set what is better, what is worse and
/// how much is not told apart, after correction for many differences. Then which arms are no better than an encoder that
/// learnt nothing.
pub(super) fn answer(comparison: &Comparison) -> String {
    let mut measures: Vec<(String, String)> = Vec::new();
    for headline in comparison.data.iter().flat_map(|data| headlines(comparison, data)) {
        if !measures.contains(&headline) {
            measures.push(headline);
        }
    }
    let differences = measures.iter().filter_map(|(key, name)| by_measure(comparison, key, name));
    let of_data = |(key, name): &(String, String)| {
        let taught = |data: &String| taught_nothing(comparison, data, key, name);
        comparison.data.iter().filter_map(taught).collect::<Vec<_>>()
    };
    let taught_nothing = measures.iter().flat_map(of_data);
    let sentences = differences.chain(taught_nothing).collect::<Vec<_>>().join(" ");
    match comparison.seeds.as_slice() {
        _ if sentences.is_empty() => "Nothing can be said yet: cells are missing.".to_owned(),
        [seed] => format!("{sentences} {}", of_one(*seed)),
        _ => sentences,
    }
}

fn of_one(seed: u64) -> String {
    format!(
        "All of it is of one seed ({seed}): its intervals say what other test images would, and nothing of other initial \
         weights or samples."
    )
}

fn by_measure(comparison: &Comparison, key: &str, name: &str) -> Option<String> {
    let on: Vec<String> = comparison.data.iter().filter_map(|data| on_data(comparison, data, key)).collect();
    if on.is_empty() {
        return None;
    }
    Some(format!("{}, against {}, {}.", judged_by(key, name), comparison.reference, on.join("; ")))
}

fn judged_by(key: &str, name: &str) -> String {
    if key == "linear" { "By linear probe".to_owned() } else { format!("With {name}") }
}

/// The trained arms that are at best as good as an untrained one by `key` on `data`: that which they are compared with,
/// else the first.
fn taught_nothing(comparison: &Comparison, data: &str, key: &str, name: &str) -> Option<String> {
    let mean = |arm: &ArmComparison| Some(arm.scores.get(data)?.get(key)?.mean);
    let untrained: Vec<(&ArmComparison, f64)> = comparison
        .arms
        .iter()
        .filter(|arm| arm.untrained)
        .filter_map(|arm| Some((arm, mean(arm)?)))
        .collect();
    let of_arm = |arm: &ArmComparison| {
        let own = mean(arm).filter(|_| arm.steps > 0)?;
        let against = untrained.iter().find(|(other, _)| Some(&other.name) == arm.against.as_ref());
        let (other, level) = against.or(untrained.first())?;
        let accuracies =
            || format!("{} {} % to {} {} %", arm.name, percent(own), other.name, percent(*level));
        (own <= *level).then(|| (arm.name.clone(), accuracies()))
    };
    let (names, accuracies): (Vec<String>, Vec<String>) = comparison.arms.iter().filter_map(of_arm).unzip();
    let arms = match names.as_slice() {
        [] => return None,
        [only] => format!("arm {only}"),
        [first @ .., last] => format!("arms {} and {last}", first.join(", ")),
    };
    Some(format!(
        "{} on {data}, {arms} {} not above the untrained encoder: {}.",
        judged_by(key, name),
        if names.len() == 1 { "is" } else { "are" },
        accuracies.join(", ")
    ))
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
    let told = Difference::is_significant;
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

fn points(of: &Difference) -> String {
    let value = format!("{} points", signed_percent(of.difference));
    match of.low.zip(of.high) {
        Some(ends) => format!("{value} {}", interval(ends, signed_percent)),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{arm, comparison};
    use super::*;

    /// A first comparison said which arm was better, and not that both were worse than none.
    #[test]
    fn an_arm_that_is_not_above_the_untrained_encoder_is_named() {
        let arms = [
            arm("real", 9, &[("linear", [0.80, 0.81, 0.82]), ("few_shot_5", [0.3; 3])]),
            arm("untrained", 0, &[("linear", [0.60, 0.61, 0.62]), ("few_shot_5", [0.4; 3])]),
            arm("near", 9, &[("linear", [0.60, 0.60, 0.62]), ("few_shot_5", [0.5; 3])]),
        ];
        let said = answer(&comparison(arms.to_vec()));
        let expected = "By linear probe on d, arm near is not above the untrained encoder: near 60.7 % to untrained 61.0 \
                        %. With 5 labels per class on d, arm real is not above the untrained encoder: real 30.0 % to \
                        untrained 40.0 %.";
        assert!(said.ends_with(expected), "{said}");
        let worse = [
            arms[1].clone(),
            arm("near", 9, &[("linear", [0.5; 3])]),
            arm("far", 9, &[("linear", [0.61; 3])]),
        ];
        let said = answer(&comparison(worse.to_vec()));
        assert!(said.contains("arms near and far are not above the untrained encoder"), "{said}");
    }

    #[test]
    fn nothing_is_said_of_untrained_encoders_where_there_is_none_or_all_arms_are_better() {
        let real = arm("real", 9, &[("linear", [0.80, 0.81, 0.82])]);
        let started = arm("checkpoint", 0, &[("linear", [0.9; 3])]);
        let started = super::super::ArmComparison { untrained: false, ..started };
        let better = [real.clone(), arm("untrained", 0, &[("linear", [0.6; 3])])];
        for arms in [vec![real.clone()], better.to_vec(), vec![real, started]] {
            let said = answer(&comparison(arms));
            assert!(!said.contains("not above"), "{said}");
        }
    }
}
