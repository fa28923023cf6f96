//! The share of what real images are ahead that views in latent space recover (the paper's pilot: 78 %).

use std::collections::BTreeMap;

use serde::Serialize;
use zview_numerics::statistics::ratio_interval;

use super::collect::ArmComparison;
use super::config::GapConfig;
use super::study::Study;
use zview_probe::suite::intervals::{TWO_SEEDS, over_seeds};

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
    study: &Study,
    gap: &GapConfig,
    arms: &[ArmComparison],
) -> BTreeMap<String, Recovered> {
    let on_data = |data: &String| {
        let linear = |name: &str| {
            let arm = arms.iter().find(|arm| arm.name == name).filter(|arm| arm.missing_seeds.is_empty())?;
            Some(arm.scores.get(data)?.get("linear")?.seeds.as_slice())
        };
        let of = Recovered::of(gap, linear(&gap.real)?, linear(&gap.synthetic)?, linear(&gap.views)?)?;
        Some((data.clone(), of))
    };
    study.config.data.iter().filter_map(on_data).collect()
}

impl Recovered {
    /// Of the accuracies of the same seeds.
    fn of(arms: &GapConfig, real: &[f64], synthetic: &[f64], views: &[f64]) -> Option<Self> {
        let minus_synthetic =
            |arm: &[f64]| -> Vec<f64> { arm.iter().zip(synthetic).map(|(arm, tx)| arm - tx).collect() };
        let (gains, gaps) = (minus_synthetic(views), minus_synthetic(real));
        let (share, interval) = ratio_interval(&gains, &gaps)?;
        let gap = gaps.iter().sum::<f64>() / gaps.len() as f64;
        // Of a lead of synthetic images nothing can be recovered, however significant it is.
        let (low, high) = over_seeds(interval, gaps.len())
            .filter(|_| gap > 0.0)
            .map(|interval| (interval.low, interval.high))
            .unzip();
        Some(Self { share, low, high, gap, seeds: gaps.len(), arms: arms.clone() })
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
    use super::*;

    fn recovered(real: [f64; 3], synthetic: [f64; 3], views: [f64; 3]) -> Recovered {
        let arms = GapConfig { real: "real".into(), synthetic: "tx".into(), views: "tx-tz".into() };
        Recovered::of(&arms, &real, &synthetic, &views).unwrap()
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
