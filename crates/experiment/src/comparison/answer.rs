//! What the numbers allow to say, in two sentences, and in one more where training taught nothing.

use zview_probe::suite::arms::{ArmScore, Difference};
use zview_probe::suite::metric::{Better, Metric, Unit};
use zview_probe::suite::protocols::linear;
use zview_report::numbers::interval;

use super::collect::{ArmComparison, Comparison};
use super::measures::headlines;
use super::recovered::Recovered;

/// What is said of differences over two seeds.
const TOO_FEW_TO_SAY: &str = "one or two seeds are too few to say; three or more are needed";

/// A sentence by the linear probe and one with the fewest labels: on every data set what is better, what is worse and
/// how many differences are not significant, after correction for many differences. Then which arms are no better than an encoder that
/// learnt nothing.
pub(super) fn answer(comparison: &Comparison) -> String {
    let mut measures: Vec<Metric> = Vec::new();
    for headline in comparison.data.iter().flat_map(|data| headlines(comparison, data)) {
        if !measures.iter().any(|known| known.key == headline.key) {
            measures.push(headline);
        }
    }
    let differences = measures.iter().filter_map(|metric| match !comparison.is_planned() {
        true => by_measure(comparison, metric),
        false => by_contrasts(comparison, metric),
    });
    let of_data = |metric: &Metric| {
        let taught = |data: &String| taught_nothing(comparison, data, metric);
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

fn by_measure(comparison: &Comparison, metric: &Metric) -> Option<String> {
    let on: Vec<String> =
        comparison.data.iter().filter_map(|data| on_data(comparison, data, &metric.key)).collect();
    if on.is_empty() {
        return None;
    }
    Some(format!("{}, against {}, {}.", judged_by(metric), comparison.reference, on.join("; ")))
}

/// What the file asks, by one measure: on every data set each contrast with its verdict.
fn by_contrasts(comparison: &Comparison, metric: &Metric) -> Option<String> {
    let on_data = |data: &String| {
        let of = comparison.contrasts.iter().filter(|of| of.data == *data && of.measure == metric.key);
        let said: Vec<String> =
            of.map(|of| format!("{} {}: {}", of.of, in_unit(&of.sum), of.verdict())).collect();
        let gap = comparison.recovered.get(data).filter(|_| metric.key == linear::KEY);
        let said: Vec<String> = said.into_iter().chain(gap.map(Recovered::in_words)).collect();
        (!said.is_empty()).then(|| format!("on {data} {}", said.join(", ")))
    };
    let on: Vec<String> = comparison.data.iter().filter_map(on_data).collect();
    (!on.is_empty()).then(|| format!("{}, {}.", judged_by(metric), on.join("; ")))
}

fn judged_by(metric: &Metric) -> String {
    match metric.unit {
        Unit::Accuracy if metric.key == linear::KEY => "By linear probe".to_owned(),
        Unit::Accuracy => format!("With {}", metric.title),
        Unit::Share | Unit::Difference | Unit::Number => format!("By {}", metric.title),
    }
}

/// The trained arms that are at best as good as an untrained one by `metric` on `data`: that which they are compared
/// with, else the first.
fn taught_nothing(comparison: &Comparison, data: &str, metric: &Metric) -> Option<String> {
    let score = |arm: &ArmComparison| arm.scores.get(data)?.get(&metric.key).cloned();
    let untrained: Vec<(&ArmComparison, ArmScore)> = comparison
        .arms
        .iter()
        .filter(|arm| arm.untrained)
        .filter_map(|arm| Some((arm, score(arm)?)))
        .collect();
    let of_arm = |arm: &ArmComparison| {
        let own = score(arm).filter(|_| arm.steps > 0)?;
        let against = untrained.iter().find(|(other, _)| Some(&other.name) == arm.against.as_ref());
        let (other, level) = against.or(untrained.first())?;
        let value = |of: &ArmScore| of.number()(of.mean) + metric.unit.after();
        let values = || format!("{} {} to {} {}", arm.name, value(&own), other.name, value(level));
        let better = metric.better.is_better(own.mean - level.mean)?;
        (!better).then(|| (arm.name.clone(), values()))
    };
    let (names, values): (Vec<String>, Vec<String>) = comparison.arms.iter().filter_map(of_arm).unzip();
    let arms = match names.as_slice() {
        [] => return None,
        [only] => format!("arm {only}"),
        [first @ .., last] => format!("arms {} and {last}", first.join(", ")),
    };
    Some(format!(
        "{} on {data}, {arms} {} not {} the untrained encoder: {}.",
        judged_by(metric),
        if names.len() == 1 { "is" } else { "are" },
        if metric.better == Better::Lower { "below" } else { "above" },
        values.join(", ")
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
    let against = |arm: &ArmComparison| match &arm.against {
        Some(against) if *against != comparison.reference => format!(" against {against}"),
        _ => String::new(),
    };
    let of_kind = |wanted: &&str| {
        let of = judged.iter().filter(|(_, difference)| kind(difference) == Some(*wanted));
        let named: Vec<String> = of
            .map(|(arm, difference)| format!("{} ({}{})", arm.name, in_unit(difference), against(arm)))
            .collect();
        (!named.is_empty()).then(|| format!("{wanted}: {}", named.join(", ")))
    };
    let mut parts: Vec<String> = KINDS.iter().filter_map(of_kind).collect();
    let few = judged.iter().filter(|(_, difference)| difference.no_interval.is_some()).count();
    let neither: Vec<&Difference> = judged
        .iter()
        .map(|(_, difference)| *difference)
        .filter(|difference| kind(difference).is_none() && difference.no_interval.is_none())
        .collect();
    if let Some(first) = neither.first() {
        let are = if neither.len() == 1 { "is" } else { "are" };
        let ends = neither.iter().filter_map(|of| of.interval()).map(|(low, high)| low.abs().max(high.abs()));
        let most = ends.fold(0.0, f64::max);
        let unit = first.metric.unit;
        let below = match most > 0.0 {
            true => format!(", below {}{}", unit.number(most)(most), unit.after_difference()),
            false => String::new(),
        };
        parts.push(format!("{} of {} differences {are} not significant{below}", neither.len(), judged.len()));
    }
    if few > 0 {
        let of = if few < judged.len() {
            format!("of {few} of {} differences ", judged.len())
        } else {
            let all = judged.iter().map(|(arm, difference)| format!("{} {}", arm.name, in_unit(difference)));
            format!("{}: ", all.collect::<Vec<_>>().join(", "))
        };
        parts.push(format!("{of}{TOO_FEW_TO_SAY}"));
    }
    if key == linear::KEY {
        parts.extend(comparison.recovered.get(data).map(Recovered::in_words));
    }
    Some(format!("on {data} {}", parts.join(", ")))
}

/// What a difference can be, in the order of the answer.
const KINDS: [&str; 6] = ["better", "worse", "higher", "lower", "without p", "without an interval"];

/// Which of [`KINDS`] it is; `None` where it is not significant, or two seeds say nothing.
fn kind(of: &Difference) -> Option<&'static str> {
    match (of.is_significant(), of.is_better()) {
        (true, Some(true)) => Some("better"),
        (true, Some(false)) => Some("worse"),
        (true, None) => Some(if of.difference > 0.0 { "higher" } else { "lower" }),
        // However many seeds there are, there is no test.
        (false, _) if of.no_p.is_some() => {
            Some(if of.interval().is_some() { "without p" } else { "without an interval" })
        }
        (false, _) => None,
    }
}

fn in_unit(of: &Difference) -> String {
    let (signed, points) = (of.signed(), of.metric.unit.after_difference());
    let value = format!("{}{points}", signed(of.difference));
    of.interval().map_or(value.clone(), |ends| format!("{value} {}", interval(ends, signed)))
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

    #[test]
    fn metrics_of_any_direction_and_unit_have_a_sentence() {
        let of = |key, values: [[f64; 3]; 2]| {
            [arm("real", 9, &[(key, values[0])]), arm("near", 0, &[(key, values[1])])].to_vec()
        };
        let mut errors = comparison(of("ece", [[0.05, 0.06, 0.07], [0.01; 3]]));
        errors.arms[1].minus_reference.get_mut("d").unwrap().get_mut("ece").unwrap().p_holm = Some(0.01);
        let said = answer(&errors);
        assert!(
            said.starts_with("By Calibration error, against real, on d better: near (-5.0 points ["),
            "{said}"
        );
        assert!(
            said.contains("arm real is not below the untrained encoder: real 6.0 % to near 1.0 %"),
            "{said}"
        );
        let mut ranks = comparison(of("rank_me", [[8.0, 9.0, 10.0], [12.0, 12.5, 13.0]]));
        let differences = ranks.arms[1].minus_reference.get_mut("d").unwrap();
        differences.get_mut("rank_me").unwrap().no_p = Some("why");
        let said = answer(&ranks);
        assert!(said.starts_with("By RankMe, against real, on d without p: near (+3.50 ["), "{said}");
        assert!(!said.contains("untrained") && !said.contains('%'), "{said}");
    }
}
