//! A comparison of made-up numbers, for tests of what is said of one.

use std::collections::BTreeMap;

use zview_probe::suite::arms::{ArmScore, Difference, distinct};
use zview_probe::suite::metric::{Better, Metric, Unit};
use zview_probe::suite::protocols::{few_shot, knn, linear};

use super::collect::{ArmComparison, Comparison};

/// An arm with the values of its seeds by measure, on the data set `d`.
pub(super) fn arm(name: &str, steps: u64, measured: &[(&str, [f64; 3])]) -> ArmComparison {
    let of_measure = |&(key, seeds): &(&str, [f64; 3])| {
        (key.to_owned(), ArmScore::over_seeds(seeds.to_vec(), metric(key), [0, 100]))
    };
    ArmComparison {
        name: name.to_owned(),
        taught_by: String::new(),
        against: None,
        series: name.to_owned(),
        axis: None,
        steps,
        untrained: steps == 0,
        seconds: 1.0,
        views_per_second: 1.0,
        missing_seeds: Vec::new(),
        interrupted_seeds: Vec::new(),
        linear: None,
        scores: BTreeMap::from([("d".to_owned(), measured.iter().map(of_measure).collect())]),
        minus_reference: BTreeMap::new(),
        progress: BTreeMap::new(),
    }
}

/// The metric of a key.
fn metric(key: &str) -> Metric {
    let number = |start: &str| key.strip_prefix(start).and_then(|rest| rest.parse().ok());
    let other = |title: &str, unit, better, place| Metric {
        key: key.to_owned(),
        title: title.to_owned(),
        column: String::new(),
        unit,
        better,
        place,
    };
    match key {
        "ece" => other("Calibration error", Unit::Share, Better::Lower, (7, 0.0)),
        "rank_me" => other("RankMe", Unit::Number, Better::Neither, (10, 1.0)),
        _ if key.ends_with('%') => few_shot::share_metric(key.trim_start_matches("few_shot_")),
        _ if key.starts_with("knn_") => number("knn_").map_or_else(linear::metric, knn::metric),
        _ if key.starts_with("few_shot_") => {
            number("few_shot_").map_or_else(linear::metric, few_shot::metric)
        }
        _ => Metric { key: key.to_owned(), ..linear::metric() },
    }
}

/// Arms against the first of them, without p-values.
pub(super) fn comparison(mut arms: Vec<ArmComparison>) -> Comparison {
    let reference = arms[0].clone();
    for arm in &mut arms[1..] {
        arm.against = Some(reference.name.clone());
        let of_measure = |(key, score): (&String, &ArmScore)| {
            let of_reference = reference.scores["d"].get(key)?;
            let metric = score.metric.clone();
            Some((key.clone(), Difference::over_seeds(&score.seeds, &of_reference.seeds, metric)))
        };
        let differences = arm.scores["d"].iter().filter_map(of_measure).collect();
        arm.minus_reference = BTreeMap::from([("d".to_owned(), differences)]);
    }
    let scores = arms.iter().flat_map(|arm| arm.scores["d"].values());
    let metrics = distinct(scores.map(|score| &score.metric));
    Comparison {
        question: "Which?".to_owned(),
        answer: String::new(),
        reference: reference.name,
        data: vec!["d".to_owned()],
        judged_at: BTreeMap::new(),
        seeds: vec![0, 1, 2],
        metrics,
        arms,
        pairs: Vec::new(),
        recovered: BTreeMap::new(),
        equal_time: None,
        held_out_picks: Vec::new(),
        failed: Vec::new(),
        contrasts: Vec::new(),
        not_tested: Vec::new(),
        spreads: Vec::new(),
    }
}
