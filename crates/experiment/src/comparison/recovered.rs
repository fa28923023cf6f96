//! The share of what real images are ahead that views in latent space recover (the paper's pilot: 78 %).

use std::collections::BTreeMap;

use super::collect::Comparison;
use super::config::GapConfig;
use serde::Serialize;
use zview_probe::suite::arms::{Arms, Difference};
use zview_probe::suite::intervals::{TWO_SEEDS, over_seeds};
use zview_probe::suite::protocols::linear;

/// (views - synthetic) / (real - synthetic) of the linear probe.
#[derive(Debug, Clone, Serialize)]
pub struct Recovered {
    /// The share; of means over seeds.
    pub share: f64,
    /// Lower end of its 95 % interval; absent where real images are not ahead, or the gap is not significantly different from 0.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// real - synthetic.
    pub gap: f64,
    /// Seeds.
    pub seeds: usize,
    /// The arms.
    #[serde(flatten)]
    pub arms: GapConfig,
}

/// By data set, where all seeds of the three arms are there.
pub(super) fn recovered(
    gap: &GapConfig,
    comparison: &Comparison,
    measured: &BTreeMap<String, Arms>,
) -> BTreeMap<String, Recovered> {
    let arm = |name: &str| comparison.arms.iter().find(|arm| arm.name == name);
    let whole = [&gap.real, &gap.synthetic, &gap.views];
    if whole.into_iter().any(|name| arm(name).is_none_or(|arm| !arm.missing_seeds.is_empty())) {
        return BTreeMap::new();
    }
    let on_data = |data: &String| {
        // One rule: where the gap was tested, it is significant as its test says.
        let tested =
            [(&gap.real, &gap.synthetic), (&gap.synthetic, &gap.real)].into_iter().find_map(|(of, to)| {
                let arm = arm(of).filter(|arm| arm.against.as_ref() == Some(to))?;
                arm.minus_reference.get(data)?.get(linear::KEY).filter(|of| of.p_holm.is_some())
            });
        let in_contrasts = comparison.contrasts.iter().find(|of| {
            let weight = |name: &String| of.weights.get(name).copied().unwrap_or(0.0);
            of.data == *data
                && of.measure == linear::KEY
                && of.weights.len() == 2
                && of.equal_within.is_none()
                && weight(&gap.real) * weight(&gap.synthetic) < 0.0
        });
        let significant = tested.or(in_contrasts.map(|of| &of.sum)).map(Difference::is_significant);
        Recovered::of(gap, measured.get(data)?, significant).map(|of| (data.clone(), of))
    };
    comparison.data.iter().filter_map(on_data).collect()
}

impl Recovered {
    /// By the linear probe; `significant` says whether the gap is, where that was tested.
    fn of(gap: &GapConfig, measured: &Arms, significant: Option<bool>) -> Option<Self> {
        let minus_synthetic = |arm: &'_ str| measured.differences(arm, &gap.synthetic).remove(linear::KEY);
        let (real, views) = (minus_synthetic(&gap.real)?, minus_synthetic(&gap.views)?);
        let synthetic = (gap.synthetic.as_str(), -1.0);
        let sums: [&[(&str, f64)]; 2] = [&[(&gap.views, 1.0), synthetic], &[(&gap.real, 1.0), synthetic]];
        let (ratio, seeds) = match measured.ratio(sums, linear::KEY) {
            Some((ratio, seeds)) => (ratio.interval, seeds),
            None => (None, real.seeds),
        };
        // Of a lead of synthetic images nothing can be recovered, however significant it is.
        let (low, high) = over_seeds(ratio, seeds)
            .filter(|_| real.difference > 0.0 && significant != Some(false))
            .map(|interval| (interval.low, interval.high))
            .unzip();
        let share = views.difference / real.difference;
        Some(Self { share, low, high, gap: real.difference, seeds, arms: gap.clone() })
    }

    /// As part of a sentence.
    pub(super) fn in_words(&self) -> String {
        let Self { share, low, high, gap, seeds, arms: GapConfig { real, synthetic, .. } } = self;
        let points = 100.0 * gap;
        match low.zip(*high) {
            Some((low, high)) => format!(
                "views recover {:.0} % [{:.0}, {:.0}] of the gap of {points:.1} points between {real} and {synthetic}",
                100.0 * share,
                100.0 * low,
                100.0 * high
            ),
            None if *gap <= 0.0 => format!(
                "there is no gap to recover, because {real} is not ahead of {synthetic} ({points:+.1} points)"
            ),
            None if *seeds == 2 => format!(
                "views recover {:.0} % of the gap of {points:.1} points between {real} and {synthetic} ({TWO_SEEDS})",
                100.0 * share
            ),
            None => format!(
                "no share of a gap is recovered, because that between {real} and {synthetic} ({points:+.1} points) is not \
                 significantly different from 0"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use zview_probe::suite::arms::{Measured, Pairing};
    use zview_probe::suite::metric::{Right, Score};

    use super::*;

    /// Of accuracies on a thousand test images, the hardest of which are wrong.
    fn recovered(real: [f64; 3], synthetic: [f64; 3], views: [f64; 3]) -> Recovered {
        let gap = GapConfig { real: "real".into(), synthetic: "tx".into(), views: "tx-tz".into() };
        let of_arm = |values: [f64; 3]| -> Vec<Measured> {
            let of_seed = |(seed, value): (usize, f64)| Measured {
                seed: seed as u64,
                images: [100, 1_000],
                scores: vec![Score {
                    metric: linear::metric(),
                    value,
                    interval: None,
                    over: String::new(),
                    n_train: 100,
                    n_test: 1_000,
                    note: String::new(),
                    right: Some(Right::once(
                        &(0..1_000).map(|image| f64::from(image) < 1_000.0 * value).collect::<Vec<bool>>(),
                    )),
                    draws: Vec::new(),
                }],
            };
            values.into_iter().enumerate().map(of_seed).collect()
        };
        let arms = [(&gap.real, real), (&gap.synthetic, synthetic), (&gap.views, views)];
        let by_name = arms.map(|(name, values)| (name.clone(), of_arm(values))).into();
        Recovered::of(&gap, &Arms::new(by_name, None, Pairing::Seeds { asked: 3 }), None).unwrap()
    }

    #[test]
    fn a_share_of_a_significant_gap_has_an_interval() {
        let half = recovered([0.90, 0.91, 0.92], [0.80, 0.81, 0.82], [0.84, 0.86, 0.88]);
        assert!((half.share - 0.5).abs() < 1e-9 && half.low < Some(0.5) && half.high > Some(0.5));
        assert!(
            half.in_words().starts_with("views recover 50 % [")
                && half.in_words().ends_with("of 10.0 points between real and tx")
        );
    }

    #[test]
    fn a_gap_that_is_not_significant_has_no_share() {
        let unsure = recovered([0.90, 0.80, 0.85], [0.80, 0.81, 0.85], [0.9, 0.9, 0.9]);
        assert!(
            unsure.low.is_none()
                && unsure.in_words().contains("(+3.0 points) is not significantly different from 0")
        );
    }

    /// Clothes, where generated images with Tx alone are 0.5 points ahead of real ones: "views recover -223 %".
    #[test]
    fn views_recover_nothing_of_a_gap_where_generated_images_are_ahead() {
        let ahead = recovered([0.80, 0.81, 0.82], [0.85, 0.86, 0.871], [0.87, 0.88, 0.89]);
        assert!(ahead.low.is_none() && ahead.high.is_none());
        assert_eq!(
            ahead.in_words(),
            "there is no gap to recover, because real is not ahead of tx (-5.0 points)"
        );
    }
}
