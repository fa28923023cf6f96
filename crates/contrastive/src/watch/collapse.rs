//! When features count as collapsed.

use super::config::WatchConfig;
use super::measures::Measures;

/// The features say almost nothing about the image any more.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "the features have collapsed: at step {step} {measure} is {value:.3}, below {setting} = {threshold}; lower \
     optimizer.lr or optimizer.weight_decay, lengthen train.warmup_steps, let views of an anchor differ less, or take \
     an objective with negatives or a variance term (simclr, vicreg); watch.stop_on_collapse = false goes on regardless"
)]
pub struct Collapse {
    /// Steps taken.
    pub step: u64,
    /// Which measure says so.
    pub measure: &'static str,
    /// What it is.
    pub value: f64,
    /// The key of its threshold.
    pub setting: &'static str,
    /// The threshold.
    pub threshold: f64,
}

/// Tells a collapse once, and again after features recovered.
#[derive(Debug, Clone, Default)]
pub struct CollapseWatch {
    collapsed: bool,
}

impl CollapseWatch {
    /// Judges `measures` of the features after `step`; a collapse that was told already is none.
    pub fn judge(&mut self, measures: &Measures, step: u64, config: &WatchConfig) -> Option<Collapse> {
        let collapse = collapse(measures, step, config);
        let was_collapsed = std::mem::replace(&mut self.collapsed, collapse.is_some());
        collapse.filter(|_| !was_collapsed)
    }
}

fn collapse(measures: &Measures, step: u64, config: &WatchConfig) -> Option<Collapse> {
    let rules = [
        (
            "the effective rank of the features",
            measures.effective_rank,
            "watch.min_effective_rank",
            config.min_effective_rank,
        ),
        (
            "the standard deviation of the normalised features times sqrt(D)",
            measures.feature_std_relative,
            "watch.min_feature_std",
            config.min_feature_std,
        ),
    ];
    // Features that are not numbers are below nothing; the loss tells them.
    let broken = rules.into_iter().find(|(_, value, _, threshold)| value < threshold);
    broken.map(|(measure, value, setting, threshold)| Collapse { step, measure, value, setting, threshold })
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_features::views::FeatureRows;

    fn measures(spread: f64) -> Measures {
        let values = (0..20 * 6).map(|i| 1.0 + spread * (f64::from(i) * 2.3).sin()).collect();
        Measures::of(&FeatureRows::new(values, 2, 6).unwrap())
    }

    #[test]
    fn a_collapse_is_told_once_and_again_after_a_recovery() {
        let (config, mut watch) = (WatchConfig::default(), CollapseWatch::default());
        let mut told = |spread: f64, step: u64| watch.judge(&measures(spread), step, &config).is_some();
        let spreads = [0.9, 1e-4, 1e-5, 0.9, 0.0];
        let told: Vec<bool> = spreads.iter().zip(1..).map(|(&spread, step)| told(spread, step)).collect();
        assert_eq!(told, [false, true, false, false, true]);
    }

    #[test]
    fn the_message_names_measure_step_threshold_and_remedy() {
        let collapse = CollapseWatch::default().judge(&measures(0.0), 70, &WatchConfig::default()).unwrap();
        let message = collapse.to_string();
        for words in ["effective rank", "step 70", "watch.min_effective_rank = 1.5", "optimizer.lr"] {
            assert!(message.contains(words), "{message}");
        }
        let only_std = WatchConfig { min_effective_rank: 0.0, ..WatchConfig::default() };
        let message = CollapseWatch::default().judge(&measures(1e-6), 9, &only_std).unwrap().to_string();
        assert!(message.contains("watch.min_feature_std"), "{message}");
        let nothing = WatchConfig { min_effective_rank: 0.0, min_feature_std: 0.0, ..only_std };
        assert!(CollapseWatch::default().judge(&measures(0.0), 9, &nothing).is_none());
    }
}
