//! Scores and differences of made-up encoders.

use zview_numerics::statistics::{
    PairedArms, difference_of_one, holm, mcnemar, mean_interval, variance_split, welch_interval,
};

use super::difference::{IMAGES_UNKNOWN, NOT_BY_IMAGE};
use super::*;
use crate::suite::intervals::TWO_SEEDS;
use crate::suite::metric::{Better, Right, Unit};
use crate::suite::protocols::{few_shot, knn, linear};

const JUDGING: Pairing = Pairing::Judging;

fn plain(metric: Metric, value: f64) -> Score {
    Score {
        metric,
        value,
        interval: None,
        over: String::new(),
        n_train: 0,
        n_test: 0,
        note: String::new(),
        right: None,
        draws: Vec::new(),
    }
}

/// Right on every image but each `wrong`-th.
fn correct(wrong: usize) -> Vec<bool> {
    (0..60).map(|image| image % wrong != 0).collect()
}

fn accuracy(correct: &[bool]) -> f64 {
    correct.iter().filter(|&&right| right).count() as f64 / correct.len() as f64
}

fn rank() -> Metric {
    Metric::other("rank_me", "RankMe", Unit::Number, Better::Neither, (10, 1.0))
}

fn encoder(seed: u64, wrong: usize, draws: [f64; 3], rank_me: f64) -> Measured {
    let correct = correct(wrong);
    let scores = vec![
        Score { right: Some(Right::once(&correct)), ..plain(linear::metric(), accuracy(&correct)) },
        Score { draws: draws.to_vec(), ..plain(few_shot::metric(5), mean_interval(&draws).mean) },
        plain(rank(), rank_me),
    ];
    Measured { seed, images: [100, 60], scores }
}

fn arms(pairing: Pairing, first: &[usize], other: &[usize]) -> Arms {
    let of = |wrong: &[usize]| -> Vec<Measured> {
        let drawn = |wrong: usize| [0.5, 0.6, 0.8].map(|value| value - 1.0 / wrong as f64);
        let encoder =
            |(seed, &wrong): (usize, &usize)| encoder(seed as u64, wrong, drawn(wrong), wrong as f64);
        wrong.iter().enumerate().map(encoder).collect()
    };
    let by_name = [("a".to_owned(), of(first)), ("b".to_owned(), of(other))];
    Arms::new(by_name.into(), None, pairing)
}

#[test]
fn seeds_that_pair_arms_give_differences_over_them_and_over_images() {
    let differences = arms(Pairing::Seeds { asked: 3 }, &[9, 8, 7], &[4, 3, 5, 2]).differences("a", "b");
    let shares = |wrong: &[usize]| -> Vec<Vec<f32>> {
        wrong.iter().map(|&wrong| Right::once(&correct(wrong)).shares()).collect()
    };
    let (a, b) = (shares(&[9, 8, 7]), shares(&[4, 3, 5]));
    let rows = [&a, &b].map(|rows| rows.iter().map(Vec::as_slice).collect::<Vec<&[f32]>>());
    let paired = PairedArms::new(&rows, None).unwrap().contrast(&[1.0, -1.0], None);
    let linear = &differences["linear"];
    assert_eq!(linear.interval(), Some((paired.interval.low, paired.interval.high)));
    assert_eq!((linear.p_value, linear.of_seeds), (paired.p_value, Some(paired)));
    assert_eq!((linear.seeds, linear.no_p, linear.over), (3, None, None));
    // Nothing is known of single images.
    assert_eq!(differences["few_shot_5"].no_p, Some(IMAGES_UNKNOWN));
    let rank = &differences["rank_me"];
    assert_eq!((rank.no_p, rank.p_value, rank.difference), (Some(NOT_BY_IMAGE), None, 4.0));
    assert!(rank.interval().is_some() && rank.is_better().is_none() && !rank.is_significant());
}

/// Three seeds of one difference have two degrees of freedom, and most of what is there was not found.
#[test]
fn arms_that_spread_alike_share_their_variance_and_others_are_judged_alone() {
    let by_name = |name: &str, values: [f64; 3]| {
        let encoder = |(seed, value): (usize, f64)| Measured {
            seed: seed as u64,
            images: [100, 60],
            scores: vec![plain(rank(), value)],
        };
        (name.to_owned(), values.into_iter().enumerate().map(encoder).collect::<Vec<Measured>>())
    };
    let study = [
        by_name("a", [5.0, 6.0, 8.0]),
        by_name("b", [3.0, 6.5, 6.0]),
        by_name("c", [1.0, 2.5, 4.0]),
        by_name("untrained", [0.0, 40.0, 9.0]),
    ];
    let arms =
        Arms::new(study.into(), None, Pairing::Seeds { asked: 3 }).with_alone(["untrained".to_owned()]);
    let width = |arms: &Arms, weights: &[(&str, f64)]| {
        let (low, high) = arms.contrasts(weights)["rank_me"].interval().unwrap();
        high - low
    };
    let minus: &[(&str, f64)] = &[("a", 1.0), ("b", -1.0)];
    // By hand: three arms and three seeds, residual mean square 0.58333 of 4 degrees, t = 2.776445.
    let pooled = 2.0 * 2.776_445 * (2.0 * 0.583_333_3_f64 / 3.0).sqrt();
    assert!((width(&arms, minus) - pooled).abs() < 1e-4, "{} {pooled}", width(&arms, minus));
    let spread = mean_interval(&[5.0, -34.0, -1.0]).interval.unwrap();
    assert!((width(&arms, &[("a", 1.0), ("untrained", -1.0)]) - (spread.high - spread.low)).abs() < 1e-9);
    let all = Arms { alone: BTreeSet::new(), ..arms.clone() };
    assert!(width(&all, minus) > 5.0 * pooled, "the untrained arm spreads otherwise");
    let gain = arms.contrasts(&[("a", 1.0), ("b", -2.0), ("c", 1.0)]);
    assert!((gain["rank_me"].difference - (19.0 / 3.0 - 2.0 * 15.5 / 3.0 + 2.5)).abs() < 1e-9);
    assert!(arms.contrasts(&[("a", 1.0), ("absent", -1.0)]).is_empty() && arms.contrasts(&[]).is_empty());
}

#[test]
fn encoders_that_are_judged_alike_are_compared_by_what_is_known_of_them() {
    let single = arms(JUDGING, &[9], &[4]).differences("a", "b");
    let (a, b) = (correct(9), correct(4));
    let interval = difference_of_one(&a, &b, None).unwrap();
    let linear = &single["linear"];
    assert_eq!(linear.interval(), Some((interval.low, interval.high)));
    assert_eq!((linear.mcnemar, linear.over), (mcnemar(&a, &b), Some("test images")));
    assert_eq!(linear.p_value, linear.mcnemar.map(|test| test.p_value));
    assert_eq!(single["few_shot_5"].over, Some("draws"));
    let rank = &single["rank_me"];
    assert_eq!((rank.difference, rank.interval(), rank.over), (5.0, None, None));

    let several = arms(JUDGING, &[9, 8, 7], &[4, 3, 5]).differences("a", "b");
    let welch = welch_interval(&[9.0, 8.0, 7.0], &[4.0, 3.0, 5.0]).interval.unwrap();
    assert_eq!(several["rank_me"].interval(), Some((welch.low, welch.high)));
    assert_eq!(several["few_shot_5"].over, Some("encoders"));
    let linear = &several["linear"];
    assert_eq!((linear.mcnemar, linear.over), (None, Some("encoders and test images")));
    let one_of_them = &arms(JUDGING, &[9, 8, 7], &[4]).differences("a", "b")["linear"];
    assert_eq!(one_of_them.over, Some("encoders and test images, of this one encoder of the other arm"));
    let two = arms(JUDGING, &[9, 8], &[4, 3, 5]).differences("a", "b");
    assert!(two.values().all(|of| of.interval().is_none() && of.no_interval == Some(TWO_SEEDS)));
}

#[test]
fn the_spread_of_draws_is_split_where_all_encoders_have_the_same() {
    let judged = arms(JUDGING, &[9, 8, 7], &[4]);
    let drawn = |wrong: f64| [0.5, 0.6, 0.8].map(|value| value - 1.0 / wrong).to_vec();
    let split = variance_split(&[drawn(9.0), drawn(8.0), drawn(7.0)]).unwrap();
    let score = &judged.scores("a")["few_shot_5"];
    assert_eq!((score.mean, score.split.clone()), (split.mean, Some(split)));
    assert_eq!((score.n_train, score.n_test), (100, 60));
    assert!(judged.scores("a")["linear"].split.is_none());
    // With other draws for each seed there is nothing to split.
    assert!(arms(Pairing::Seeds { asked: 3 }, &[9, 8, 7], &[4]).scores("a")["few_shot_5"].split.is_none());
    assert!(judged.scores("absent").is_empty() && judged.differences("a", "absent").is_empty());
}

#[test]
fn p_values_are_corrected_within_a_metric() {
    let of = |p_value| Difference {
        p_value,
        ..Difference::over_seeds(&[0.9, 0.8, 0.7], &[0.5; 3], linear::metric())
    };
    let keyed = |of: Difference, knn: Difference| {
        ByMetric::from([("linear".to_owned(), of), ("knn_20".to_owned(), knn)])
    };
    let mut all = [keyed(of(Some(0.01)), of(None)), keyed(of(Some(0.04)), of(Some(0.04)))];
    correct_for_many(all.iter_mut());
    let expected: Vec<Option<f64>> = holm(&[0.01, 0.04]).into_iter().map(Some).collect();
    assert_eq!([all[0]["linear"].p_holm, all[1]["linear"].p_holm], *expected);
    assert_eq!((all[0]["knn_20"].p_holm, all[1]["knn_20"].p_holm), (None, Some(0.04)));
}

#[test]
fn one_seed_has_the_interval_of_its_encoder() {
    let of = Score {
        interval: Some((0.4, 0.6)),
        over: "1,200 typeface families (9,000 images)".to_owned(),
        ..plain(linear::metric(), 0.5)
    };
    let by = |scores: &[&Score]| {
        let score = ArmScore::of(scores, [0, 0], Pairing::Seeds { asked: 1 }, None).unwrap();
        (score.low, score.over)
    };
    assert_eq!(by(&[&of]), (Some(0.4), Some("over 1,200 typeface families".to_owned())));
    assert_eq!(by(&[&of, &of]), (None, None));
}

#[test]
fn a_difference_is_significant_by_its_p_value_or_of_one_seed_by_its_interval() {
    let difference = Difference::over_seeds(&[0.6], &[0.5], linear::metric());
    let one = Difference { low: Some(0.01), high: Some(0.2), ..difference };
    assert!(one.is_significant());
    assert!(!Difference { low: Some(-0.01), ..one.clone() }.is_significant());
    assert!(!Difference { p_holm: Some(0.05), ..one.clone() }.is_significant());
    assert!(!Difference { seeds: 3, ..one }.is_significant());
}

#[test]
fn two_seeds_get_no_interval_and_three_get_one_within_what_is_possible() {
    let of = |values: &[f64]| ArmScore::over_seeds(values.to_vec(), knn::metric(20), [0, 0]);
    let two = of(&[0.98, 0.90]);
    assert_eq!((two.low, two.high, two.no_interval), (None, None, Some(TWO_SEEDS)));
    let three = of(&[0.999, 0.90, 0.99]);
    assert!(three.high == Some(1.0) && three.low < Some(0.9) && three.no_interval.is_none(), "{three:?}");
    assert!(ArmScore::over_seeds(vec![3.0, 4.0, 5.0], rank(), [0, 0]).high > Some(5.0));
    let difference = |a: &[f64], b: &[f64]| Difference::over_seeds(a, b, linear::metric());
    let two = difference(&[0.9, 0.8], &[0.7, 0.7]);
    assert_eq!((two.low, two.no_interval), (None, Some(TWO_SEEDS)));
    assert!(difference(&[0.9, 0.8, 0.7], &[0.7, 0.7, 0.7]).low.is_some());
}
