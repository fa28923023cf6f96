//! A linear probe on few labels of each class, and on small shares of all labels.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zview_features::stratified_split;
use zview_report::numbers::{precise_percent, with_interval};
use zview_runtime::words::counted;

use super::Outcomes;
use crate::ProbeError;
use crate::few_labels::{FewShotScore, few_shot, few_shot_shares};
use crate::suite::SuiteConfig;
use crate::suite::metric::{Metric, Right, Score};
use crate::suite::protocol::{Bench, Protocol};
use crate::suite::set_evaluation::SetEvaluation;

/// Several draws of the labelled images.
pub struct FewShot;

/// What it finds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    /// By labels per class.
    pub few_shot: BTreeMap<usize, FewShotScore>,
    /// By their share of all, keyed `1%`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub few_shot_shares: Option<BTreeMap<String, FewShotScore>>,
    /// Judged on held-out training images, by labels per class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub few_shot_validation: Option<BTreeMap<usize, FewShotScore>>,
    /// Shares of the labels that are too few to be judged by, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// The metric of the accuracy with `labels` of each class.
#[must_use]
pub fn metric(labels: usize) -> Metric {
    let title =
        if labels == 1 { "1 label per class".to_owned() } else { format!("{labels} labels per class") };
    Metric::accuracy(format!("few_shot_{labels}"), title, format!("{labels}/class"), (2, labels as f64))
}

/// The metric of the accuracy with `share` of the labels, such as `1%`.
#[must_use]
pub fn share_metric(share: &str) -> Metric {
    let number = share.trim_end_matches('%');
    let place = (3, number.parse().unwrap_or(0.0));
    let title = format!("{number} % of the labels");
    Metric::accuracy(format!("few_shot_{share}"), title, share.to_owned(), place)
}

/// Takes out the shares that give no class more than one label: that says what one label per class says.
pub(in crate::suite) fn without_too_few(
    shares: &mut BTreeMap<String, FewShotScore>,
    classes: usize,
) -> Vec<String> {
    let told = |(share, score): (&String, &FewShotScore)| {
        let labels = score.labels;
        (labels <= classes).then(|| {
            format!(
                "{share} of the labels: {labels} labels of {classes} classes are no more than one of each"
            )
        })
    };
    let left_out = shares.iter().filter_map(told).collect();
    shares.retain(|_, score| score.labels > classes);
    left_out
}

impl Protocol for FewShot {
    type Outcome = Outcome;
    const KEY: &'static str = "few_shot";
    const READS: &'static [&'static str] = &["few_shot", "few_shot_validation_share"];

    fn decided(config: &SuiteConfig) -> Option<String> {
        Some(format!("few-shot: {} of the labelled images", counted(config.few_shot.draws, "draw")))
    }

    fn run(bench: &Bench<'_>, _: &Outcomes) -> Result<Option<Outcome>, ProbeError> {
        let (train, test, config) = (&bench.encoded.train, &bench.encoded.test, &bench.config.few_shot);
        let mut by_class = few_shot(train, test, config)?;
        let mut shares = few_shot_shares(train, test, config)?;
        for score in by_class.values_mut().chain(shares.values_mut()) {
            // Over groups of test images where they are known.
            let interval = bench.drawn_interval(&score.draws, &score.right_draws);
            (score.low, score.high) = interval.map(|of| (of.low, of.high)).unzip();
        }
        let left_out = without_too_few(&mut shares, train.class_names().len());
        let share = bench.config.few_shot_validation_share;
        let validation = if share > 0.0 {
            let split = stratified_split(train, share, config.seed);
            Some(few_shot(&train.select(&split.training), &train.select(&split.validation), config)?)
        } else {
            None
        };
        Ok(Some(Outcome {
            few_shot: by_class,
            few_shot_shares: (!config.shares.is_empty()).then_some(shares),
            few_shot_validation: validation,
            left_out,
        }))
    }

    fn scores(found: &Outcome, set: &SetEvaluation) -> Vec<Score> {
        let score = |metric: Metric, score: &FewShotScore| Score {
            interval: score.low.zip(score.high),
            over: format!("{} of the labels and test images", counted(score.draws.len(), "draw")),
            n_train: score.labels,
            note: "linear".to_owned(),
            right: (!score.right_draws.is_empty())
                .then(|| Right::new(score.draws.len() as u32, score.right_draws.iter().copied())),
            draws: score.draws.clone(),
            ..set.score(metric, score.mean)
        };
        let shares = found.few_shot_shares.iter().flatten();
        let held_out = found.few_shot_validation.iter().flatten();
        found
            .few_shot
            .iter()
            .map(|(&labels, of)| score(metric(labels), of))
            .chain(shares.map(|(share, of)| score(share_metric(share), of)))
            .chain(
                held_out
                    .map(|(&labels, of)| Score { right: None, ..score(metric(labels).on_validation(), of) }),
            )
            .collect()
    }

    fn lines(found: &Outcome) -> Vec<(String, String)> {
        let few = |score: &FewShotScore| {
            let (draws, labels) = (counted(score.draws.len(), "draw"), counted(score.labels, "label"));
            let mean = with_interval(score.mean, score.low.zip(score.high), precise_percent);
            format!("{mean} over {draws} of {labels}")
        };
        let by_class = found.few_shot.iter().map(|(labels, of)| (format!("{labels} per class"), few(of)));
        let shares = found.few_shot_shares.iter().flatten();
        let shares = shares.map(|(share, of)| (format!("{share} of the labels"), few(of)));
        let left_out = found.left_out.iter().map(|note| ("  left out".to_owned(), note.clone()));
        by_class.chain(shares).chain(left_out).collect()
    }
}
